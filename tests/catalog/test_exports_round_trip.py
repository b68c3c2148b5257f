"""What is read from each format is what was in the catalog: values, nulls, units, UCDs and meanings."""

import csv
import hashlib
import io
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from astropy.io import fits
from astropy.io.votable import parse
from astropy.table import Table

from astrid_core.catalog.exports.columns import Cell, Column, ColumnKind, TableSpec, cells, texts
from astrid_core.catalog.exports.ds9 import region_lines
from astrid_core.catalog.exports.tables import TABLES
from astrid_core.catalog.exports.text import write_csv
from tests.catalog.frozen import Extract, freeze, invented, write_everything
from tests.catalog.invented import light_curve, measured

SPECS = {table.name: table for table in TABLES}
Told = Mapping[str, tuple[str, str, str]]
"""Unit, UCD and description by column."""


@pytest.fixture(scope="module")
def extract(tmp_path_factory: pytest.TempPathFactory) -> Extract:
    return write_everything(tmp_path_factory.mktemp("extract"))


def expected(extract: Extract, table: str) -> dict[str, list[Cell]]:
    return {one.name: cells(one, extract.records[table]) for one in SPECS[table].columns}


def declared(table: str) -> Told:
    return {one.name: (one.unit, one.ucd, one.description) for one in SPECS[table].columns}


def plain(values: Any, column: Column) -> list[Cell]:
    """Return what a reader gave as plain values, None where there is none."""
    masks = np.ma.getmaskarray(np.ma.asarray(values)) if not isinstance(values, list) else [False] * len(values)
    told: list[Cell] = []
    for value, is_masked in zip(list(values), masks, strict=True):
        missing = is_masked or value is None or (column.kind is ColumnKind.REAL and np.isnan(value))
        text = value.decode() if isinstance(value, bytes) else value
        # FITS knows no null of text: there it is empty, which no text of ours is.
        missing = missing or (column.nullable and text == "")
        told.append(None if missing else {ColumnKind.REAL: float, ColumnKind.INTEGER: int}.get(column.kind, str)(text))
    return told


def from_votable(path: Path) -> tuple[Any, Told]:
    table = parse(path, verify="exception").get_first_table()
    return table.array, {one.name: (str(one.unit or ""), one.ucd, one.description.strip()) for one in table.fields}


def from_fits(path: Path) -> tuple[Any, Told]:
    with fits.open(path, memmap=False) as hdus:
        header, data = hdus[1].header, hdus[1].data
        told = {
            header[f"TTYPE{n}"]: (header.get(f"TUNIT{n}", ""), header[f"TUCD{n}"], header[f"TCOMM{n}"])
            for n in range(1, header["TFIELDS"] + 1)
        }
        return {name: list(data[name]) for name in told}, told


def from_ecsv(path: Path) -> tuple[Any, Told]:
    table = Table.read(path, format="ascii.ecsv")
    return table, {one.name: (str(one.unit or ""), one.meta["ucd"], one.description) for one in table.itercols()}


def from_parquet(path: Path) -> tuple[Any, Told]:
    table = pq.read_table(path)
    told = {
        one.name: tuple(one.metadata[name].decode() for name in (b"unit", b"ucd", b"description"))
        for one in table.schema
    }
    return {name: table.column(name).to_pylist() for name in told}, told


def from_votable_in_parquet(path: Path) -> tuple[Any, Told]:
    content = pq.read_metadata(path).metadata[b"IVOA.VOTable-Parquet.content"]
    fields = parse(io.BytesIO(content), verify="ignore").get_first_table().fields
    return from_parquet(path)[0], {one.name: (str(one.unit or ""), one.ucd, one.description.strip()) for one in fields}


@pytest.mark.parametrize("table", SPECS)
@pytest.mark.parametrize(
    ("extension", "read"),
    [("vot", from_votable), ("fits", from_fits), ("ecsv", from_ecsv), ("parquet", from_parquet),
     ("parquet", from_votable_in_parquet)],
)  # fmt: skip
def test_values_units_and_ucds_survive(extract: Extract, table: str, extension: str, read: Any) -> None:
    found, told = read(extract.folder / f"{table}.{extension}")
    # Spaces are the writer's: some put them around the slash of a unit, some break long lines.
    told = {name: (unit.replace(" ", ""), ucd, " ".join(text.split())) for name, (unit, ucd, text) in told.items()}
    assert told == declared(table)
    for column in SPECS[table].columns:
        wanted = expected(extract, table)[column.name]
        if extension == "fits" and column.kind is ColumnKind.TEXT:
            wanted = [one and str(one).encode("ascii", "backslashreplace").decode() for one in wanted]
        assert plain(found[column.name], column) == wanted, column.name


@pytest.mark.filterwarnings("ignore:No table..len")
def test_astropy_reads_parquet_with_its_votable(extract: Extract) -> None:
    table = Table.read(extract.points.path, format="parquet.votable")
    assert str(table["mag_ab"].unit) == "mag"
    assert table["flux"].meta["ucd"] == "phot.count"
    assert len(table) == extract.points.n_rows


@pytest.mark.parametrize("table", SPECS)
def test_csv_carries_the_same_values_as_text(extract: Extract, table: str) -> None:
    with (extract.folder / f"{table}.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for column in SPECS[table].columns:
        assert [row[column.name] for row in rows] == texts(column, expected(extract, table)[column.name])


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "＝1"])
def test_a_spreadsheet_computes_nothing(text: str) -> None:
    spec = TableSpec(
        name="t", title="t", key=("band",),
        columns=(Column(name="band", kind=ColumnKind.TEXT, ucd="instr.bandpass", description="b"),
                 Column(name="flux", kind=ColumnKind.REAL, ucd="phot.count", description="f")),
    )  # fmt: skip
    out = io.StringIO()
    write_csv(out, spec, [[[text], [-1.5]]])
    ((band, flux),) = list(csv.reader(io.StringIO(out.getvalue())))[1:]
    assert band == f"'{text}"
    assert flux == "-1.5"


def test_regions_are_circles_around_every_object(extract: Extract) -> None:
    lines = (extract.folder / "catalog.reg").read_text().splitlines()
    assert lines[:3] == [*("".join(region_lines(extract.entries)).splitlines()[:2]), "icrs"]
    assert len(lines) == 3 + len(extract.objects)
    one = extract.objects[3]
    assert lines[6].startswith(f'circle({one.position.ra_deg:.8f},{one.position.dec_deg:.8f},2.0")')
    assert str(one.id) in lines[6]


def test_the_same_rows_are_the_same_bytes_however_they_arrive(tmp_path: Path) -> None:
    objects, brightnesses = invented(300)
    digests = []
    for n in (1, 7, 1000):
        tables = freeze(tmp_path / str(n), objects, brightnesses, at_once=n)
        digests.append([hashlib.sha256(table.path.read_bytes()).hexdigest() for table in tables])
    assert digests[0] == digests[1] == digests[2]
    again, other = (write_everything(tmp_path / name) for name in ("a", "b"))
    for path in (path for path in again.folder.rglob("*") if path.is_file()):
        assert path.read_bytes() == (other.folder / path.relative_to(again.folder)).read_bytes(), path


def test_a_missing_value_where_none_may_be_is_a_bug() -> None:
    entry, _ = light_curve(1, measured("a:1"))
    column = Column(name="x", kind=ColumnKind.REAL, ucd="phot.mag", description="x", of="best_score")
    assert cells(column, [entry]) == [0.9]
    with pytest.raises(ValueError, match="never null"):
        cells(replace(column, name="best_score"), [replace(entry, best_score=float("nan"))])
