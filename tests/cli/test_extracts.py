"""``astrid export`` and ``astrid extract``: what leaves the catalog, from a shell."""

import csv
import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from astrid_core.bootstrap import migrate_database, open_services
from astrid_core.catalog.context import EntryContext, ObjectClass
from astrid_core.catalog.entities import EntryStatus
from astrid_core.cli.main import main
from astrid_core.shared.sky import SkyCell
from tests.catalog.frozen import invented

OBJECTS, _ = invented(12)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home whose catalog holds a dozen objects, the first of them confirmed."""
    monkeypatch.setenv("ASTRID_HOME", str(tmp_path / "home"))
    migrate_database()
    with open_services() as services, services.transaction() as records:
        for number, one in enumerate(OBJECTS):
            records.catalog.put(one if number else replace(one, status=EntryStatus.CONFIRMED))
    return tmp_path


def lines(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 0) -> list[str]:
    capsys.readouterr()
    assert main(arguments) == status
    return capsys.readouterr().out.splitlines()


def names(path: Path) -> set[str]:
    with path.open(newline="") as file:
        return {row["entry_id"] for row in csv.DictReader(file)}


def test_an_extract_is_written_filtered_and_verified(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (key,) = lines(capsys, "export", "--out", str(home / "all"), "--format", "csv", "--format", "hats")
    (confirmed,) = lines(capsys, "export", "--out", str(home / "one"), "--format", "csv", "--status", "confirmed")
    assert names(home / "all" / "catalog.csv") == {str(one.id) for one in OBJECTS}
    assert names(home / "one" / "catalog.csv") == {str(OBJECTS[0].id)}
    assert (home / "all" / "hats" / "hats.properties").exists()
    assert not (home / "one" / "hats").exists()
    for line in (home / "all" / "SHA256SUMS").read_text().splitlines():
        digest, name = line.split("  ")
        assert hashlib.sha256((home / "all" / name).read_bytes()).hexdigest() == digest
    saved = lines(capsys, "extract", "save", key, "--out", str(home / "again"))
    assert {Path(one).name for one in saved} >= {"catalog.parquet", "manifest.json"}
    assert (home / "again" / "catalog.csv").read_bytes() == (home / "all" / "catalog.csv").read_bytes()
    assert key != confirmed


def test_what_changed_is_told_from_a_shell(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (before,) = lines(capsys, "export", "--out", str(home / "before"), "--format", "csv")
    with open_services() as services, services.transaction() as records:
        records.catalog.put(replace(OBJECTS[3], best_score=0.5))
    (after,) = lines(capsys, "export", "--out", str(home / "after"), "--format", "csv")
    told = lines(capsys, "extract", "diff", before, after, "--out", str(home / "changes.csv"))
    assert told == [
        "catalog: 0 gained, 0 lost, 1 changed, 11 the same",
        "  best_score: 1 changed",
        "light_curves: 0 gained, 0 lost, 0 changed, 0 the same",
        "forced_photometry: 0 gained, 0 lost, 0 changed, 0 the same",
    ]
    assert len((home / "changes.csv").read_text().splitlines()) == 2
    lines(capsys, "extract", "diff", before, "export-none", status=65)


def test_a_filter_that_makes_no_sense_is_refused(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = str(home / "out")
    lines(capsys, "export", "--out", out, "--format", "xls", status=65)
    lines(capsys, "export", "--out", out, "--status", "splendid", status=65)
    lines(capsys, "export", "--out", out, "--class", "comet", status=65)
    lines(capsys, "export", "--out", out, "--min-detections", "0", status=65)


@pytest.mark.parametrize("shape", ["cone", "polygon", "cells", "moc"])
def test_a_region_of_any_shape_chooses_what_is_written(
    home: Path, capsys: pytest.CaptureFixture[str], shape: str
) -> None:
    ra, dec = OBJECTS[5].position.ra_deg, OBJECTS[5].position.dec_deg
    cell = SkyCell.containing(OBJECTS[5].position, order=20)
    text = {
        "cone": f"cone({ra!r},{dec!r},0.2arcsec)",
        "polygon": f"polygon({ra - 1e-4!r} {dec - 1e-4!r}, {ra + 1e-4!r} {dec - 1e-4!r}, {ra!r} {dec + 1e-4!r})",
        "cells": f"cells({cell})",
        "moc": f"moc({cell})",
    }[shape]
    lines(capsys, "export", "--out", str(home / "part"), "--format", "csv", "--region", text)
    assert names(home / "part" / "catalog.csv") == {str(OBJECTS[5].id)}


def test_a_class_chooses_what_is_written(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = EntryContext(entry_id=OBJECTS[2].id, object_class=ObjectClass.AGN, reason="so")
    with open_services() as services, services.transaction() as records:
        records.contexts.put(told)
    lines(capsys, "export", "--out", str(home / "agn"), "--format", "csv", "--class", "agn", "--class", "star")
    assert names(home / "agn" / "catalog.csv") == {str(OBJECTS[2].id)}
