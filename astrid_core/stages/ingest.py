"""Look what a survey holds, record what is new and why files are unusable."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

import structlog

from astrid_core.observations.entities import CalibrationFrame, Found, Observation, Rejection
from astrid_core.shared.errors import BadConfiguration
from astrid_core.stages.services import Records, Services

log = structlog.get_logger()

_BATCH = 200
"""Items per transaction: few commits, and no lock that is held while thousands of files are read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestSummary:
    """What one look at a survey brought."""

    survey: str
    n_new: int
    n_changed: int
    """Known names whose file or description is another one now."""
    n_known: int
    n_rejected: int
    """Files that are unusable now, whether or not they were before."""
    n_calibration: int = 0
    """Bias, dark and flat frames, new and known ones."""
    nights: tuple[str, ...]
    """Nights of new and changed observations, oldest first."""
    all_nights: tuple[str, ...]
    """Every night of the survey, oldest first."""


@dataclass(slots=True, kw_only=True)
class _Tally:
    """What was counted so far."""

    n_new: int = 0
    n_changed: int = 0
    n_known: int = 0
    n_rejected: int = 0
    n_calibration: int = 0


def run_ingest(services: Services, survey: str) -> IngestSummary:
    """Record every exposure and calibration frame of a survey, and every file that is neither. Safe to repeat.

    Observations of files that went away stay, since runs point to them; rejections of such files are forgotten.
    """
    client = services.surveys.get(survey)
    if client is None:
        raise BadConfiguration("survey is not configured", survey=survey, known=", ".join(sorted(services.surveys)))
    with services.transaction() as records:
        known = {one.id: one for one in records.observations.search(survey=survey)}
        rejected = {one.archive_id: one for one in records.rejections.all(survey=survey)}
    tally, nights, still_rejected = _Tally(), set[str](), set[str]()
    for batch in _batches(client.discover()):
        with services.transaction() as records:
            for item in batch:
                if isinstance(item, Rejection):
                    still_rejected.add(item.archive_id)
                    _reject(records, item, rejected, tally)
                elif isinstance(item, CalibrationFrame):
                    _record_calibration(records, item, tally)
                elif _record(records, item, known, tally):
                    nights.add(item.night)
    with services.transaction() as records:
        for archive_id in sorted(set(rejected) - still_rejected):
            records.rejections.clear(survey, archive_id)
        all_nights = tuple(records.observations.nights(survey=survey))
    log.info("survey.ingested", survey=survey, n_new=tally.n_new, n_known=tally.n_known, n_rejected=tally.n_rejected)
    return IngestSummary(
        survey=survey,
        n_new=tally.n_new,
        n_changed=tally.n_changed,
        n_known=tally.n_known,
        n_rejected=tally.n_rejected,
        n_calibration=tally.n_calibration,
        nights=tuple(sorted(nights)),
        all_nights=all_nights,
    )


def _batches(items: Iterator[Found]) -> Iterator[list[Found]]:
    while batch := list(islice(items, _BATCH)):
        yield batch


def _record(records: Records, observation: Observation, known: Mapping[str, Observation], tally: _Tally) -> bool:
    """Record one exposure and tell whether anything about it is new."""
    before = known.get(observation.id)
    if before == observation:
        tally.n_known += 1
        return False
    records.observations.add(observation)
    tally.n_changed += before is not None
    tally.n_new += before is None
    facts = {
        "digest": observation.file_digest,
        "extension": observation.extension,
        "band": observation.band,
        "night": observation.night,
        "replaced": before.file_digest if before else "",
    }
    records.events.append("observation.recorded", subject=observation.id, facts=facts)
    return True


def _record_calibration(records: Records, frame: CalibrationFrame, tally: _Tally) -> None:
    tally.n_calibration += 1
    if records.calibration_frames.add(frame):
        facts = {"digest": frame.file_digest, "kind": frame.kind.value, "band": frame.band, "night": frame.night}
        records.events.append("calibration_frame.recorded", subject=frame.id, facts=facts)


def _reject(records: Records, rejection: Rejection, rejected: Mapping[str, Rejection], tally: _Tally) -> None:
    tally.n_rejected += 1
    if rejected.get(rejection.archive_id) == rejection:
        return
    if records.rejections.add(rejection):
        subject = f"{rejection.survey}:{rejection.archive_id}"
        records.events.append("file.rejected", subject=subject, facts={"reason": rejection.reason})
