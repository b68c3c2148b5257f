"""Regions that are read from files, from a shell: what is wrong is told before anything is opened."""

from pathlib import Path

import pytest

from astrid_core.cli.main import main
from tests.synthetic.sky_maps import flat_file, flattened, multi_order_file, some_cells

BACKFILL = ("backfill", "plan", "--survey", "demo", "--first-night", "2024-01-01", "--last-night", "2024-01-02")


@pytest.mark.parametrize("command", [BACKFILL, ("status", "--survey", "demo"), ("export", "--out", "here")])
def test_a_sky_map_that_is_none_ends_a_command_with_the_file_and_the_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: tuple[str, ...]
) -> None:
    monkeypatch.setenv("ASTRID_HOME", str(tmp_path / "home"))
    path = flat_file(tmp_path / "map.fits", 3.0 * flattened(some_cells(), order=4))
    assert main([*command, "--region", f"skymap({path},0.9)"]) == 65
    told = capsys.readouterr().err
    assert str(path) in told
    assert "sum=3" in told
    assert main([*command, "--region", f"skymap({path},90)"]) == 2
    assert "(0, 1], not 90" in capsys.readouterr().err


def test_the_catalog_in_a_sky_map_is_frozen_with_its_cells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ASTRID_HOME", str(tmp_path / "home"))
    path = multi_order_file(tmp_path / "map.fits", some_cells())
    assert main(["export", "--out", str(tmp_path / "out"), "--region", f"skymap({path},0.5)"]) == 0
    capsys.readouterr()
    manifest = (tmp_path / "out" / "manifest.json").read_text()
    assert '"moc(' in manifest
    assert str(path) not in manifest
