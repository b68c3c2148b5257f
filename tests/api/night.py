"""One real night in a folder, as the API finds it: an exposure in which six stars are new, searched and published."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from astrid_core.adapters.db.migrate import migrate
from astrid_core.adapters.storage.folder import FolderArtifacts
from astrid_core.alerts.config import AlertsConfig
from astrid_core.alerts.entities import Channel
from astrid_core.catalog.config import PublishConfig
from astrid_core.catalog.exports.config import ExportConfig
from astrid_core.curation.config import CurateConfig
from astrid_core.detection.config import DetectConfig
from astrid_core.differencing.config import ActivationConfig, DifferenceConfig, ReferenceConfig
from astrid_core.differencing.leave_out import LeaveOut
from astrid_core.settings import Settings
from astrid_core.stages.announce import open_channels
from astrid_core.stages.build_reference import run_build_reference
from astrid_core.stages.curate import run_curate
from astrid_core.stages.detect import run_detect
from astrid_core.stages.difference import run_difference
from astrid_core.stages.export import run_export
from astrid_core.stages.ingest import run_ingest
from astrid_core.stages.preprocess import Preparation, run_preprocess
from astrid_core.stages.publish import run_publish
from astrid_core.stages.references import plan_references
from astrid_core.stages.report import run_report
from astrid_core.stages.services import Services
from tests.adapters.databases import SqlDatabase
from tests.fakes.models import with_champion
from tests.stages.scene import NEW, NIGHT, exposure, scene
from tests.synthetic.fields import Source

NEW_STARS = (
    NEW,
    *(
        Source(x_pix=x, y_pix=y, flux=3000.0 + 400.0 * number)
        for number, (x, y) in enumerate(((60.2, 80.4), (250.8, 90.1), (280.3, 230.7), (90.5, 250.2), (8.4, 160.3)))
    ),
)


def make_night(home: Path) -> None:
    """Fill a home with everything that came of a night."""
    home.mkdir(parents=True, exist_ok=True)
    url = url_of(home)
    migrate(url)
    made = scene(**{f"{NIGHT}/a.fits": exposure(NIGHT, seed=10, extra=list(NEW_STARS), fwhm=3.3)})
    database = SqlDatabase(url)
    services = replace(made.services, artifacts=FolderArtifacts(home / "artifacts"), transaction=database.transaction)
    run_ingest(services, "demo")
    (group,) = plan_references(
        services, survey="demo", config=ReferenceConfig(), leave_out=LeaveOut(nights=frozenset({NIGHT}))
    )
    keys = [run_preprocess(services, one, Preparation()) for one in group.observation_ids]
    run_build_reference(
        services,
        keys,
        ReferenceConfig(),
        ActivationConfig(),
        cells=group.cells,
        band=group.band,
        leaves_out=group.leaves_out,
    )
    difference = run_difference(
        services, run_preprocess(services, f"demo:{NIGHT}/a.fits", Preparation()), DifferenceConfig()
    )
    scored = run_detect(services, difference, with_champion(made.models).id, DetectConfig())
    run_curate(services, scored, CurateConfig())
    open_channels(services, AlertsConfig(channels=(Channel(name="all", format="gcn"),)))
    run_publish(services, "demo", NIGHT, PublishConfig(), [scored])
    run_report(services, survey="demo", night=NIGHT, model_run_keys=[scored])
    run_export(services, ExportConfig())
    database.close()


@contextmanager
def services_in(settings: Settings) -> Iterator[Services]:
    """Open the services of a home with a model registry in memory."""
    database = SqlDatabase(url_of(settings.home))
    made = scene()
    services = replace(
        made.services,
        artifacts=FolderArtifacts(settings.home / "artifacts"),
        transaction=database.transaction,
    )
    with_champion(made.models)
    yield services
    database.close()


def url_of(home: Path) -> str:
    return f"sqlite:///{home / 'astrid.sqlite'}"
