"""Light curves from a shell, of a night in a folder."""

import csv
import json
from pathlib import Path

import pytest

from astrid_core.cli.main import main
from tests.adapters.databases import SqlDatabase
from tests.api.night import make_night, url_of
from tests.stages.scene import NIGHT


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    make_night(home)
    return home


@pytest.fixture
def entry(home: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The brightest object of the night."""
    monkeypatch.setenv("ASTRID_HOME", str(home))
    monkeypatch.setenv("ASTRID_DATABASE_URL", url_of(home))
    monkeypatch.setenv("ASTRID_ARTIFACTS", str(home / "artifacts"))
    database = SqlDatabase(url_of(home))
    with database.transaction() as records:
        found = max(records.catalog.search(), key=lambda one: one.peak_significance)
    database.close()
    return str(found.id)


def test_every_number_is_printed_for_machines(entry: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lightcurve", entry, "--json"]) == 0
    (point,) = json.loads(capsys.readouterr().out)["points"]
    assert main(["lightcurve", entry, "--csv"]) == 0
    (row,) = csv.DictReader(capsys.readouterr().out.splitlines())

    assert row.keys() == point.keys()
    assert float(row["flux_njy"]) == point["flux_njy"]
    assert row["difference_key"].startswith("difference-")
    assert row["limit_mag_ab"] == ""


def test_people_see_a_line_an_exposure(entry: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lightcurve", entry]) == 0
    head, line = capsys.readouterr().out.splitlines()

    assert head.startswith(entry)
    assert " nJy  " in line
    assert " mag" in line
    assert line.endswith(f"demo:{NIGHT}/a.fits")


def test_measuring_again_finds_nothing_to_do(entry: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["measure", "--survey", "demo", "--night", NIGHT]) == 0
    assert capsys.readouterr().out.startswith("0 new measurements in 0 differences")
    assert main(["measure", "--entry", entry]) == 0
    assert capsys.readouterr().out.startswith("0 new measurements in 0 differences")


def test_either_a_night_or_objects_are_measured(entry: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["measure", "--survey", "demo"]) == 2
    assert main(["measure", "--survey", "demo", "--night", NIGHT, "--entry", entry]) == 2
    assert "name a survey and a night" in capsys.readouterr().err
