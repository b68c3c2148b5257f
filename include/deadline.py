"""Whether a night is in the catalog by its deadline, and who is told if it is not."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta

import structlog
from airflow.sdk import Context

from astrid_core.settings import Settings
from astrid_core.shared.errors import Unprocessable
from astrid_core.stages.night_sides import RECORDED
from astrid_core.stages.services import Services
from astrid_core.telemetry.figures import LATE_NIGHTS
from astrid_core.telemetry.open import open_telemetry
from include.notices import notice_of

LATE = "night.late"
"""The event that somebody was told of a night that is late."""
_NOON = time(12, tzinfo=UTC)
"""When a night ends; nightly_survey begins then."""

log = structlog.get_logger(__name__)


def check_now(services: Services, context: Context) -> list[str]:
    """Check the deadline that is set, as a task with this context; Unprocessable where none is."""
    deadline = Settings().night_deadline
    if not deadline:
        raise Unprocessable("no deadline is set")
    return check_deadline(services, deadline=deadline, now=datetime.now(UTC), tell=notice_of(context))


def due_night(deadline: str, now: datetime) -> date:
    """Return the last night whose deadline has passed: ``deadline`` (HH:MM, UTC) is the first after its end at noon."""
    at = time.fromisoformat(deadline).replace(tzinfo=UTC)
    passed = now.astimezone(UTC)
    day = passed.date() if passed.timetz() >= at else passed.date() - timedelta(days=1)
    return day - timedelta(days=1 if at >= _NOON else 2)


def check_deadline(services: Services, *, deadline: str, now: datetime, tell: Callable[[str, str], None]) -> list[str]:
    """Tell, once, of every survey whose night had no report by its deadline; return these surveys.

    The report stands for the catalog: it is drawn behind it. A survey that never had one is not waited for.
    """
    night = due_night(deadline, now).isoformat()
    late: list[str] = []
    with services.transaction() as records:
        searched = {event.subject.rpartition(":")[0] for event in records.events.named(RECORDED)}
        for survey in sorted(searched & set(services.surveys)):
            known = {event.name for event in records.events.of(f"{survey}:{night}")}
            if not known & {RECORDED, LATE}:
                late.append(survey)
    for survey in late:
        log.warning("night.late", survey=survey, night=night, deadline=deadline)
        if (telemetry := open_telemetry()) is not None:
            telemetry.add(LATE_NIGHTS, 1, survey=survey)
    if late:
        tell(
            f"AstrID: the night {night} is late",
            f"By {deadline} UTC the catalog has nothing of the night {night} of {', '.join(late)}. "
            "The DAG nightly_survey tells which task is waiting or failed.",
        )
    # Behind the message: whoever is interrupted in between tells twice rather than never.
    with services.transaction() as records:
        for survey in late:
            records.events.append(LATE, subject=f"{survey}:{night}", facts={"deadline": deadline})
    return late
