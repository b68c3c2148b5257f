"""Tables as FITS: what units, UCDs and descriptions mean is in the header, and each part carries its checksum."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc
from astropy.io import fits

from astrid_core.catalog.exports.columns import Cell, Column, ColumnKind
from astrid_core.catalog.exports.fits_sums import add_checksums
from astrid_core.catalog.exports.frozen import FrozenTable, plain_values

_NO_INTEGER = int(np.iinfo(np.int64).min)
_FORMATS: Mapping[ColumnKind, tuple[str, str]] = {
    ColumnKind.INTEGER: ("K", ">i8"),
    ColumnKind.REAL: ("D", ">f8"),
    ColumnKind.FLAG: ("L", "u1"),
}
"""FITS and numpy name of each kind but text, whose width depends on what there is."""


def write_fits(path: Path, table: FrozenTable) -> None:
    """Write a binary table, some thousand rows in memory at a time."""
    widths = _widths(table)
    columns = table.spec.columns
    layout = np.dtype([(one.name, f"S{widths[one.name]}" if one.name in widths else _FORMATS[one.kind][1])
                       for one in columns])  # fmt: skip
    with fits.StreamingHDU(path, _header(table, widths)) as stream:
        for batch in table.batches():
            rows = np.zeros(batch.num_rows, dtype=layout)
            for column, values in zip(columns, batch.columns, strict=True):
                rows[column.name] = _values(column, values)
            stream.write(rows.view(np.uint8))
    add_checksums(path)


def _header(table: FrozenTable, widths: Mapping[str, int]) -> Any:
    spec = table.spec
    columns = [
        fits.Column(
            name=one.name,
            format=f"{widths[one.name]}A" if one.name in widths else _FORMATS[one.kind][0],
            unit=one.unit or None,
            null=_NO_INTEGER if one.kind is ColumnKind.INTEGER and one.nullable else None,
        )
        for one in spec.columns
    ]
    header = fits.BinTableHDU.from_columns(columns, nrows=0, name=spec.name.upper()).header
    header["NAXIS2"] = table.n_rows
    header["RADESYS"] = ("ICRS", "frame of the positions")
    header["TIMESYS"] = ("UTC", "scale of the times")
    header.add_comment(spec.title)
    for number, one in enumerate(spec.columns, start=1):
        after = f"TUNIT{number}" if one.unit else f"TFORM{number}"
        header.set(f"TUCD{number}", one.ucd, after=after)
        header.set(f"TCOMM{number}", one.description, after=f"TUCD{number}")
    header["CHECKSUM"] = "0" * 16
    header["DATASUM"] = "0"
    return header


def _widths(table: FrozenTable) -> Mapping[str, int]:
    """Return the longest text of each column of text, in bytes; at least 1."""
    names = [one.name for one in table.spec.columns if one.kind in (ColumnKind.CODE, ColumnKind.TEXT)]
    widths = dict.fromkeys(names, 1)
    for batch in table.batches(names):
        for name, values in zip(names, batch.columns, strict=True):
            # Only ASCII may be in a FITS table; what is not is spelled out, and so becomes longer.
            longest = pc.max(pc.binary_length(values)).as_py() or 0
            if longest != (pc.max(pc.utf8_length(values)).as_py() or 0):
                longest = max(len(_ascii(value)) for value in values.to_pylist())
            widths[name] = max(widths[name], longest)
    return widths


def _values(column: Column, values: Any) -> Sequence[Any]:
    if column.kind in (ColumnKind.CODE, ColumnKind.TEXT):
        return [_ascii(value) for value in plain_values(values)]
    if column.kind is ColumnKind.FLAG:
        return [0 if value is None else ord("T") if value else ord("F") for value in plain_values(values)]
    nothing = _NO_INTEGER if column.kind is ColumnKind.INTEGER else np.nan
    numbers: Sequence[Any] = values.fill_null(nothing).to_numpy()
    return numbers


def _ascii(value: Cell) -> bytes:
    return str("" if value is None else value).encode("ascii", errors="backslashreplace")
