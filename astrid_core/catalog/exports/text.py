"""Tables as text: CSV for everybody, ECSV with units and meanings inside."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import TextIO

import astropy.units as u
from astropy.table import MaskedColumn, Table

from astrid_core.catalog.exports.columns import Cell, Column, ColumnKind, TableSpec, texts

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What a cell begins with that a spreadsheet would compute."""
_NUMPY: Mapping[ColumnKind, str] = {
    ColumnKind.CODE: "str",
    ColumnKind.TEXT: "str",
    ColumnKind.INTEGER: "int64",
    ColumnKind.REAL: "float64",
    ColumnKind.FLAG: "bool",
}


def write_csv(out: TextIO, spec: TableSpec, batches: Iterable[Sequence[Sequence[Cell]]]) -> None:
    """Write a table as RFC 4180 has it, with a line of names first; text that looks like a formula is led by ``'``.

    ``batches`` are the values of every column, some rows at a time.
    """
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([column.name for column in spec.columns])
    for batch in batches:
        told = (_harmless(column, texts(column, values)) for column, values in zip(spec.columns, batch, strict=True))
        writer.writerows(zip(*told, strict=True))


def write_ecsv(out: TextIO, spec: TableSpec, batches: Iterable[Sequence[Sequence[Cell]]]) -> None:
    """Write a table as ECSV 1.0: the head by astropy, then ``batches`` as above."""
    out.write(_ecsv_head(spec))
    writer = csv.writer(out, lineterminator="\n")
    for batch in batches:
        told = (texts(column, values) for column, values in zip(spec.columns, batch, strict=True))
        writer.writerows(zip(*told, strict=True))


@cache
def _ecsv_head(spec: TableSpec) -> str:
    table = Table(meta={"title": spec.title, "frame": "ICRS", "time_scale": "UTC"})
    for column in spec.columns:
        table[column.name] = MaskedColumn(
            [],
            dtype=_NUMPY[column.kind],
            unit=u.Unit(column.unit) if column.unit else None,
            description=column.description,
            meta={"ucd": column.ucd},
        )
    head = io.StringIO()
    # With commas an empty cell is an empty cell, which is what ECSV means by null.
    table.write(head, format="ascii.ecsv", delimiter=",")
    return head.getvalue()


def _harmless(column: Column, told: Sequence[str]) -> Sequence[str]:
    if column.kind not in (ColumnKind.CODE, ColumnKind.TEXT):
        return told
    return [f"'{text}" if text.startswith(_FORMULA) else text for text in told]
