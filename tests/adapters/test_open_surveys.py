"""Entries of surveys.toml: every kind is opened, and what is wrong with one is said with its name."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from astrid_core.adapters.surveys.directory import DirectoryClient
from astrid_core.adapters.surveys.mast import MastClient
from astrid_core.adapters.surveys.open import open_surveys
from astrid_core.adapters.surveys.ps1 import Ps1Client
from astrid_core.adapters.surveys.skyview import SkyViewClient
from astrid_core.bootstrap import open_services, register_survey
from astrid_core.observations.config import IngestConfig
from astrid_core.observations.entities import Observation
from astrid_core.settings import Settings
from astrid_core.shared.errors import BadConfiguration
from tests.fakes import survey_servers
from tests.fakes.archive_server import ArchiveServer
from tests.synthetic.broken import as_bytes, exposure

TABLES = """
[plain]
directory = "/data/plain"
[hst-m31]
kind = "mast"
description = "M31"
region = "cone(10.68,41.27,6arcmin)"
missions = ["HST", "JWST"]
begin_mjd = 50000
calibration_levels = [3]
http_read_s = 120
http_n_concurrent = 2
[hst-m33]
kind = "mast"
region = "polygon(23 30, 24 30, 24 31)"
missions = ["HST"]
http_read_s = 120.0
http_n_concurrent = 2
[warps]
kind = "ps1"
region = "cone(150,2,0.1deg)"
bands = "gr"
[plates]
kind = "skyview"
surveys = ["DSS2 Red"]
centres = ["10.68 41.27", "83.6 -5.4"]
size_deg = 0.5
"""
TOKEN = "sesame-open-please"


def opened(tmp_path: Path, text: str, *, token: str = "") -> dict[str, Any]:
    with open_surveys(tomllib.loads(text), mirrors=tmp_path, config=IngestConfig(), mast_token=token) as found:
        return dict(found)


def test_every_kind_is_opened_and_nothing_is_asked_yet(tmp_path: Path) -> None:
    found = opened(tmp_path, TABLES)
    assert {name: type(client) for name, client in found.items()} == {
        "plain": DirectoryClient, "hst-m31": MastClient, "hst-m33": MastClient, "warps": Ps1Client,
        "plates": SkyViewClient,
    }  # fmt: skip
    assert found["hst-m31"].survey.description == "M31"
    assert all(client.survey.name == name for name, client in found.items())
    assert list(tmp_path.iterdir()) == []


def test_surveys_of_one_server_share_its_limits(tmp_path: Path) -> None:
    found = opened(tmp_path, TABLES)
    assert found["hst-m31"]._client is found["hst-m33"]._client
    assert found["hst-m31"]._client is not found["warps"]._client
    assert found["hst-m31"]._client.policy.read_s == 120.0


MAST = '[x]\nkind = "mast"\nregion = "cone(1,2,0.1deg)"\nmissions = ["HST"]\n'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (MAST + 'filter = "r"', "unknown key.*key=filter, known=bands, begin_mjd"),
        (MAST + "http_patience = 3", "key=http_patience, known=http_answer_s"),
        (MAST + 'http_read_s = "long"', "another type.*key=http_read_s, got=long, needs=float"),
        (MAST + "http_n_attempts = true", "another type.*needs=int"),
        (MAST + "http_n_attempts = 0", "n_attempts must be at least 1"),
        (MAST + 'bands = "F814W"', "needs a list.*key=bands"),
        (MAST + "bands = [814]", "another type.*needs=str"),
        (MAST + 'server = "mast.stsci.edu"', "an address like https://"),
        (MAST + 'server = "https://["', "an address like https://"),
        (MAST + 'server = "https:///api"', "an address like https://"),
        (MAST.replace("cone(1,2,0.1deg)", "M31"), "place on the sky cannot be read.*key=region"),
        (MAST.replace("HST", "HUBBLE"), "no rule.*mission=HUBBLE"),
        ('[x]\nkind = "mast"\nmissions = ["HST"]', "key is missing.*key=region"),
        ('[x]\nkind = "eso"', "unknown kind of survey.*kind=eso, known=folder, mast, ps1, skyview, manifest"),
        ('[x]\nkind = "skyview"\nsurveys = ["DSS"]\ncentres = ["M31"]\nsize_deg = 1', "place on the sky.*key=centres"),
        ('[x]\ndirectory = "/data"\ndirectroy = "/data"', "unknown key.*key=directroy"),
    ],
)
def test_what_is_wrong_with_an_entry_is_said_with_its_name(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(BadConfiguration, match=words) as problem:
        opened(tmp_path, text)
    assert "survey=x" in str(problem.value)


def test_a_token_does_not_travel_in_the_clear(tmp_path: Path) -> None:
    with pytest.raises(BadConfiguration, match="must not travel over http") as problem:
        opened(tmp_path, MAST + 'server = "http://mirror.test"', token=TOKEN)
    assert TOKEN not in str(problem.value)
    opened(tmp_path, MAST + 'server = "https://mirror.test"', token=TOKEN)


def test_an_archive_is_read_as_configured_and_with_the_token(tmp_path: Path) -> None:
    files = {"HST/a_drz.fits": as_bytes(exposure())}
    with ArchiveServer(survey_servers.mast(files, mission="HST")) as server:
        (tmp_path / "surveys.toml").write_text(f'{MAST}server = "{server.url}"\n')
        settings = Settings(home=tmp_path, mast_token=SecretStr(TOKEN))
        with open_services(settings) as services:
            client = services.surveys["x"]
            (found,) = client.discover()
            assert isinstance(found, Observation)
            assert found.id == "x:HST/a_drz.fits"
            assert client.fetch(found) == files["HST/a_drz.fits"]
        assert {one.headers["Authorization"] for one in server.asked} == {f"token {TOKEN}"}
        assert (tmp_path / "mirrors" / "x" / "HST" / "a_drz.fits").exists()
        assert TOKEN not in repr(settings)


def test_naming_a_folder_leaves_the_other_entries_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "surveys.toml").write_text(TABLES)
    register_survey("mine", tmp_path, settings=Settings(home=tmp_path))
    after = tomllib.loads((tmp_path / "surveys.toml").read_text())
    before = tomllib.loads(TABLES)
    assert {name: table for name, table in after.items() if name != "mine"} == before
    with pytest.raises(BadConfiguration, match=r"another folder already.*directory=mast"):
        register_survey("hst-m31", tmp_path, settings=Settings(home=tmp_path))
