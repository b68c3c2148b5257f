"""Every column that leaves with the catalog, declared once: each format, the cone search and the page read it here."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from operator import attrgetter
from typing import Any

import numpy as np

from astrid_core.shared.sky import hpx29_of

Cell = str | int | float | bool | None
"""One value of a table."""


class ColumnKind(StrEnum):
    """What the values of a column are."""

    CODE = "code"
    """ASCII text of our own making: identities, words of a fixed list."""
    TEXT = "text"
    """Text that somebody else chose."""
    INTEGER = "integer"
    """64 bits."""
    REAL = "real"
    """64 bits."""
    FLAG = "flag"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of one table."""

    name: str
    kind: ColumnKind
    unit: str = ""
    """As VOUnits and FITS both write it."""
    ucd: str
    """UCD1+ of the IVOA."""
    ucd1: str = ""
    """The UCD1 that Simple Cone Search asks for; only where it does."""
    description: str
    nullable: bool = False
    shown: str = ""
    """How numbers are rounded, in every format alike; empty: not at all."""
    of: str = ""
    """Where the value is in the entity, with dots; empty: under the name of the column."""
    at_once: Callable[[Sequence[Any]], Sequence[Cell]] | None = None
    """Returns the values of many entities, where to ask one after the other takes long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableSpec:
    """One table of an extract."""

    name: str
    title: str
    columns: tuple[Column, ...]
    key: str
    """The column that tells its rows apart."""

    def column(self, name: str) -> Column:
        """Return a column by its name."""
        return next(one for one in self.columns if one.name == name)


def _code(name: str, ucd: str, text: str, *, of: str = "", ucd1: str = "") -> Column:
    return Column(name=name, kind=ColumnKind.CODE, ucd=ucd, ucd1=ucd1, description=text, of=of)


def _text(name: str, ucd: str, text: str) -> Column:
    return Column(name=name, kind=ColumnKind.TEXT, ucd=ucd, description=text)


def _integer(
    name: str, ucd: str, text: str, *, at_once: Callable[[Sequence[Any]], Sequence[Cell]] | None = None
) -> Column:
    return Column(name=name, kind=ColumnKind.INTEGER, ucd=ucd, description=text, at_once=at_once)


def _cells_of_sky(records: Sequence[Any]) -> Sequence[Cell]:
    return hpx29_of([record.position for record in records])


def _real(  # noqa: PLR0913 - a declaration is a line of a table
    name: str, unit: str, shown: str, ucd: str, text: str, *, of: str = "", ucd1: str = "", nullable: bool = False
) -> Column:
    return Column(
        name=name, kind=ColumnKind.REAL, unit=unit, shown=shown, ucd=ucd, ucd1=ucd1, description=text, of=of,
        nullable=nullable,
    )  # fmt: skip


ENTRIES = TableSpec(
    name="catalog",
    title="AstrID catalog: objects that changed",
    key="entry_id",
    columns=(
        _code("entry_id", "meta.id;meta.main", "Identity of the object", of="id", ucd1="ID_MAIN"),
        # Not rounded: hpx29 is the cell of exactly this place.
        _real("ra_deg", "deg", "", "pos.eq.ra;meta.main",
              "Right ascension, ICRS: mean of detections, or the first if it moves",
              of="position.ra_deg", ucd1="POS_EQ_RA_MAIN"),
        _real("dec_deg", "deg", "", "pos.eq.dec;meta.main",
              "Declination, ICRS: mean of detections, or the first if it moves",
              of="position.dec_deg", ucd1="POS_EQ_DEC_MAIN"),
        _real("position_err_arcsec", "arcsec", ".3f", "stat.error;pos.eq",
              "Standard deviation of the position per axis", nullable=True),
        _real("motion_rate_arcsec_h", "arcsec/h", ".2f", "pos.pm", "How fast it moves; empty at rest", nullable=True),
        _real("motion_angle_deg", "deg", ".1f", "pos.posAng", "Where it moves to, from north through east",
              nullable=True),
        _code("status", "meta.code.status", "What curators think of it: candidate, confirmed or rejected"),
        _integer("n_detections", "meta.number", "Detections in the light curve"),
        _real("first_mjd", "d", ".6f", "time.start", "First detection, MJD, UTC, middle of the exposure"),
        _real("last_mjd", "d", ".6f", "time.end", "Last detection, MJD, UTC, middle of the exposure"),
        _real("best_score", "", ".4f", "stat.probability", "Highest probability of being new in the sky"),
        _real("peak_significance", "", ".2f", "stat.snr", "Signed S_corr of the strongest detection, sigma"),
        _integer("hpx29", "pos.healpix", "HEALPix cell of the position, order 29, NESTED", at_once=_cells_of_sky),
    ),
)  # fmt: skip
"""Objects, ordered by ``hpx29``, then identity."""

POINTS = TableSpec(
    name="light_curves",
    title="AstrID catalog: light curves",
    key="detection_id",
    columns=(
        _code("entry_id", "meta.id", "Identity of the object"),
        _code("detection_id", "meta.id;meta.main", "Identity of the detection"),
        _text("observation_id", "meta.id;obs", "Exposure"),
        _code("reference_digest", "meta.ref", "SHA-256 of the reference that the flux is relative to"),
        _real("ra_deg", "deg", "", "pos.eq.ra;meta.main", "Right ascension of this detection, ICRS",
              of="position.ra_deg"),
        _real("dec_deg", "deg", "", "pos.eq.dec;meta.main", "Declination of this detection, ICRS",
              of="position.dec_deg"),
        _real("position_err_arcsec", "arcsec", ".3f", "stat.error;pos.eq",
              "Standard deviation of the position per axis", nullable=True),
        _text("band", "instr.bandpass", "Band of the exposure"),
        _real("mid_mjd", "d", ".6f", "time.epoch", "Middle of the exposure, MJD, UTC"),
        _real("flux", "ct", ".6g", "phot.count", "Difference flux, negative where the source faded"),
        _real("flux_err", "ct", ".6g", "stat.error;phot.count", "Standard error of the difference flux"),
        _real("zero_point_mag", "mag", ".4f", "phot.mag;arith.zp", "AB magnitude of one count", nullable=True),
        _real("flux_njy", "nJy", ".6g", "phot.flux.density", "Difference flux", nullable=True),
        _real("flux_err_njy", "nJy", ".6g", "stat.error;phot.flux.density", "Its standard error", nullable=True),
        _real("mag_ab", "mag", ".4f", "phot.mag", "AB magnitude of the absolute difference flux", nullable=True),
        _real("mag_err", "mag", ".4f", "stat.error;phot.mag", "Standard error of the magnitude", nullable=True),
        _real("significance", "", ".2f", "stat.snr", "Signed S_corr, sigma"),
        _real("score", "", ".4f", "stat.probability", "Probability of being new in the sky"),
    ),
)  # fmt: skip
"""Brightnesses, in the order of the objects, then by time and detection."""

TABLES = (ENTRIES, POINTS)


def cells(column: Column, records: Sequence[object]) -> list[Cell]:
    """Return the values of a column, one per entity; ValueError for a null where none may be."""
    if column.at_once is not None:
        return list(column.at_once(records))
    values = _PLAIN[column.kind](column, list(map(attrgetter(column.of or column.name), records)))
    if not column.nullable and None in values:
        message = f"{column.name} is never null, but row {values.index(None)} has no value"
        raise ValueError(message)
    return values


def texts(column: Column, values: Sequence[Cell]) -> list[str]:
    """Return the values of a column as text; empty for null."""
    if column.kind is ColumnKind.REAL and column.shown:
        shown = f"%{column.shown}"
        return ["" if value is None else shown % value for value in values]
    return ["" if value is None else str(value) for value in values]


def _reals(column: Column, values: Sequence[Any]) -> list[Cell]:
    # All of them at once: an extract holds a hundred million.
    numbers = np.array(values, dtype=float)
    if column.shown:
        shown = f"%{column.shown}"
        # Adding nothing turns minus zero into zero.
        numbers = np.array([float(shown % one) for one in numbers.tolist()], dtype=float) + 0.0
    told: list[Cell] = numbers.tolist()
    for place in np.flatnonzero(~np.isfinite(numbers)):
        told[place] = None
    return told


def _each(make: Callable[[Any], Cell]) -> Callable[[Column, Sequence[Any]], list[Cell]]:
    return lambda _, values: [None if one is None else make(one) for one in values]


_PLAIN: Mapping[ColumnKind, Callable[[Column, Sequence[Any]], list[Cell]]] = {
    ColumnKind.CODE: _each(str),
    ColumnKind.TEXT: _each(str),
    ColumnKind.INTEGER: _each(int),
    ColumnKind.REAL: _reals,
    ColumnKind.FLAG: _each(bool),
}
