"""What is known to have changed, as a table on disk (ECSV): one row per object and exposure."""

import io
from collections.abc import Mapping, Sequence

import numpy as np
from astropy.io import ascii  # noqa: A004 - astropy's own name for text tables
from astropy.table import MaskedColumn, Table

from astrid_core.catalog.truth import TruthRow
from astrid_core.shared.errors import BadConfiguration

_NEEDED = ("object_id", "kind", "ra_deg", "dec_deg")
_OPTIONAL: Mapping[str, type] = {"exposure": str, "mid_mjd": float, "predicted_snr": float}


def read_truth(content: bytes) -> tuple[TruthRow, ...]:
    """Read a truth table; columns that are not ours are passed over, missing values are None.

    Raises BadConfiguration naming the column or the row that cannot be used.
    """
    try:
        table = ascii.read(content.decode().splitlines(), format="ecsv", guess=False)
    except ValueError as error:
        raise BadConfiguration("truth table is not ECSV", cause=str(error)) from error
    missing = [name for name in _NEEDED if name not in table.colnames]
    if missing:
        raise BadConfiguration("truth table lacks a column", column=missing[0], found=", ".join(table.colnames))
    return tuple(_row(number, row) for number, row in enumerate(table, start=1))


def write_truth(rows: Sequence[TruthRow], extra: Mapping[str, Sequence[object]] | None = None) -> bytes:
    """Return the table of ``rows``, with ``extra`` columns of equal length; equal rows give equal bytes."""
    table = Table(meta={"title": "AstrID truth: what is known to be there, exposure by exposure", "frame": "ICRS"})
    for name, unit in (("object_id", None), ("kind", None), ("ra_deg", "deg"), ("dec_deg", "deg")):
        table[name] = MaskedColumn([getattr(row, name) for row in rows], unit=unit, dtype=None if rows else object)
    for name, unit in (("exposure", None), ("mid_mjd", "d"), ("predicted_snr", None)):
        values = [getattr(row, name) for row in rows]
        blank = "" if _OPTIONAL[name] is str else np.nan
        table[name] = MaskedColumn(
            [blank if value is None else value for value in values],
            mask=[value is None for value in values],
            unit=unit,
            dtype=str if _OPTIONAL[name] is str else float,
        )
    for name, column in (extra or {}).items():
        table[name] = MaskedColumn(list(column))
    text = io.StringIO()
    table.write(text, format="ascii.ecsv")
    return text.getvalue().encode()


def _row(number: int, row: Mapping[str, object]) -> TruthRow:
    try:
        position = {name: float(str(row[name])) for name in ("ra_deg", "dec_deg")}
    except ValueError as error:
        raise BadConfiguration("truth table has no position in a row", row=number) from error
    if not (np.isfinite(position["ra_deg"]) and -90.0 <= position["dec_deg"] <= 90.0):
        raise BadConfiguration("truth table has an impossible position in a row", row=number, **position)
    return TruthRow(
        object_id=str(row["object_id"]),
        kind=str(row["kind"]),
        **position,
        **{name: _value(row, name, kind) for name, kind in _OPTIONAL.items()},  # type: ignore[arg-type]
    )


def _value(row: Mapping[str, object], name: str, kind: type) -> object:
    if name not in getattr(row, "colnames", ()) or row[name] is np.ma.masked or str(row[name]) == "":
        return None
    return kind(row[name])
