"""The columns of star catalogs as others name them, and how they become ours: ICRS degrees, mas, AB magnitudes."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import astropy.units as u
import numpy as np
from numpy.typing import NDArray

from astrid_core.preprocessing.catalog_stars import CatalogStars, FloatArray
from astrid_core.shared.errors import UnexpectedAnswer

Columns = Mapping[str, NDArray[np.generic]]


@dataclass(frozen=True, slots=True)
class Column:
    """A column and its unit where the table itself does not tell one."""

    name: str
    unit: str


@dataclass(frozen=True, slots=True)
class Band:
    """A magnitude (unit ``mag``) or flux; ``ab_offset`` is added to the magnitude to make it AB."""

    name: str
    err: str
    unit: str = "mag"
    ab_offset: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """How one kind of table names what a star has; position and bands are required, the rest may be missing."""

    name: str
    ra: Column
    dec: Column
    ra_err: Column
    dec_err: Column
    pm_ra: Column
    pm_dec: Column
    bands: Mapping[str, Band]
    epoch: Column | None = None
    """Julian years (``yr``), or MJD (``d``)."""

    @property
    def required(self) -> tuple[str, ...]:
        """Columns without which a table is not of this kind."""
        return (self.ra.name, self.dec.name, *(band.name for band in self.bands.values()))


_GAIA_AB = {"G": 0.1136, "BP": 0.0155, "RP": 0.3561}
"""AB minus Vega of Gaia DR3, from both zero points (Riello et al. 2021, A&A 649, A3, table 3 and section 7)."""

OURS = Dialect(
    name="shards of AstrID",
    ra=Column("ra_deg", "deg"),
    dec=Column("dec_deg", "deg"),
    ra_err=Column("ra_err_mas", "mas"),
    dec_err=Column("dec_err_mas", "mas"),
    pm_ra=Column("pm_ra_mas_yr", "mas/yr"),
    pm_dec=Column("pm_dec_mas_yr", "mas/yr"),
    bands={},
)
GAIA = Dialect(
    name="Gaia archive",
    ra=Column("ra", "deg"),
    dec=Column("dec", "deg"),
    ra_err=Column("ra_error", "mas"),
    dec_err=Column("dec_error", "mas"),
    pm_ra=Column("pmra", "mas/yr"),
    pm_dec=Column("pmdec", "mas/yr"),
    bands={
        band: Band(f"phot_{band.lower()}_mean_mag", f"phot_{band.lower()}_mean_mag_error", ab_offset=offset)
        for band, offset in _GAIA_AB.items()
    },
    epoch=Column("ref_epoch", "yr"),
)
VIZIER = Dialect(
    name="Gaia at VizieR",
    ra=Column("RA_ICRS", "deg"),
    dec=Column("DE_ICRS", "deg"),
    ra_err=Column("e_RA_ICRS", "mas"),
    dec_err=Column("e_DE_ICRS", "mas"),
    pm_ra=Column("pmRA", "mas/yr"),
    pm_dec=Column("pmDE", "mas/yr"),
    bands={band: Band(f"{band}mag", f"e_{band}mag", ab_offset=offset) for band, offset in _GAIA_AB.items()},
)
RUBIN = Dialect(
    name="Gaia as Rubin's reference catalogs have it",
    ra=Column("coord_ra", "rad"),
    dec=Column("coord_dec", "rad"),
    ra_err=Column("coord_raErr", "rad"),
    dec_err=Column("coord_decErr", "rad"),
    pm_ra=Column("pm_ra", "rad/yr"),
    pm_dec=Column("pm_dec", "rad/yr"),
    bands={
        band: Band(f"phot_{band.lower()}_mean_flux", f"phot_{band.lower()}_mean_fluxErr", unit="nJy")
        for band in _GAIA_AB
    },
    epoch=Column("epoch", "d"),
)
DIALECTS = (GAIA, VIZIER, RUBIN)


@dataclass(frozen=True, slots=True, kw_only=True)
class RawTable:
    """Columns of one length as a file or service gives them, with the units that it tells."""

    columns: Columns
    units: Mapping[str, str] = field(default_factory=dict)
    texts: Mapping[str, NDArray[np.object_]] = field(default_factory=dict)
    """Columns of words, and of whole numbers as they are written."""

    def values(self, column: Column) -> tuple[FloatArray, str]:
        """Return a column as floats, NaN where it is empty or missing, and its unit."""
        if column.name not in self.columns:
            length = len(next(iter(self.columns.values())))
            return np.full(length, np.nan), column.unit
        raw = self.columns[column.name]
        values = np.ma.filled(np.ma.asarray(raw).astype(float), np.nan)
        return np.asarray(values, dtype=float), self.units.get(column.name) or column.unit

    def angle(self, column: Column, unit: str) -> FloatArray:
        """Return an angle or motion in ``unit``."""
        values, own = self.values(column)
        return np.asarray(u.Quantity(values, _unit(own, column.name)).to_value(unit), dtype=float)


def find_dialect(table: RawTable, *, source: str) -> Dialect:
    """Return the kind of table this is; UnexpectedAnswer tells which columns are missing."""
    missing = {one.name: [name for name in one.required if name not in table.columns] for one in DIALECTS}
    for one in DIALECTS:
        if not missing[one.name]:
            return one
    nearest = min(DIALECTS, key=lambda one: len(missing[one.name]))
    raise UnexpectedAnswer(
        "table has not the columns of a star catalog that we know",
        source=source,
        nearest=nearest.name,
        missing=", ".join(missing[nearest.name]),
        has=", ".join(list(table.columns)[:30]),
    )


def to_stars(table: RawTable, dialect: Dialect, *, catalog: str, epoch_yr: float) -> CatalogStars:
    """Return the stars that have a position, brightest first; those without magnitude come last."""
    ra, dec = table.angle(dialect.ra, "deg"), table.angle(dialect.dec, "deg")
    magnitudes = {name: _magnitude(table, band) for name, band in dialect.bands.items()}
    stars = CatalogStars(
        catalog=catalog,
        epoch_yr=epoch_yr,
        ra_deg=ra % 360.0,
        dec_deg=dec,
        ra_err_mas=table.angle(dialect.ra_err, "mas"),
        dec_err_mas=table.angle(dialect.dec_err, "mas"),
        pm_ra_mas_yr=table.angle(dialect.pm_ra, "mas/yr"),
        pm_dec_mas_yr=table.angle(dialect.pm_dec, "mas/yr"),
        mags={name: pair[0] for name, pair in magnitudes.items()},
        mag_errs={name: pair[1] for name, pair in magnitudes.items()},
    )
    known = np.flatnonzero(np.isfinite(ra) & np.isfinite(dec) & (np.abs(dec) <= 90.0))
    return brightest(stars.take(known), len(known))


def brightest(stars: CatalogStars, max_stars: int) -> CatalogStars:
    """Return the brightest stars in the first band, in order."""
    return stars.take(np.argsort(next(iter(stars.mags.values())), kind="stable")[:max_stars])


def epoch_of(table: RawTable, dialect: Dialect) -> float | None:
    """Return the one Julian year that all positions are for, or None where the table does not tell; UnexpectedAnswer
    where there are several.
    """
    if dialect.epoch is None or dialect.epoch.name not in table.columns:
        return None
    values, unit = table.values(dialect.epoch)
    known = np.unique(values[np.isfinite(values)])
    if len(known) != 1:
        raise UnexpectedAnswer("stars of one catalog have several epochs", n_epochs=len(known))
    value = float(known[0])
    # MJD 51544.5 is J2000.0
    return value if _unit(unit, dialect.epoch.name) == u.yr else 2000.0 + (value - 51544.5) / 365.25


def _magnitude(table: RawTable, band: Band) -> tuple[FloatArray, FloatArray]:
    values, unit = table.values(Column(band.name, band.unit))
    err, _ = table.values(Column(band.err, band.unit))
    if band.unit == "mag":
        return values + band.ab_offset, err
    with np.errstate(divide="ignore", invalid="ignore"):
        flux_njy = u.Quantity(values, _unit(unit, band.name)).to_value("nJy")
        mag = np.where(flux_njy > 0.0, 31.4 - 2.5 * np.log10(np.where(flux_njy > 0.0, flux_njy, 1.0)), np.nan)
        return mag + band.ab_offset, 2.5 / np.log(10.0) * err / values


def _unit(text: str, column: str) -> u.UnitBase:
    try:
        return u.Unit(text)
    except ValueError as error:
        raise UnexpectedAnswer("unit of a column cannot be read", column=column, unit=text) from error
