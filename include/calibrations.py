"""The work behind the tasks that build masters."""

from astrid_core.bootstrap import load_pipeline
from astrid_core.preprocessing.group_frames import CalibrationGroup, setup_label
from astrid_core.shared.errors import Unprocessable
from astrid_core.stages.build_masters import build_masters
from astrid_core.stages.calibrations import plan_calibrations
from astrid_core.stages.ingest import run_ingest
from astrid_core.stages.services import Services
from include.messages import CalibrationBatch, CalibrationRequest
from include.request import read_night
from include.surveys import asked_for, at_least_one


def plan_setups(services: Services, wanted: CalibrationRequest) -> list[CalibrationBatch]:
    """Record what the surveys hold, and return the detectors whose masters can be built, one batch each."""
    for night in (wanted["first_night"], wanted["last_night"]):
        if night:
            read_night(night)
    batches: list[CalibrationBatch] = []
    surveys = asked_for(services, wanted["survey"])
    config = load_pipeline().ingest
    at_least_one(surveys, lambda survey: run_ingest(services, survey, config))
    for survey in surveys:
        labels = sorted({setup_label(group.setup) for group in _groups(services, wanted, survey)})
        batches += [CalibrationBatch(label=label, survey=survey, request=wanted) for label in labels]
    return batches


def build_setup(services: Services, batch: CalibrationBatch) -> list[str]:
    """Build the masters of one detector; return their recipes. What cannot be built is logged with its reason."""
    groups = [
        group
        for group in _groups(services, batch["request"], batch["survey"])
        if setup_label(group.setup) == batch["label"]
    ]
    result = build_masters(services, groups, load_pipeline().calibrate)
    if not result.keys:
        reasons = "; ".join(f"{item}: {reason}" for item, reason in {**result.skipped, **result.failed}.items())
        raise Unprocessable(f"no master could be built: {reasons}", n_groups=len(groups))
    return list(result.keys)


def _groups(services: Services, wanted: CalibrationRequest, survey: str) -> tuple[CalibrationGroup, ...]:
    return plan_calibrations(
        services,
        survey=survey,
        config=load_pipeline().calibrate,
        first_night=wanted["first_night"],
        last_night=wanted["last_night"],
    )
