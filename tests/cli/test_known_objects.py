"""``astrid minor-planets``, ``astrid catalog import --kind`` and ``astrid context``."""

from pathlib import Path
from uuid import UUID

import pytest
from astropy.table import Table

from astrid_core.bootstrap import open_services
from astrid_core.catalog.known_sources import SourceKind
from astrid_core.cli.main import main
from astrid_core.shared.sky import Region
from tests.catalog.ephemerides import CERES

ENCKE = (
    b"0002P         2023 10 22.5182  0.339593  0.847993  187.2852  334.0177   11.4997  20231108  15.0  4.0  "
    b"2P/Encke                                                  MPC 12345"
)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ASTRID_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_orbits_are_imported_and_used(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "MPCORB.DAT").write_bytes(CERES[5])
    (tmp_path / "CometEls.txt").write_bytes(ENCKE)
    files = [str(tmp_path / "MPCORB.DAT"), "--comets", str(tmp_path / "CometEls.txt")]

    assert main(["minor-planets", "import", *files]) == 0

    said = capsys.readouterr().out
    assert said.startswith("MPCORB.DAT+CometEls.txt ")
    assert said.endswith(": 2 orbits\n")
    assert (home / "minor_planets.parquet").exists()
    with open_services() as services:
        assert services.minor_planets is not None
        whole = services.minor_planets.inside(Region.parse("cone(0.0,0.0,90deg)"), mid_mjd=61000.0)
        other = services.minor_planets.inside(Region.parse("cone(180.0,0.0,90deg)"), mid_mjd=61000.0)
        assert {one.name for one in (*whole, *other)} >= {"(1) Ceres"}


def test_a_broken_line_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "MPCORB.DAT").write_bytes(CERES[5] + b"\n" + CERES[4].replace(b"0.0794013", b"0.07x4013"))
    assert main(["minor-planets", "import", str(tmp_path / "MPCORB.DAT")]) == 65
    assert "line=2, column=eccentricity" in capsys.readouterr().err
    assert main(["minor-planets", "import"]) == 2


def test_a_table_of_galaxies_becomes_a_catalog_that_is_used(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = Table({"name": ["NGC 1", "NGC 2"], "alpha": [10.0, 10.1], "dec": [5.0, 5.1], "redshift": [0.01, 0.02]})
    table.write(tmp_path / "galaxies.ecsv")
    options = ["--name", "ngc", "--release", "1", "--kind", "galaxy", "--column", "ra=alpha"]
    region = ["--region", "cone(10.0,5.0,1deg)"]

    assert main(["catalog", "import", str(tmp_path / "galaxies.ecsv"), *options, *region]) == 0

    assert "2 galaxy objects" in capsys.readouterr().out
    assert (home / "sources" / "ngc" / "catalog.toml").exists()
    with open_services() as services:
        (catalog,) = services.known_sources
        assert catalog.kind is SourceKind.GALAXY
        assert list(catalog.sources(Region.parse("cone(10.0,5.0,0.05deg)")).ids) == ["NGC 1"]


@pytest.mark.parametrize("wrong", [["--kind", "planet"], ["--column", "ra=alpha"]])
def test_options_that_make_no_sense_are_wrong_usage(tmp_path: Path, wrong: list[str]) -> None:
    usual = ["--name", "a", "--release", "1"]
    assert main(["catalog", "import", str(tmp_path / "missing.ecsv"), *usual, *wrong]) == 2


def test_a_night_without_entries_is_looked_up(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["context", "--survey", "demo", "--night", "2024-01-20"]) == 0
    assert "0 entries looked up" in capsys.readouterr().out
    assert main(["context", "--survey", "demo"]) == 2
    assert main(["context"]) == 2
    assert main(["context", str(UUID(int=1))]) == 0
