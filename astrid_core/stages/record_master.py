"""Judge a new master against the one before it, and record it."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from astrid_core.observations.entities import CalibrationKind
from astrid_core.preprocessing.calibrate_config import CalibrateConfig
from astrid_core.preprocessing.compare_masters import require_alike
from astrid_core.preprocessing.entities import CalibrationData, DetectorSetup, MasterStatus
from astrid_core.preprocessing.master_format import fits_to_master, master_to_fits
from astrid_core.preprocessing.masters import Master
from astrid_core.shared.errors import RejectedMaster
from astrid_core.shared.fits_format import MEDIA_TYPE
from astrid_core.shared.runs import RunKey
from astrid_core.stages.services import Records, Services

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What is known of a master before it is judged."""

    kind: CalibrationKind
    setup: DetectorSetup
    band: str
    times_mjd: tuple[float, ...]
    """Of its inputs."""
    inputs: tuple[str, ...]
    recipe: RunKey
    started_s: float

    @property
    def mid_mjd(self) -> float:
        """Mean time of the inputs."""
        return sum(self.times_mjd) / len(self.times_mjd)


def find_master(
    records: Records, setup: DetectorSetup, kind: CalibrationKind, recipe: RunKey
) -> CalibrationData | None:
    """Return the master of a recipe, or None."""
    masters = records.calibration_masters.search(setup=setup, kind=kind)
    return next((one for one in masters if one.recipe == recipe), None)


def settled_master(done: CalibrationData) -> RunKey:
    """Return the recipe of a master that was recorded; raise RejectedMaster again where it was rejected."""
    if done.status is MasterStatus.REJECTED:
        raise RejectedMaster(done.reason)
    return done.recipe


def record_master(services: Services, draft: Draft, master: Master, config: CalibrateConfig) -> RunKey:
    """Store a master, accepted or rejected; return its recipe, or raise RejectedMaster."""
    content = master_to_fits(master, kind=draft.kind.value, recipe=draft.recipe)
    image = services.artifacts.put(content, media_type=MEDIA_TYPE)
    with services.transaction() as records:
        known = _alike(records, draft)
    status, reason, fraction = _judged(services, draft, master, known, config)
    with services.transaction() as records:
        records.calibration_masters.lock()
        made = CalibrationData(
            image=image,
            kind=draft.kind,
            setup=draft.setup,
            band=draft.band,
            valid_from_mjd=min(draft.times_mjd) - config.valid_days,
            valid_to_mjd=max(draft.times_mjd) + config.valid_days,
            mid_mjd=draft.mid_mjd,
            version=1 + max((one.version for one in _alike(records, draft)), default=0),
            inputs=draft.inputs,
            level=master.level,
            scatter=master.scatter,
            deviating_fraction=fraction,
            status=status,
            reason=reason,
            recipe=draft.recipe,
            elapsed_s=time.monotonic() - draft.started_s,
        )
        if records.calibration_masters.add(made):
            facts = {
                "kind": made.kind.value,
                "instrument": made.setup.instrument,
                "band": made.band,
                "version": made.version,
                "n_inputs": made.n_inputs,
                "status": status.value,
                "reason": reason,
            }
            records.events.append("calibration.recorded", subject=made.digest, facts=facts)
    log.info("calibration.recorded", digest=made.digest, kind=made.kind.value, status=status.value, reason=reason)
    return settled_master(made)


def _alike(records: Records, draft: Draft) -> list[CalibrationData]:
    masters = records.calibration_masters.search(setup=draft.setup, kind=draft.kind)
    return [one for one in masters if one.band == draft.band]


def _judged(
    services: Services, draft: Draft, master: Master, known: Sequence[CalibrationData], config: CalibrateConfig
) -> tuple[MasterStatus, str, float | None]:
    """Compare with the accepted master before it, or with the first one after it where there is none."""
    accepted = [one for one in known if one.status is MasterStatus.ACCEPTED and one.recipe != draft.recipe]
    if not accepted:
        return MasterStatus.ACCEPTED, "", None
    before = [one for one in accepted if one.mid_mjd <= draft.mid_mjd]
    if before:
        nearest = max(before, key=lambda one: (one.mid_mjd, one.version))
    else:
        nearest = min(accepted, key=lambda one: (one.mid_mjd, -one.version))
    previous = fits_to_master(services.artifacts.get(nearest.digest))
    try:
        fraction = require_alike(master, previous, config, kind=draft.kind.value, digest=nearest.digest)
    except RejectedMaster as error:
        return MasterStatus.REJECTED, str(error), float(str(error.facts["fraction"]))
    return MasterStatus.ACCEPTED, "", fraction
