"""What is known about a survey, as an ECSV table: written by the simulator, or by hand."""

import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import astropy.units as u
import numpy as np
from astropy.table import Column, MaskedColumn, Table

from astrid_core.catalog.truth import TruthRow
from astrid_core.shared.errors import BadConfiguration

_COLUMNS: Mapping[str, tuple[str, str, int | None, str]] = {
    "object_id": ("str", "", None, "Name of the object"),
    "kind": ("str", "", None, "transient, variable, moving, star, galaxy, cosmic_ray, trail, hot_pixel"),
    "ra_deg": ("float64", "deg", 7, "Right ascension at the time of the exposure, ICRS"),
    "dec_deg": ("float64", "deg", 7, "Declination at the time of the exposure, ICRS"),
    "exposure": ("str", "", None, "File, relative to the folder of the survey; none for all of them"),
    "mid_mjd": ("float64", "d", 6, "Middle of the exposure, MJD, UTC"),
    "predicted_snr": ("float64", "", 3, "Signed significance of the change in the difference, sigma"),
}
"""Type, unit, decimals and meaning."""
_NEEDED = ("object_id", "kind", "ra_deg", "dec_deg")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtraColumn:
    """A column for people, one value per row; None where there is none."""

    description: str
    values: Sequence[float | str | None]
    unit: str = ""
    decimals: int = 3


def write_truth(rows: Sequence[TruthRow], extra: Mapping[str, ExtraColumn] | None = None) -> bytes:
    """Return the table, in the order of ``rows``; equal rows give equal bytes."""
    table = Table(meta={"title": "AstrID truth: what is known about a survey", "frame": "ICRS", "time_scale": "UTC"})
    for name, (kind, unit, decimals, description) in _COLUMNS.items():
        table[name] = _column([getattr(row, name) for row in rows], kind, unit, decimals, description)
    for name, one in (extra or {}).items():
        kind = "str" if any(isinstance(value, str) for value in one.values) else "float64"
        table[name] = _column(one.values, kind, one.unit, one.decimals, one.description)
    text = io.StringIO()
    table.write(text, format="ascii.ecsv")
    return text.getvalue().encode()


def read_truth(content: bytes) -> tuple[TruthRow, ...]:
    """Return the rows of a truth table; columns it does not know are ignored.

    Only object_id, kind, ra_deg and dec_deg must be there. BadConfiguration names the column, and the row counted from
    1, that cannot be used.
    """
    try:
        table = Table.read(content.decode().splitlines(), format="ascii.ecsv")
    except (ValueError, TypeError, KeyError) as error:
        raise BadConfiguration("truth table is no ECSV", cause=" ".join(str(error).split())[:200]) from error
    missing = [name for name in _NEEDED if name not in table.colnames]
    if missing:
        raise BadConfiguration("truth table lacks a column", column=missing[0], columns=", ".join(table.colnames))
    values = {name: _values(table, name) for name in _COLUMNS}
    return tuple(_row({name: values[name][number] for name in _COLUMNS}, number + 1) for number in range(len(table)))


def _column(
    values: Sequence[object], kind: str, unit: str, decimals: int | None, description: str
) -> Column | MaskedColumn:
    blank: object = "" if kind == "str" else 0.0
    shown = [blank if value is None else _rounded(value, decimals) for value in values]
    # Strings need no mask: nothing is an empty cell, and numbers are masked where they are unknown.
    missing = [value is None for value in values]
    if kind == "str" or not any(missing):
        return Column(np.array(shown, dtype=kind), unit=unit or None, description=description)
    return MaskedColumn(shown, mask=missing, dtype=kind, unit=unit or None, description=description)


def _rounded(value: object, decimals: int | None) -> object:
    return round(float(value), decimals) if isinstance(value, float | int) and decimals is not None else value


def _values(table: Table, name: str) -> Sequence[object]:
    """Return a column as Python values, None where it is empty; all None where there is no such column."""
    if name not in table.colnames:
        return [None] * len(table)
    column = table[name]
    unit = _COLUMNS[name][1]
    if unit and column.unit is not None:
        try:
            column = MaskedColumn(column.filled(np.nan) if hasattr(column, "filled") else column)
            column.convert_unit_to(u.Unit(unit))
        except u.UnitConversionError as error:
            raise BadConfiguration(
                "truth table has a wrong unit", column=name, unit=column.unit, needed=unit
            ) from error
    masked = np.ma.getmaskarray(np.ma.asarray(column))
    return [None if hidden else value for value, hidden in zip(column.tolist(), masked.tolist(), strict=True)]


def _row(values: Mapping[str, object], number: int) -> TruthRow:
    for name in _NEEDED:
        if values[name] in (None, ""):
            raise BadConfiguration("truth table has an empty cell", column=name, row=number)
    ra_deg, dec_deg = _number(values, "ra_deg", number), _number(values, "dec_deg", number)
    if ra_deg is None or dec_deg is None or not -90.0 <= dec_deg <= 90.0:
        raise BadConfiguration("truth table has a place off the sky", row=number, ra_deg=ra_deg, dec_deg=dec_deg)
    return TruthRow(
        object_id=str(values["object_id"]),
        kind=str(values["kind"]),
        ra_deg=ra_deg % 360.0,
        dec_deg=dec_deg,
        exposure=str(values["exposure"]) if values["exposure"] not in (None, "") else None,
        mid_mjd=_number(values, "mid_mjd", number),
        predicted_snr=_number(values, "predicted_snr", number),
    )


def _number(values: Mapping[str, object], name: str, number: int) -> float | None:
    value = values[name]
    if value is None:
        return None
    if not isinstance(value, float | int) or isinstance(value, bool):
        raise BadConfiguration("truth table holds something else than a number", column=name, row=number, got=value)
    return float(value) if math.isfinite(value) else None
