"""Where things are, from the environment; read once, in ``bootstrap.open_services``."""

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

_REPOSITORY = Path(__file__).resolve().parents[1]
# Nothing that would end a source in a policy of a page.
_ADDRESS = r"^(https?://[A-Za-z0-9.:\[\]-]+(/[^\s;,'\"]*)?)?$"


class Settings(BaseSettings):
    """Addresses and secrets, each from the variable ``ASTRID_<NAME>``."""

    model_config = SettingsConfigDict(env_prefix="ASTRID_", extra="ignore", frozen=True)

    home: Path = Path(".astrid")
    """Folder for everything that is not configured elsewhere, and for surveys.toml."""
    database_url: str = ""
    """SQLAlchemy URL of our own database; empty: SQLite in the home folder."""
    artifacts: str = ""
    """A folder, or s3://bucket/prefix; empty: the folder ``artifacts`` in the home folder."""
    s3_endpoint_url: str = ""
    """For R2: https://<account>.r2.cloudflarestorage.com; empty: Amazon's own."""
    s3_region: str = "auto"
    """Amazon's name of the region; ``auto`` for R2."""
    s3_access_key_id: SecretStr = SecretStr("")
    """Empty: as boto3 finds it, for example from the machine's role."""
    s3_secret_access_key: SecretStr = SecretStr("")
    """Of the access key."""
    mast_token: SecretStr = SecretStr("")
    """Token for data at MAST that are not public; empty: public data only."""
    mlflow_uri: str = ""
    """MLflow tracking URI; empty: SQLite in the home folder."""
    mlflow_artifacts: str = ""
    """Where MLflow keeps model files; empty: the folder ``models`` in the home folder."""
    arrays: str = "numpy"
    """Library that subtractions are computed by: ``numpy``, or ``cupy`` on a GPU."""
    pipeline: Path = _REPOSITORY / "include" / "config" / "pipeline.toml"
    """Science settings."""
    compute: Literal["local", "kubernetes"] = "local"
    """Where differencing, detection and injections run: in Airflow's workers, or in pods."""
    compute_plan: Path = _REPOSITORY / "include" / "config" / "compute.toml"
    """Resources and patience of pods."""
    pod_template: Path = _REPOSITORY / "include" / "config" / "pod.yaml"
    """What every pod is besides."""
    pod_image: str = ""
    """Image of pods, by its digest: ``registry/name@sha256:...``."""
    star_catalog: str = ""
    """Reference stars: a folder that ``astrid catalog import`` wrote, or the address of a cone search; empty:
    the folder ``stars`` in the home folder if it is there.
    """
    known_sources: str = ""
    """Catalogs of known galaxies, variables, active nuclei and transients, with commas between: folders that ``astrid
    catalog import --kind`` wrote, or ``KIND=https://host/cone``; empty: those in the folder ``sources`` in the home
    folder.
    """
    minor_planets: str = ""
    """Table of orbits that ``astrid minor-planets import`` wrote; empty: ``minor_planets.parquet`` in the home folder
    if it is there.
    """
    api_rate_per_s: float = Field(default=50.0, gt=0.0)
    """Requests a second that the API answers each person, after a burst."""
    api_burst: int = Field(default=500, ge=1)
    """Requests of one person that the API answers at once."""
    api_max_body_bytes: int = Field(default=2**20, ge=1)
    """Largest body that the API takes."""
    health_timeout_s: float = Field(default=5.0, gt=0.0)
    """How long a part may take to answer the health page before it counts as down."""
    cone_max_rows: int = Field(default=10_000, ge=1)
    """Objects that a cone search answers at most."""
    public_releases: bool = False
    """Whether anybody may search released extracts, also without being known here."""
    token_issuer: str = ""
    """Issuer of tokens (JWT) that the API believes, as its tokens name it; empty: none."""
    token_audience: str = ""
    """Whom its tokens must be for."""
    token_keys_url: str = ""
    """Where the issuer publishes its public keys (JWKS), for RS256 and ES256."""
    token_secret: SecretStr = SecretStr("")
    """The secret that it shares with us, for HS256."""
    token_login_claim: str = "sub"  # noqa: S105 - the name of a claim
    """Claim that names the owner of a token; a path such as ``app_metadata.login``. Nobody may be able to choose it."""
    token_roles_claim: str = ""
    """Claim that names roles, for example ``app_metadata.astrid_roles``; empty: roles are granted here only."""
    aladin_url: str = Field(default="", pattern=_ADDRESS)
    """Where the browsers of curators load Aladin Lite from, for a survey of the sky in place of the finder chart:
    https://aladin.cds.unistra.fr/AladinLite/api/v3/latest/aladin.js or a copy; empty: no browser asks anybody but us.
    """
    aladin_survey: str = Field(default="https://alasky.cds.unistra.fr/DSS/DSSColor", pattern=_ADDRESS)
    """The survey that it shows: the root of a HiPS."""
    notify_email: str = ""
    """Who is written to when a run asks a person, with commas between; sent by the connection ``smtp_default``."""
    notify_webhook: SecretStr = SecretStr("")
    """Where the same is posted as JSON with a ``text``, as Slack takes it; whoever has the address may post there."""
    night_deadline: str = Field(default="", pattern=r"^(([01]\d|2[0-3]):[0-5]\d)?$")
    """When a night must be in the catalog: HH:MM (UTC), the first such time after it ended at noon; else these people
    are told by the DAG `night_deadline`. Empty: never.
    """
    alert_addresses: dict[str, SecretStr] = {}
    """Where the channels of ``[alerts]`` lead, as JSON: name to ``https://...``, or to ``file:///folder``."""
    alert_keys: dict[str, SecretStr] = {}
    """What posted packets are signed with, as JSON: name of the channel to a secret of 16 characters or more."""
    alert_hosts: str = ""
    """Hosts that packets may be posted to, with commas between; an address anywhere else is refused."""
    alert_kafka: dict[str, SecretStr] = {}
    """Options of Kafka's clients, as JSON, for channels at ``kafka://host:port/topic``: ``sasl.password`` and so on."""
    alert_timeout_s: float = Field(default=10.0, gt=0.0)
    """How long a receiver of alerts may be silent."""
    log_format: Literal["text", "json"] = "text"
    """How our own processes write their log: for people, or ``json``, one object a line. In tasks Airflow decides:
    ``AIRFLOW__LOGGING__JSON_LOGS``; with ``json`` here their lines carry stage, item and observation, too.
    """
    sentry_dsn: SecretStr = SecretStr("")
    """Where failures of items are told (Sentry); needs ``astrid[sentry]``; empty: nowhere."""
    actor: str = "astrid"
    """Who is named in the event log."""

    @property
    def own_database(self) -> str:
        """Where our own database is."""
        return self.database_url or f"sqlite:///{(self.home / 'astrid.sqlite').resolve()}"

    @property
    def registry_uri(self) -> str:
        """Where MLflow is."""
        return self.mlflow_uri or f"sqlite:///{(self.home / 'mlflow.sqlite').resolve()}"
