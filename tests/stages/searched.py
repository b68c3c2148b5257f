"""A night over memory twins, brought to detections."""

from collections.abc import Collection

from astrid_core.bootstrap import Pipeline
from astrid_core.detection.entities import Model
from astrid_core.differencing.leave_out import LeaveOut
from astrid_core.shared.runs import RunKey
from astrid_core.stages.build_reference import run_build_reference
from astrid_core.stages.detect import run_detect
from astrid_core.stages.difference import run_difference
from astrid_core.stages.ingest import run_ingest
from astrid_core.stages.preprocess import run_preprocess
from astrid_core.stages.references import plan_references
from tests.fakes.models import with_champion
from tests.stages.scene import NIGHT, Scene

SCIENCE = f"demo:{NIGHT}/a.fits"


def searched(made: Scene, pipeline: Pipeline, *, leave_out: Collection[str] = ()) -> tuple[RunKey, RunKey, Model]:
    """Bring the night to detections; return the keys of its difference and model run, and the model.

    The nights in ``leave_out`` are no part of the reference either.
    """
    run_ingest(made.services, "demo")
    (group,) = plan_references(
        made.services,
        survey="demo",
        config=pipeline.reference,
        leave_out=LeaveOut(nights=frozenset({NIGHT, *leave_out})),
    )
    inputs = [run_preprocess(made.services, one, pipeline.preparation) for one in group.observation_ids]
    run_build_reference(
        made.services, inputs, pipeline.reference, pipeline.activation, cells=group.cells, band=group.band
    )
    prepared = run_preprocess(made.services, SCIENCE, pipeline.preparation)
    difference = run_difference(made.services, prepared, pipeline.difference)
    model = with_champion(made.models)
    return difference, run_detect(made.services, difference, model.id, pipeline.detect), model
