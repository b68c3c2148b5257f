from pathlib import Path

import numpy as np
import pytest
from astropy.table import Table

from astrid_core.cli.main import main
from tests.detection.test_triplets import triplet

COLUMNS = ["row", "score", "uncertainty", "anomaly", "class", "reason"]


def _score(folder: Path, **arrays: np.ndarray) -> int:
    np.savez(folder / "in.npz", **arrays)  # type: ignore[arg-type]
    return main(["score", "--triplets", str(folder / "in.npz"), "--out", str(folder / "out" / "scores.ecsv")])


def test_every_triplet_gets_a_row_with_a_score_or_the_reason_why_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASTRID_HOME", str(tmp_path / "home"))
    nothing = np.full((3, 63, 63), np.nan, dtype=np.float32)
    assert _score(tmp_path, triplets=np.stack([triplet(600.0), nothing, triplet(0.001, seed=5)])) == 0
    table = Table.read(tmp_path / "out" / "scores.ecsv")
    assert table.colnames == COLUMNS
    assert table["row"].tolist() == [0, 1, 2]
    assert table["score"][0] > 0.5 > table["score"][2]
    assert table["score"].mask.tolist() == [False, True, False]
    assert table["uncertainty"].mask.tolist() == table["anomaly"].mask.tolist() == [False, True, False]
    assert table["class"][0] == "transient"
    assert "is a number" in table["reason"][1]
    assert not (tmp_path / "home" / "astrid.sqlite").exists()


def test_no_triplets_make_an_empty_table(tmp_path: Path) -> None:
    assert _score(tmp_path, triplets=np.zeros((0, 3, 63, 63), dtype=np.float32)) == 0
    assert len(Table.read(tmp_path / "out" / "scores.ecsv")) == 0


@pytest.mark.parametrize(
    ("array", "said"),
    [
        ({"images": np.zeros((2, 3, 63, 63))}, "no array triplets"),
        ({"triplets": np.zeros((2, 63, 63, 3))}, "must have the shape"),
        ({"triplets": np.zeros((2, 3, 21, 21))}, "sides of 31 to 127"),
        ({"triplets": np.array(["a"])}, "does not hold numbers"),
    ],
)
def test_a_file_without_triplets_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], array: dict[str, np.ndarray], said: str
) -> None:
    assert _score(tmp_path, **array) == 99
    assert said in capsys.readouterr().err


def test_a_bare_array_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.save(tmp_path / "in.npy", np.zeros((2, 3, 63, 63)))
    assert main(["score", "--triplets", str(tmp_path / "in.npy"), "--out", str(tmp_path / "scores.ecsv")]) == 99
    assert "bare array" in capsys.readouterr().err


@pytest.mark.parametrize("content", [None, b"", b"not a zip file", b"PK\x03\x04 cut off"])
def test_a_file_that_cannot_be_read_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes | None
) -> None:
    if content is not None:
        (tmp_path / "in.npz").write_bytes(content)
    assert main(["score", "--triplets", str(tmp_path / "in.npz"), "--out", str(tmp_path / "scores.ecsv")]) == 65
    assert "cannot be read" in capsys.readouterr().err
    assert not (tmp_path / "scores.ecsv").exists()
