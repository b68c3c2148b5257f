"""Survey clients in front of a server on loopback, with the short patience of tests."""

from pathlib import Path

from astrid_core.adapters.surveys.http import HttpClient
from astrid_core.adapters.surveys.http_policy import HttpPolicy
from astrid_core.adapters.surveys.manifest import ManifestClient, ManifestQuery
from astrid_core.adapters.surveys.mast import MastClient
from astrid_core.adapters.surveys.mast_query import MastQuery
from astrid_core.adapters.surveys.mirror import Mirror
from astrid_core.adapters.surveys.product_rules import ProductRule
from astrid_core.adapters.surveys.ps1 import Ps1Client, Ps1Query
from astrid_core.adapters.surveys.s3_addresses import S3Access
from astrid_core.adapters.surveys.skyview import SkyViewClient, SkyViewQuery
from astrid_core.observations.config import IngestConfig
from astrid_core.observations.entities import Survey
from astrid_core.shared.sky import Region, SkyPosition
from tests.fakes.archive_server import ArchiveServer

SURVEY = Survey(name="sky")
NOW_MJD = 61000.0
REGION = Region.parse("cone(150.0,2.0,0.05deg)")
POLICY = HttpPolicy(
    connect_s=1.0, read_s=0.3, answer_s=2.0, file_s=5.0, n_attempts=3, first_pause_s=0.0, longest_pause_s=1.0,
    n_failures_open=50, max_answer_bytes=2**20, max_file_bytes=2**22,
)  # fmt: skip
RULES = {"TEST": (ProductRule(science=".fits"), ProductRule(science=".fits.gz", also=True))}


def now_s() -> float:
    return (NOW_MJD - 40587.0) * 86400.0


def mirror(folder: Path) -> Mirror:
    return Mirror(folder=folder, config=IngestConfig(), clock=now_s)


def mast_client(server: ArchiveServer, http: HttpClient, folder: Path, *, region: Region = REGION) -> MastClient:
    query = MastQuery(region=region, missions=("TEST",))
    return MastClient(SURVEY, query, http, mirror(folder), rules=RULES, server=server.url)


def ps1_client(server: ArchiveServer, http: HttpClient, folder: Path, *, images: str = "warp") -> Ps1Client:
    return Ps1Client(SURVEY, Ps1Query(region=REGION, images=images), http, mirror(folder), server=server.url)


def manifest_client(server: ArchiveServer, http: HttpClient, folder: Path) -> ManifestClient:
    query = ManifestQuery(location=f"{server.url}/list.csv")
    return ManifestClient(SURVEY, query, http, mirror(folder), s3=S3Access())


def skyview_client(
    server: ArchiveServer, http: HttpClient, folder: Path, *, surveys: tuple[str, ...] = ("DSS",)
) -> SkyViewClient:
    centre = SkyPosition(ra_deg=150.0, dec_deg=2.0)
    query = SkyViewQuery(surveys=surveys, centres=(centre,), size_deg=0.25, n_pixels=1000)
    return SkyViewClient(SURVEY, query, http, mirror(folder), server=f"{server.url}/current/cgi")
