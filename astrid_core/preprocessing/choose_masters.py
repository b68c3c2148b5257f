"""Which masters a raw exposure gets, or which rule says that it needs none."""

from collections.abc import Sequence
from dataclasses import dataclass

from astrid_core.observations.entities import CalibrationFrame, CalibrationKind, Observation
from astrid_core.preprocessing.apply_masters import VERSION
from astrid_core.preprocessing.calibrate_config import CalibrateConfig
from astrid_core.preprocessing.entities import CalibrationData, DetectorSetup, MasterStatus
from astrid_core.shared.errors import NoCalibration
from astrid_core.shared.runs import run_key


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationPlan:
    """What will be done to an exposure before it is prepared, and why."""

    rule: str
    """One line: what decided."""
    masters: tuple[CalibrationData, ...] = ()
    """To be applied, at most one of each kind; empty where the pixels are taken as they are."""
    missing: tuple[str, ...] = ()
    """Kinds that the exposure needs and that are not there: it cannot be prepared."""

    def inputs(self, config: CalibrateConfig) -> tuple[str, ...]:
        """Return what the key of a preparation must name; nothing where the pixels are taken as they are."""
        if not self.masters and not self.missing:
            return ()
        parts = (*(one.digest for one in self.masters), *(f"no {kind}" for kind in self.missing))
        return (run_key("calibrate", VERSION, config, parts),)

    def require_complete(self, observation: Observation) -> None:
        """Raise NoCalibration where a master is missing."""
        if self.missing:
            raise NoCalibration(
                f"no valid master {' and no '.join(self.missing)}",
                instrument=observation.instrument,
                detector=observation.detector,
                band=observation.band,
                mid_mjd=f"{observation.mid_mjd:.3f}",
                rule=self.rule,
            )


def setup_of(frame: Observation | CalibrationFrame) -> DetectorSetup:
    """Return the setup whose masters apply to a frame."""
    return DetectorSetup(
        survey=frame.survey,
        instrument=frame.instrument,
        detector=frame.detector,
        binning=frame.binning,
        width_pix=frame.width_pix,
        height_pix=frame.height_pix,
    )


def plan_calibration(
    observation: Observation,
    masters: Sequence[CalibrationData],
    config: CalibrateConfig,
    *,
    survey_calibrated: bool | None,
) -> CalibrationPlan:
    """Decide by the first rule that applies; ``masters`` are all of the exposure's setup.

    1. The survey says that its exposures are calibrated.
    2. The survey does not say, and a header card does.
    3. The survey does not say and has no accepted masters for this setup: taken as it is, or refused, as configured.
    4. Else it is raw, and gets the nearest valid master of each kind; those that are required must be there.
    """
    if survey_calibrated:
        return CalibrationPlan(rule="calibrated: the survey says so")
    accepted = [one for one in masters if one.status is MasterStatus.ACCEPTED]
    if survey_calibrated is None and observation.calibrated_by:
        return CalibrationPlan(rule=f"calibrated: header says {observation.calibrated_by}")
    if survey_calibrated is None and not accepted:
        unknown = "neither survey nor header says whether it is calibrated, and there are no masters"
        if config.allow_uncalibrated:
            return CalibrationPlan(rule=f"taken as it is: {unknown}")
        return CalibrationPlan(rule=unknown, missing=config.required)
    chosen = [
        nearest
        for kind in CalibrationKind
        if (nearest := nearest_master(accepted, kind, band=observation.band, at_mjd=observation.mid_mjd)) is not None
    ]
    kinds = {one.kind.value for one in chosen}
    rule = "raw: the survey says so" if survey_calibrated is False else "raw: its survey has masters for its instrument"
    return CalibrationPlan(
        rule=rule,
        masters=tuple(chosen),
        missing=tuple(kind for kind in config.required if kind not in kinds),
    )


def nearest_master(
    masters: Sequence[CalibrationData], kind: CalibrationKind, *, band: str, at_mjd: float
) -> CalibrationData | None:
    """Return the accepted master of a kind that is valid at a time and nearest to it, the newest version of equals.

    Flats, and bad-pixel masks made with one, serve their own band only.
    """
    valid = [
        one
        for one in masters
        if one.kind is kind
        and one.status is MasterStatus.ACCEPTED
        and one.valid_from_mjd <= at_mjd <= one.valid_to_mjd
        and one.band in ("", band)
        and (one.band == band or kind is not CalibrationKind.FLAT)
    ]
    return min(valid, key=lambda one: (abs(one.mid_mjd - at_mjd), -one.version, one.digest), default=None)
