"""What travels between tasks: JSON values; ids and run keys, never pixels."""

from typing import TypedDict

ACCEPT, RETIRE, LEAVE = "Accept", "Retire", "Leave as drafts"
"""What a person may answer about references that wait."""
SEND, DROP, KEEP = "Send", "Drop for good", "Keep holding"
"""What a person may answer about alerts that are held."""
START_IT, LEAVE_IT = "Begin", "Leave it"
"""What a person may answer about a backfill that takes long."""


class PinnedModel(TypedDict):
    """One version of the network."""

    name: str
    version: int
    digest: str


class Request(TypedDict):
    """What a run searches: pinned by its first task, handed to all others."""

    surveys: list[str]
    nights: list[str]
    region: str | None
    force: bool
    model: PinnedModel


class Batch(TypedDict):
    """Exposures, or the runs on them, that one task works on."""

    label: str
    items: list[str]


class ReferenceRequest(TypedDict):
    """What references are asked for; None stands for all, for no night and for no time."""

    survey: str | None
    region: str | None
    exclude_night: str | None
    exclude: list[str]
    before_mjd: float | None
    ask: bool


class CalibrationRequest(TypedDict):
    """What masters are asked for; None stands for every survey and every night."""

    survey: str | None
    first_night: str | None
    last_night: str | None


class CalibrationBatch(TypedDict):
    """One detector, whose masters one task builds."""

    label: str
    survey: str
    request: CalibrationRequest


class Group(TypedDict):
    """Exposures that are coadded together, and the cells that get a reference of them."""

    cells: list[str]
    band: str
    leaves_out: str
    items: list[str]


class GroupBatch(TypedDict):
    """References that one task builds."""

    label: str
    groups: list[Group]


class BuiltBatch(TypedDict):
    """References of a batch that exist now, and those of them that are in use."""

    built: list[str]
    in_use: list[str]


class IngestRequest(TypedDict):
    """What is to be looked at; None stands for every survey, the whole sky, and no limit."""

    survey: str | None
    region: str | None
    first_night: str | None
    last_night: str | None


class Drafts(TypedDict):
    """References that wait for a person, and what the person is shown."""

    digests: list[str]
    table: str


class Extract(TypedDict):
    """An extract of the catalog that somebody wants to go out, and what the second person is shown."""

    key: str
    requested_by: str
    text: str


class Estimate(TypedDict):
    """What a backfill has to do, as people are shown it, and hours of one core; None where nobody knows."""

    text: str
    hours: float | None


class HeldAlerts(TypedDict):
    """Alerts that wait for a person, by the runs that held them, and what the person is shown."""

    batches: list[str]
    n_alerts: int
    text: str
