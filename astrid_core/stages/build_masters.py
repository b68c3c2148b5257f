"""Build the masters of one setup in their order: bias, darks, flats, and the bad-pixel mask of each flat."""

from collections.abc import Sequence

from astrid_core.observations.entities import CalibrationKind
from astrid_core.preprocessing.calibrate_config import CalibrateConfig
from astrid_core.preprocessing.group_frames import CalibrationGroup
from astrid_core.shared.runs import RunKey
from astrid_core.stages.batch import BatchResult, run_each
from astrid_core.stages.calibrations import run_build_bad_pixels, run_build_calibration
from astrid_core.stages.services import Services


def build_masters(services: Services, groups: Sequence[CalibrationGroup], config: CalibrateConfig) -> BatchResult:
    """Build what can be built, in the order of ``groups``; one that cannot does not hold up the others.

    A TemporaryFailure is raised when all have been tried.
    """
    by_label = {group.label: group for group in groups}
    flats: dict[str, RunKey] = {}

    def build(label: str) -> RunKey:
        key = run_build_calibration(services, by_label[label], config)
        if by_label[label].kind is CalibrationKind.FLAT:
            flats[f"{label}: bad pixels"] = key
        return key

    made = run_each(build, by_label)
    masks = run_each(lambda label: run_build_bad_pixels(services, flats[label], config), tuple(flats))
    return BatchResult(
        keys=made.keys + masks.keys, skipped={**made.skipped, **masks.skipped}, failed={**made.failed, **masks.failed}
    )
