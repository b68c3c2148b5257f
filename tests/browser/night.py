"""A night with more than a hundred new sources, made once, as the page finds it."""

from dataclasses import replace
from pathlib import Path

from astrid_core.adapters.db.migrate import migrate
from astrid_core.adapters.storage.folder import FolderArtifacts
from astrid_core.catalog.config import ForcedConfig, PublishConfig
from astrid_core.curation.config import CurateConfig
from astrid_core.detection.config import DetectConfig
from astrid_core.differencing.config import ActivationConfig, DifferenceConfig, ReferenceConfig
from astrid_core.differencing.leave_out import LeaveOut
from astrid_core.stages.build_reference import run_build_reference
from astrid_core.stages.curate import run_curate
from astrid_core.stages.detect import run_detect
from astrid_core.stages.difference import run_difference
from astrid_core.stages.forced import run_forced
from astrid_core.stages.ingest import run_ingest
from astrid_core.stages.preprocess import Preparation, run_preprocess
from astrid_core.stages.publish import run_publish
from astrid_core.stages.references import plan_references
from tests.adapters.databases import SqlDatabase
from tests.api.night import url_of
from tests.fakes.models import with_champion
from tests.stages.scene import NIGHT, SHAPE, exposure, scene
from tests.synthetic.fields import Source

N_EXPOSURES = 3
_STEP_PIX = 44.0


def _new_stars(number: int) -> list[Source]:
    """Return sources on a lattice that each exposure has elsewhere, brighter and fainter ones in turn."""
    start = 25.0 + 14.0 * number
    places = [
        (start + _STEP_PIX * column, start + _STEP_PIX * row)
        for row in range(int((SHAPE[0] - start - 20.0) / _STEP_PIX) + 1)
        for column in range(int((SHAPE[1] - start - 20.0) / _STEP_PIX) + 1)
    ]
    return [Source(x_pix=x, y_pix=y, flux=1500.0 + 130.0 * (place % 17)) for place, (x, y) in enumerate(places)]


def make_night(home: Path) -> int:
    """Fill a home with a searched and published night, and return how many detections wait for people."""
    home.mkdir(parents=True, exist_ok=True)
    migrate(url_of(home))
    files = [f"{NIGHT}/{name}.fits" for name in "abcdefg"[:N_EXPOSURES]]
    made = scene(**{
        file: exposure(NIGHT, seed=10 + number, extra=_new_stars(number), fwhm=3.3) for number, file in enumerate(files)
    })  # fmt: skip
    database = SqlDatabase(url_of(home))
    services = replace(made.services, artifacts=FolderArtifacts(home / "artifacts"), transaction=database.transaction)
    run_ingest(services, "demo")
    (group,) = plan_references(
        services, survey="demo", config=ReferenceConfig(), leave_out=LeaveOut(nights=frozenset({NIGHT}))
    )
    run_build_reference(
        services,
        [run_preprocess(services, one, Preparation()) for one in group.observation_ids],
        ReferenceConfig(),
        ActivationConfig(),
        cells=group.cells,
        band=group.band,
        leaves_out=group.leaves_out,
    )
    model = with_champion(made.models)
    scored = []
    for file in files:
        prepared = run_preprocess(services, f"demo:{file}", Preparation())
        scored.append(
            run_detect(services, run_difference(services, prepared, DifferenceConfig()), model.id, DetectConfig())
        )
    n_waiting = sum(run_curate(services, key, CurateConfig()) for key in scored)
    run_publish(services, "demo", NIGHT, PublishConfig(), scored)
    run_forced(services, "demo", NIGHT, ForcedConfig(), scored)
    database.close()
    return n_waiting
