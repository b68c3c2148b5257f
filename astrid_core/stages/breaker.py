"""Set floods aside before people or the catalog see them."""

from collections.abc import Collection, Sequence

import structlog

from astrid_core.catalog.breaker import Haul, Tripped, trip
from astrid_core.catalog.config import BreakerConfig
from astrid_core.catalog.sphere import cone_around, neighbours
from astrid_core.detection.entities import ModelRun
from astrid_core.observations.entities import Observation
from astrid_core.shared.runs import RunKey, RunStatus
from astrid_core.stages.lifecycle import quarantine_instrument, quarantine_observation
from astrid_core.stages.services import Records, Services

log = structlog.get_logger(__name__)

_SAID = "breaker: "
"""How the reasons of its quarantines begin."""


def run_breaker(
    services: Services, survey: str, night: str, config: BreakerConfig, model_run_keys: Sequence[RunKey]
) -> Tripped:
    """Set aside the exposures of a night, or the instruments, that show far more than they used to. Safe to repeat.

    What people released after the breaker had set it aside stays released: they overrule it.
    """
    with services.transaction() as records:
        tonight = [_haul(records, records.model_runs.get(key), config) for key in sorted(set(model_run_keys))]
        kinds = {(haul.instrument, haul.band) for haul in tonight}
        before = _before(records, survey, night, kinds, config)
        tripped = _unless_released(records, survey, trip(tonight, before, config))
    for name, reason in tripped.instruments.items():
        quarantine_instrument(services, survey, name, reason=f"{_SAID}{reason}")
    for observation_id, reason in tripped.exposures.items():
        quarantine_observation(services, observation_id, reason=f"{_SAID}{reason}")
    log.info(
        "breaker.checked",
        survey=survey,
        night=night,
        n_exposures=len(tonight),
        n_tripped=len(tripped.exposures),
        instruments=sorted(tripped.instruments),
    )
    return tripped


def _before(
    records: Records, survey: str, night: str, kinds: Collection[tuple[str, str]], config: BreakerConfig
) -> list[Haul]:
    """Return the hauls of the newest so many exposures of each instrument and band in ``kinds``, of earlier nights,
    that were searched and not set aside.
    """
    found: dict[tuple[str, str], list[Haul]] = {kind: [] for kind in kinds}
    for earlier in reversed([one for one in records.observations.nights(survey=survey) if one < night]):
        for observation in records.observations.search(survey=survey, night=earlier):
            hauls = found.get((observation.instrument, observation.band))
            if hauls is None or len(hauls) >= config.history or records.quarantines.of(observation) is not None:
                continue
            haul = _last_haul(records, observation, config)
            hauls += [] if haul is None else [haul]
        if all(len(hauls) >= config.history for hauls in found.values()):
            break
    return [haul for hauls in found.values() for haul in hauls]


def _last_haul(records: Records, observation: Observation, config: BreakerConfig) -> Haul | None:
    runs = [run for run in records.model_runs.of_observation(observation.id) if run.status is RunStatus.SUCCEEDED]
    return _haul(records, runs[-1], config) if runs else None


def _haul(records: Records, run: ModelRun, config: BreakerConfig) -> Haul:
    observation = records.observations.get(run.observation_id)
    positions = [
        one.candidate.position
        for one in run.detections
        if one.score is not None and one.score >= config.min_score and one.candidate.position is not None
    ]
    known: set[int] = set()
    if positions:
        entries = records.catalog.search(region=cone_around(positions, margin_arcsec=2.0 * config.match_radius_arcsec))
        # An object that this very exposure founded is new, however often the night is run.
        others = [one for one in entries if one.first_mjd < observation.mid_mjd]
        pairs = neighbours(positions, [one.position for one in others], radius_arcsec=config.match_radius_arcsec)
        known = {index for _, index, _ in pairs}
    return Haul(
        observation_id=observation.id,
        instrument=observation.instrument,
        band=observation.band,
        usable_mpix=records.difference_runs.get(run.difference_key).n_usable_pix / 1e6,
        n_candidates=len(run.detections),
        n_new=len(positions) - len(known),
    )


def _unless_released(records: Records, survey: str, tripped: Tripped) -> Tripped:
    return Tripped(
        exposures={
            one: reason for one, reason in tripped.exposures.items() if not _was_released(records, one, "observation")
        },
        instruments={
            one: reason
            for one, reason in tripped.instruments.items()
            if not _was_released(records, f"{survey}/{one}", "instrument")
        },
    )


def _was_released(records: Records, target: str, kind: str) -> bool:
    tripped = False
    for event in records.events.of(target):
        if event.name == f"{kind}.quarantined":
            tripped = str(event.facts["reason"]).startswith(_SAID)
        elif event.name == f"{kind}.released" and tripped:
            return True
    return False
