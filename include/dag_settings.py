"""What all DAGs have in common."""

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import Param

ARGUMENTS: dict[str, Any] = {
    "owner": "astrid",
    "retries": 4,
    # 5, 10, 20, 40 s: a killed task starts again at once, an archive gets a minute to come back.
    "retry_delay": timedelta(seconds=5),
    "retry_exponential_backoff": True,
    "max_retry_delay": timedelta(minutes=10),
    "execution_timeout": timedelta(hours=6),
}
"""Of every task."""

NIGHTLY_FIRST, ON_DEMAND, BACKFILL = (
    ARGUMENTS | {"priority_weight": weight, "weight_rule": "absolute"} for weight in (100, 10, 1)
)
"""What waits for a slot of a pool: the night comes before what somebody asks for, and that before backfills."""

START = datetime(1980, 1, 1, tzinfo=UTC)
"""Nights before this date cannot be backfilled."""

_NIGHT = r"^\d{4}-\d{2}-\d{2}$"
_REGION = r"^\s*(cone|polygon|cells|moc|skymap)\s*\(.+\)\s*$"

STATUSES = ("candidate", "confirmed", "rejected")
"""Of objects of the catalog, which itself is too heavy to be imported where DAGs are read."""
CLASSES = (
    "artefact", "minor_planet", "known_transient", "agn", "variable_star", "star", "nuclear_transient",
    "hosted_transient", "hostless_transient", "unknown",
)  # fmt: skip
FORMATS = ("csv", "ecsv", "fits", "votable", "hats", "ds9", "archive")
"""Of extracts, likewise."""


def night_param(description: str, *, title: str = "Night") -> Param:
    """Return a form field for a night; may be left empty."""
    return Param(None, type=["null", "string"], pattern=_NIGHT, title=title, description=description)


def required_night_param(title: str) -> Param:
    """Return a form field for a night that must be given."""
    return Param(type="string", pattern=_NIGHT, title=title, description="UTC date of the evening, YYYY-MM-DD")


def survey_param() -> Param:
    """Return a form field for a survey; empty: all of them."""
    return Param(
        None, type=["null", "string"], pattern="^[a-z0-9][a-z0-9-]*$", title="Survey",
        description="Name in surveys.toml; empty: every survey",
    )  # fmt: skip


def region_param() -> Param:
    """Return a form field for a part of the sky; empty: all of it."""
    return Param(
        None, type=["null", "string"], pattern=_REGION, title="Region",
        description="cone(10.68,41.27,0.5deg), polygon(10 41, 11 41, 11 42), cells(6/123), moc(6/123-130), or a file "
        "on the workers: moc(FILE.fits), skymap(FILE,0.9) with a credible level; empty: the whole sky. A backfill with "
        "a region searches just that region in many nights.",
    )  # fmt: skip


def exclude_param() -> Param:
    """Return a form field for exposures that are not to be used."""
    return Param(
        [], type="array", items={"type": "string"}, title="Exposures to leave out",
        description="Names of exposures, survey:path, one a line",
    )  # fmt: skip


def before_mjd_param() -> Param:
    """Return a form field for a time; may be left empty."""
    return Param(
        None, type=["null", "number"], title="Only before",
        description="MJD (UTC): use only exposures taken before this time, so that what happened later is not in it",
    )  # fmt: skip


def ask_param() -> Param:
    """Return a switch."""
    return Param(
        False, type="boolean", title="Ask",
        description="Use none of the new references before a person accepts them; otherwise a person is asked only for "
        "those that the rules leave as drafts",
    )  # fmt: skip


def reference_params() -> dict[str, Param]:
    """Return the form of a build of references."""
    return {
        "survey": survey_param(),
        "region": region_param(),
        "exclude_night": night_param("Use no exposure of this night, so that it can be compared with the result"),
        "exclude": exclude_param(),
        "before_mjd": before_mjd_param(),
        "ask": ask_param(),
    }


def release_params() -> dict[str, Param]:
    """Return the form of an extract; what is left empty is as pipeline.toml says."""
    return {
        "region": region_param(),
        "statuses": Param(
            None, type=["null", "array"], items={"type": "string", "enum": list(STATUSES)},
            title="Statuses", examples=list(STATUSES), description="Objects of these only",
        ),
        "classes": Param(
            None, type=["null", "array"], items={"type": "string", "enum": list(CLASSES)},
            title="Classes", examples=list(CLASSES), description="Objects that are taken for one of these only",
        ),
        "min_detections": Param(
            None, type=["null", "integer"], minimum=1, title="Detections", description="Objects with as many at least",
        ),
        "formats": Param(
            None, type=["null", "array"], items={"type": "string", "enum": list(FORMATS)},
            title="Formats", examples=list(FORMATS), description="What is written besides Parquet",
        ),
    }  # fmt: skip


def force_param() -> Param:
    """Return a switch."""
    return Param(
        False, type="boolean", title="Force",
        description="Go through exposures that are settled, too; runs that exist are found again, not done twice",
    )  # fmt: skip


def max_failed_param() -> Param:
    """Return a form field for the part of the exposures that may fail."""
    return Param(
        0.25, type="number", minimum=0, maximum=1, title="Tolerated failures",
        description="Nothing is published if a larger part of the planned exposures failed (skipped is not failed)",
    )  # fmt: skip


def retry_param() -> Param:
    """Return a switch."""
    return Param(
        False, type="boolean", title="Retry",
        description="Ask again for files that were given up, too",
    )  # fmt: skip
