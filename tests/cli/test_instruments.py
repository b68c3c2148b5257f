"""``astrid instruments``: what is known, and what is wrong with a file."""

from pathlib import Path

import pytest

from astrid_core.cli.main import main


def test_what_is_known_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["instruments"]) == 0
    shown = capsys.readouterr().out
    assert "wfc3-uvis" in shown
    assert "dss   from *     refused: photographic plates" in shown


@pytest.mark.parametrize(
    ("name", "words"),
    [("nirc2", "exposure = ITIME"), ("ps1", "weight = variance"), ("r", "gaia: G with BP - RP")],
)
def test_one_thing_is_shown_whole(capsys: pytest.CaptureFixture[str], name: str, words: str) -> None:
    assert main(["instruments", name]) == 0
    assert words in capsys.readouterr().out


def test_a_wrong_file_is_named_with_table_and_key(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("[missions.a.dialect]\nbnad = ['X']\n")
    assert main(["instruments", "--file", str(path)]) == 65
    told = capsys.readouterr().err
    assert f"file={path}, table=missions.a.dialect, key=bnad" in told


def test_a_sound_file_is_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("[missions.a]\n[instruments.c]\nmission = 'a'\nmatch = { INSTRUME = 'C' }\n")
    assert main(["instruments", "c", "--file", str(path)]) == 0
    assert capsys.readouterr().out.splitlines()[0] == f"{path} is in order"


def test_an_unknown_name_is_a_mistake(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["instruments", "hbule"]) == 65
    assert "nothing is known under this name" in capsys.readouterr().err
