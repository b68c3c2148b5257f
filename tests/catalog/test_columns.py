"""Every declaration of a column is what all formats can say."""

import re

import astropy.units as u
import pytest
from astropy.io.votable.ucd import check_ucd

from astrid_core.catalog.exports.columns import Column, ColumnKind, TableSpec
from astrid_core.catalog.exports.tables import TABLES

COLUMNS = [(table, column) for table in TABLES for column in table.columns]
each = pytest.mark.parametrize(
    ("table", "column"), COLUMNS, ids=[f"{table.name}.{column.name}" for table, column in COLUMNS]
)


@each
def test_a_column_has_a_name_a_ucd_and_a_meaning(table: TableSpec, column: Column) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9_]*", column.name)
    assert [one.name for one in table.columns].count(column.name) == 1
    assert check_ucd(column.ucd, check_controlled_vocabulary=True)
    # A card of a FITS header has room for 68 characters.
    assert 0 < len(column.description) <= 68


@each
def test_a_unit_is_one_of_the_virtual_observatory_and_of_fits(table: TableSpec, column: Column) -> None:
    if column.unit:
        assert u.Unit(column.unit, format="vounit", parse_strict="raise") == u.Unit(
            column.unit, format="fits", parse_strict="raise"
        )
    assert not column.unit or column.kind in (ColumnKind.REAL, ColumnKind.INTEGER)


@each
def test_a_name_that_ends_in_a_unit_ends_in_its_own(table: TableSpec, column: Column) -> None:
    ending = column.name.rpartition("_")[2]
    expected = {"deg": "deg", "arcsec": "arcsec", "mjd": "d", "njy": "nJy"}.get(ending)
    assert expected in (None, column.unit)


def test_a_unit_that_is_none_is_not_taken() -> None:
    with pytest.raises(ValueError, match="nanojansky"):
        u.Unit("nanojansky", format="vounit", parse_strict="raise")


@pytest.mark.parametrize("table", TABLES, ids=[table.name for table in TABLES])
def test_the_key_of_a_table_is_among_its_columns(table: TableSpec) -> None:
    ucds = [table.column(one).ucd for one in table.key]
    assert ucds == ["meta.id;meta.main"] if len(ucds) == 1 else all(one.startswith("meta.id") for one in ucds)
