"""Look what a survey holds, record what is new and why files are unusable or did not come."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

import structlog

from astrid_core.observations.config import IngestConfig
from astrid_core.observations.entities import ListedFile, Observation, Rejection, UndeliveredFile, night_of
from astrid_core.observations.ports import SurveyClient
from astrid_core.shared.errors import AstridError, BadConfiguration
from astrid_core.shared.sky import Region
from astrid_core.stages.known_files import Known, file_of
from astrid_core.stages.services import Records, Services

log = structlog.get_logger()

_BATCH = 200
"""Items per transaction: few commits, and no lock that is held while thousands of files are read."""

Found = Observation | Rejection | UndeliveredFile


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
    n_undelivered: int
    """Files that were asked for and did not come; the next look asks again."""
    n_given_up: int
    """Files that were not asked for any more, or will not be again."""
    nights: tuple[str, ...]
    """Nights of new and changed observations, oldest first."""
    all_nights: tuple[str, ...]
    """Every night of the survey, oldest first."""


@dataclass(slots=True, kw_only=True)
class _Tally:
    """What was seen so far."""

    n_new: int = 0
    n_changed: int = 0
    n_known: int = 0
    rejected: set[str] = field(default_factory=set)
    undelivered: set[str] = field(default_factory=set)
    n_given_up: int = 0
    nights: set[str] = field(default_factory=set)


def run_ingest(
    services: Services,
    survey: str,
    config: IngestConfig | None = None,
    *,
    region: Region | None = None,
    nights: Collection[str] = (),
) -> IngestSummary:
    """Record every exposure of a survey, and every file that is none. Safe to repeat.

    ``region`` and ``nights`` leave out the files that the survey itself lists elsewhere or at other times; what it says
    nothing about is looked at. Observations of files that went away stay, since runs point to them; rejections of such
    files are forgotten. A file that does not come costs none of the others; it is asked for again by the next look, up
    to ``max_attempts`` looks in a row.
    """
    client = survey_client(services, survey)
    listed = tuple(client.listing())
    wanted = [file for file in listed if _may_be_in(file, region, nights)]
    return take_in(services, client, config or IngestConfig(), listed=listed, wanted=wanted)


def survey_client(services: Services, survey: str) -> SurveyClient:
    """Return the client of a survey, or raise BadConfiguration."""
    client = services.surveys.get(survey)
    if client is None:
        raise BadConfiguration("survey is not configured", survey=survey, known=", ".join(sorted(services.surveys)))
    return client


def take_in(
    services: Services,
    client: SurveyClient,
    config: IngestConfig,
    *,
    listed: Sequence[ListedFile],
    wanted: Sequence[ListedFile],
) -> IngestSummary:
    """Record what the ``wanted`` files are; ``listed`` is all that the survey holds."""
    survey = client.survey.name
    known, tally = Known.read(services, survey), _Tally()
    asked = list(_still_asked(wanted, known, config, tally))
    for batch in _batches(client.discover(asked)):
        with services.transaction() as records:
            for item in batch:
                _take(records, item, known, config, tally)
    with services.transaction() as records:
        for name in sorted(_outdated(known.rejections, tally.rejected, listed, asked)):
            records.rejections.clear(survey, name)
        for name in sorted(_outdated(known.undelivered, tally.undelivered, listed, asked)):
            records.undelivered.clear(survey, name)
        all_nights = tuple(records.observations.nights(survey=survey))
    summary = IngestSummary(
        survey=survey,
        n_new=tally.n_new,
        n_changed=tally.n_changed,
        n_known=tally.n_known,
        n_rejected=len(tally.rejected),
        n_undelivered=len(tally.undelivered),
        n_given_up=tally.n_given_up,
        nights=tuple(sorted(tally.nights)),
        all_nights=all_nights,
    )
    log.info(
        "survey.ingested",
        survey=survey,
        n_new=summary.n_new,
        n_known=summary.n_known,
        n_rejected=summary.n_rejected,
        n_undelivered=summary.n_undelivered,
        n_given_up=summary.n_given_up,
    )
    return summary


def _may_be_in(file: ListedFile, region: Region | None, nights: Collection[str]) -> bool:
    is_elsewhere = region is not None and file.position is not None and not region.contains(file.position)
    is_of_another_night = bool(nights) and file.mid_mjd is not None and night_of(file.mid_mjd) not in nights
    return not is_elsewhere and not is_of_another_night


def _still_asked(
    wanted: Sequence[ListedFile], known: Known, config: IngestConfig, tally: _Tally
) -> Iterator[ListedFile]:
    """Yield the files, and of their maps those, that are not given up."""
    for file in wanted:
        maps = tuple(one for one in file.beside if not known.is_given_up(one, config))
        tally.n_given_up += len(file.beside) - len(maps)
        if known.is_given_up(file, config):
            tally.n_given_up += 1
        else:
            yield replace(file, beside=maps) if maps != file.beside else file


def _batches(items: Iterator[Found]) -> Iterator[list[Found]]:
    """Yield lists of at most so many items; what came before a failure is yielded before it is raised."""
    while True:
        batch: list[Found] = []
        try:
            # A failure leaves what came before it in the list.
            batch.extend(islice(items, _BATCH))
        except AstridError:
            if batch:
                yield batch
            raise
        if not batch:
            return
        yield batch


def _take(records: Records, item: Found, known: Known, config: IngestConfig, tally: _Tally) -> None:
    if isinstance(item, UndeliveredFile):
        _postpone(records, item, known, config, tally)
    elif isinstance(item, Rejection):
        _reject(records, item, known, tally)
    elif _record(records, item, known, tally):
        tally.nights.add(item.night)


def _record(records: Records, observation: Observation, known: Known, tally: _Tally) -> bool:
    """Record one exposure and tell whether anything about it is new."""
    before = known.observations.get(observation.archive_id)
    # Somebody else who looks at the same time may have been faster: then it is told already.
    if before == observation or not records.observations.add(observation):
        tally.n_known += 1
        return False
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


def _reject(records: Records, rejection: Rejection, known: Known, tally: _Tally) -> None:
    tally.rejected.add(rejection.archive_id)
    if known.rejections.get(rejection.archive_id) == rejection:
        return
    if records.rejections.add(rejection):
        subject = f"{rejection.survey}:{rejection.archive_id}"
        records.events.append("file.rejected", subject=subject, facts={"reason": rejection.reason})


def _postpone(
    records: Records, undelivered: UndeliveredFile, known: Known, config: IngestConfig, tally: _Tally
) -> None:
    """Count one more look that asked in vain; another version of the file begins anew."""
    before = known.undelivered.get(undelivered.archive_id)
    is_same = before is not None and before.version == undelivered.version
    n_attempts = before.n_attempts + 1 if before is not None and is_same else 1
    tally.undelivered.add(undelivered.archive_id)
    tally.n_given_up += n_attempts >= config.max_attempts
    records.undelivered.add(replace(undelivered, n_attempts=n_attempts))
    facts = {"reason": undelivered.reason, "n_attempts": n_attempts, "allowed": config.max_attempts}
    subject = f"{undelivered.survey}:{undelivered.archive_id}"
    records.events.append("file.undelivered", subject=subject, facts=facts)


def _outdated(
    known: Collection[str], told: Collection[str], listed: Sequence[ListedFile], asked: Sequence[ListedFile]
) -> set[str]:
    """Return the names of which nothing was told although their file was asked for, or is not listed any more."""
    silent = _names(listed) - _names(asked)
    return {name for name in known if name not in told and file_of(name, silent) not in silent}


def _names(files: Sequence[ListedFile]) -> set[str]:
    return {one.archive_id for file in files for one in (file, *file.beside)}
