"""What the system on this machine holds about a survey, asked directly of its records."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from astrid_core.bootstrap import load_pipeline, migrate_database, open_services, register_survey, survey_truth
from astrid_core.curation.access import Role
from astrid_core.detection.config import MODEL_NAME
from astrid_core.settings import Settings
from astrid_core.shared.errors import UnknownModel
from astrid_core.stages.access import people, set_roles
from astrid_core.stages.export import run_export, save_export
from astrid_core.stages.ingest import run_ingest
from astrid_core.stages.plan import plan_night
from astrid_core.stages.report import NightReport, run_report
from include.local.environment import OUR_DATABASE
from include.local.home import LOGIN, Home
from include.local.postgres import Postgres


def settings_of(home: Home, postgres: Postgres) -> Settings:
    """Return where our library finds what this home holds."""
    url = os.environ.get("ASTRID_DATABASE_URL") or postgres.url(OUR_DATABASE)
    return Settings(home=home.folder, database_url=url)


def migrate(home: Home, postgres: Postgres) -> None:
    """Bring our own database to its newest schema; the one login of a new system has every role."""
    settings = settings_of(home, postgres)
    migrate_database(settings)
    with open_services(settings) as services:
        # Roles that somebody has changed since stay as they are.
        if not people(services):
            set_roles(services, login=LOGIN, roles=Role)


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """What is left to do in a night."""

    n_exposures: int
    n_pending: int
    is_reported: bool

    @property
    def is_done(self) -> bool:
        """Tell whether a run would find nothing to do."""
        return not self.n_pending and self.is_reported


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """A folder of FITS files under a name."""

    name: str
    home: Home
    settings: Settings

    @classmethod
    def register(cls, name: str, folder: Path, home: Home, postgres: Postgres) -> "Survey":
        """Name the folder in surveys.toml, with its truth table if there is one."""
        settings = settings_of(home, postgres)
        truth = folder / "truth.ecsv"
        register_survey(name, folder, truth=truth if truth.exists() else None, settings=settings)
        return cls(name=name, home=home, settings=settings)

    def ingest(self) -> tuple[tuple[str, ...], int]:
        """Record what the folder holds; return its nights, oldest first, and how many files are unusable."""
        with open_services(self.settings) as services:
            found = run_ingest(services, self.name)
        return found.all_nights, found.n_rejected

    def left(self, night: str) -> Left:
        """Return what is left to do in a night under today's settings and model."""
        with open_services(self.settings) as services:
            with services.transaction() as records:
                n_exposures = len(records.observations.search(survey=self.name, night=night))
            try:
                recipe = load_pipeline().recipe(services.models.champion(MODEL_NAME))
            except UnknownModel:
                return Left(n_exposures=n_exposures, n_pending=n_exposures, is_reported=False)
            plan = plan_night(services, recipe, survey=self.name, night=night)
        return Left(n_exposures=n_exposures, n_pending=len(plan.pending), is_reported=self.page(night).exists())

    def page(self, night: str) -> Path:
        """Return where the page of a night is."""
        return self.home.results / f"{self.name}-{night}.html"

    def report(self, night: str) -> NightReport:
        """Return what came of a night, its page written."""
        pipeline = load_pipeline()
        with open_services(self.settings) as services:
            recipe = pipeline.recipe(services.models.champion(MODEL_NAME))
            plan = plan_night(services, recipe, survey=self.name, night=night)
            return run_report(
                services, survey=self.name, night=night, out=self.page(night), model_run_keys=plan.scored,
                truth=survey_truth(self.name, self.settings), config=pipeline.report,
            )  # fmt: skip

    def export(self) -> dict[str, bytes]:
        """Return the files of an extract of the whole catalog, of this survey and of others."""
        with TemporaryDirectory() as name:
            folder = Path(name)
            return {path.relative_to(folder).as_posix(): path.read_bytes() for path in self.save_export(folder)}

    def save_export(self, folder: Path) -> Sequence[Path]:
        """Write the same files into a folder."""
        with open_services(self.settings) as services:
            pipeline = load_pipeline()
            key = run_export(services, pipeline.export, forced=pipeline.forced)
            return list(save_export(services, key, folder))
