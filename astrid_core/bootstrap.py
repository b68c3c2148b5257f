"""Real adapters behind the ports: the only file that knows both."""

import dataclasses
import tomllib
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from astrid_core.adapters.alerts.open import ConfiguredChannels
from astrid_core.adapters.backup.open import open_belongings, open_vault
from astrid_core.adapters.catalogs.open import open_known_sources, open_minor_planets, open_star_catalog
from astrid_core.adapters.db.engine import Database, open_database
from astrid_core.adapters.db.grants import protect
from astrid_core.adapters.db.migrate import migrate
from astrid_core.adapters.identity.tokens import TokenRules, TokenVerifier, open_tokens
from astrid_core.adapters.models.mlflow import MlflowModels
from astrid_core.adapters.models.mlflow_journal import MlflowJournal
from astrid_core.adapters.storage.open import open_artifacts
from astrid_core.adapters.storage.recreatable import RecreatableArtifacts
from astrid_core.adapters.surveys.open import open_surveys
from astrid_core.adapters.surveys.s3_addresses import S3Access
from astrid_core.adapters.surveys.survey_file import SURVEYS, add_survey, read_surveys
from astrid_core.alerts.config import AlertsConfig
from astrid_core.catalog.config import BreakerConfig, ForcedConfig, PublishConfig, ReportConfig, TrackConfig
from astrid_core.catalog.context_config import ContextConfig
from astrid_core.catalog.exports.config import ExportConfig
from astrid_core.catalog.truth import TruthRow
from astrid_core.catalog.truth_table import read_truth
from astrid_core.curation.config import CurateConfig
from astrid_core.detection.config import DetectConfig, TrainConfig
from astrid_core.detection.entities import Model
from astrid_core.detection.gate import GateConfig
from astrid_core.detection.trial import TrialConfig
from astrid_core.differencing.arrays import open_arrays
from astrid_core.differencing.config import ActivationConfig, DifferenceConfig, ReferenceConfig
from astrid_core.differencing.inject_config import InjectConfig
from astrid_core.differencing.retention import RetentionConfig
from astrid_core.observations.config import IngestConfig
from astrid_core.observations.ports import SurveyClient
from astrid_core.preprocessing.calibrate_config import CalibrateConfig
from astrid_core.preprocessing.config import AstrometryConfig, PreprocessConfig, ZeroPointConfig
from astrid_core.settings import Settings
from astrid_core.shared.artifacts import ArtifactStore
from astrid_core.shared.backup import Belongings, Vault
from astrid_core.shared.config_tables import read_table
from astrid_core.shared.errors import BadConfiguration
from astrid_core.shared.events import Actor
from astrid_core.shared.one_thread import one_thread
from astrid_core.simulate.training_frames import SimulatedFrames
from astrid_core.stages.chain import Recipe
from astrid_core.stages.heavy import HeavyStage, HeavyWork
from astrid_core.stages.preprocess import Preparation
from astrid_core.stages.services import Records, Services
from astrid_core.telemetry.services import watched


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """The science settings of every stage."""

    ingest: IngestConfig = field(default_factory=IngestConfig)
    calibrate: CalibrateConfig = field(default_factory=CalibrateConfig)
    preprocess: PreprocessConfig = field(default_factory=PreprocessConfig)
    zero_point: ZeroPointConfig = field(default_factory=ZeroPointConfig)
    astrometry: AstrometryConfig = field(default_factory=AstrometryConfig)
    reference: ReferenceConfig = field(default_factory=ReferenceConfig)
    activation: ActivationConfig = field(default_factory=ActivationConfig)
    difference: DifferenceConfig = field(default_factory=DifferenceConfig)
    detect: DetectConfig = field(default_factory=DetectConfig)
    inject: InjectConfig = field(default_factory=InjectConfig)
    train: TrainConfig = field(default_factory=TrainConfig)
    gate: GateConfig = field(default_factory=GateConfig)
    breaker: BreakerConfig = field(default_factory=BreakerConfig)
    curate: CurateConfig = field(default_factory=CurateConfig)
    publish: PublishConfig = field(default_factory=PublishConfig)
    forced: ForcedConfig = field(default_factory=ForcedConfig)
    context: ContextConfig = field(default_factory=ContextConfig)
    track: TrackConfig = field(default_factory=TrackConfig)
    report: ReportConfig = field(default_factory=ReportConfig)
    retention: RetentionConfig = field(default_factory=RetentionConfig)
    export: ExportConfig = field(default_factory=ExportConfig)
    alerts: AlertsConfig = field(default_factory=AlertsConfig)

    @property
    def preparation(self) -> Preparation:
        """What decides the preparation of an exposure."""
        return Preparation(
            preprocess=self.preprocess, calibrate=self.calibrate, astrometry=self.astrometry, zero_point=self.zero_point
        )

    def recipe(self, model: Model) -> Recipe:
        """Return what names the runs of an exposure, with ``model``."""
        return Recipe(model=model, preparation=self.preparation, difference=self.difference, detect=self.detect)

    def heavy(self, stage: HeavyStage, model: Model) -> HeavyWork:
        """Return a stage that may be computed elsewhere, with everything that decides what it does."""
        return HeavyWork(stage=stage, recipe=self.recipe(model), trial=self.trial(), curate=self.curate)

    def trial(self) -> TrialConfig:
        """Return what decides the search of an exposure with injected sources."""
        return TrialConfig(
            inject=self.inject, preprocess=self.preprocess, difference=self.difference, detect=self.detect,
            min_score=self.publish.min_score, max_false_per_deg2=self.publish.max_false_per_deg2,
        )  # fmt: skip


def load_pipeline(path: Path | None = None) -> Pipeline:
    """Read pipeline.toml (one table per stage); BadConfiguration names an unknown table or key."""
    path = path or Settings().pipeline
    try:
        tables = tomllib.loads(path.read_text())
    except FileNotFoundError as error:
        raise BadConfiguration("no such file with science settings", path=path) from error
    except tomllib.TOMLDecodeError as error:
        raise BadConfiguration("science settings cannot be read", path=path, cause=str(error)) from error
    kinds = {one.name: one.default_factory for one in dataclasses.fields(Pipeline)}
    if unknown := sorted(set(tables) - set(kinds)):
        raise BadConfiguration("unknown table", path=path, table=unknown[0], known=", ".join(sorted(kinds)))
    return Pipeline(**{name: read_table(name, table, kinds[name]) for name, table in tables.items()})


def migrate_database(settings: Settings | None = None) -> None:
    """Bring our own database to the newest schema; harmless when it is there already."""
    migrate(_database_url(settings or Settings()))


def protect_log(role: str, settings: Settings | None = None) -> None:
    """Let the application log in to PostgreSQL as ``role``, which may add to the log but not change it."""
    protect(_database_url(settings or Settings()), role)


@contextmanager
def open_services(settings: Settings | None = None) -> Iterator[Services]:
    """Open every adapter that ``settings`` (by default: the environment) names, and close them at the end."""
    settings = settings or Settings()
    channels = ConfiguredChannels(
        addresses=settings.alert_addresses, keys=settings.alert_keys, hosts=settings.alert_hosts,
        kafka=settings.alert_kafka, timeout_s=settings.alert_timeout_s,
        tns=lambda: load_pipeline(settings.pipeline).alerts.tns,
    )  # fmt: skip
    with (
        one_thread(),
        closing(open_database(_database_url(settings))) as database,
        _surveys(settings) as surveys,
        open_star_catalog(settings.star_catalog, ours=settings.home / "stars") as stars,
        open_known_sources(settings.known_sources, ours=settings.home / "sources") as known_sources,
    ):
        services = Services(
            artifacts=RecreatableArtifacts(_store(settings), made_by=database.maker_of),
            models=open_models(settings),
            journal=MlflowJournal(tracking_uri=settings.registry_uri),
            surveys=surveys,
            transaction=partial(_transaction, database, actor=Actor(name=settings.actor)),
            arrays=open_arrays(settings.arrays),
            stars=stars,
            known_sources=known_sources,
            minor_planets=open_minor_planets(settings.minor_planets, ours=settings.home / "minor_planets.parquet"),
            alert_channels=channels,
        )
        with watched(services, settings) as seen:
            yield seen


def open_models(settings: Settings | None = None) -> MlflowModels:
    """Open the model registry."""
    settings = settings or Settings()
    artifact_root = settings.mlflow_artifacts or str((settings.home / "models").resolve())
    checkpoints = settings.home / "checkpoints"
    return MlflowModels(tracking_uri=settings.registry_uri, artifact_root=artifact_root, checkpoints=checkpoints)


def open_backup(
    folder: Path, key_file: Path, *, make_key: bool = False, settings: Settings | None = None
) -> tuple[Belongings, Vault]:
    """Return what is copied besides artifacts, and where it is copied to."""
    settings = settings or Settings()
    belongings = open_belongings(
        home=settings.home, database=settings.own_database, registry=settings.registry_uri,
        models=settings.mlflow_artifacts, surveys=SURVEYS,
    )  # fmt: skip
    return belongings, open_vault(folder, key_file, make_key=make_key)


def open_token_verifier(settings: Settings | None = None) -> TokenVerifier | None:
    """Open what verifies tokens of an external issuer; None where none is configured."""
    settings = settings or Settings()
    if not settings.token_issuer:
        return None
    rules = TokenRules(
        issuer=settings.token_issuer, audience=settings.token_audience,
        login_claim=settings.token_login_claim, roles_claim=settings.token_roles_claim,
    )  # fmt: skip
    return open_tokens(rules, keys_url=settings.token_keys_url, secret=settings.token_secret.get_secret_value())


def training_frames(pipeline: Pipeline) -> SimulatedFrames:
    """Return the simulated frames that a network is trained on, under today's settings."""
    return SimulatedFrames(train=pipeline.train, preprocess=pipeline.preprocess, difference=pipeline.difference)


def _store(settings: Settings) -> ArtifactStore:
    return open_artifacts(
        settings.artifacts or str(settings.home / "artifacts"),
        endpoint_url=settings.s3_endpoint_url or None,
        region=settings.s3_region,
        access_key_id=settings.s3_access_key_id.get_secret_value() or None,
        secret_access_key=settings.s3_secret_access_key.get_secret_value() or None,
    )


@contextmanager
def _transaction(database: Database, *, actor: Actor) -> Iterator[Records]:
    with database.transaction(actor=actor) as records:
        yield Records(**{one.name: getattr(records, one.name) for one in dataclasses.fields(Records)})


def _database_url(settings: Settings) -> str:
    if not settings.database_url:
        settings.home.mkdir(parents=True, exist_ok=True)
    return settings.own_database


def register_survey(
    name: str, directory: Path, *, description: str = "", truth: Path | None = None, settings: Settings | None = None
) -> None:
    """Name a folder of FITS files in surveys.toml; a known name with another folder is BadConfiguration."""
    add_survey((settings or Settings()).home / SURVEYS, name, directory=directory, description=description, truth=truth)


def survey_truth(name: str, settings: Settings | None = None) -> tuple[TruthRow, ...]:
    """Return what is known to have changed in a survey; empty where surveys.toml names no truth table."""
    table = read_surveys((settings or Settings()).home / SURVEYS).get(name, {})
    try:
        return read_truth(Path(table["truth"]).read_bytes()) if "truth" in table else ()
    except OSError as error:
        raise BadConfiguration("truth table cannot be read", survey=name, path=table["truth"]) from error


def _surveys(settings: Settings) -> AbstractContextManager[dict[str, SurveyClient]]:
    """Read surveys.toml anew on every call, so that a new survey needs no restart."""
    tables, token = read_surveys(settings.home / SURVEYS), settings.mast_token.get_secret_value()
    s3 = S3Access(
        endpoint_url=settings.s3_endpoint_url, region=settings.s3_region,
        access_key_id=settings.s3_access_key_id.get_secret_value(),
        secret_access_key=settings.s3_secret_access_key.get_secret_value(),
    )  # fmt: skip
    config = load_pipeline(settings.pipeline).ingest if tables else IngestConfig()
    return open_surveys(tables, mirrors=settings.home / "mirrors", config=config, mast_token=token, s3=s3)
