"""Tables of galaxies, variables, active nuclei and transients, whose columns everybody names differently.

A column is found by one of the names that are common for it, whatever the case of its letters; a name may also be
given. Without an identifier an object is named by its place.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from astrid_core.adapters.catalogs.columns import Column, RawTable
from astrid_core.adapters.catalogs.tables import read_table
from astrid_core.catalog.known_sources import FloatArray, KnownSources, SourceKind
from astrid_core.shared.errors import BadConfiguration, UnexpectedAnswer


@dataclass(frozen=True, slots=True)
class _Meaning:
    """The unit that a column becomes, the one it has where the table tells none, and its usual names, best first."""

    unit: str
    usual: str
    names: tuple[str, ...]


_NUMBERS = {
    "ra": _Meaning("deg", "deg", ("ra", "ra_deg", "radeg", "raj2000", "_raj2000", "ra_icrs", "ramean", "coord_ra")),
    "dec": _Meaning(
        "deg", "deg", ("dec", "dec_deg", "decdeg", "dej2000", "_dej2000", "de_icrs", "decmean", "coord_dec")
    ),
    "err": _Meaning("arcsec", "arcsec", ("err_arcsec", "pos_err", "poserr", "e_pos", "errhalfmaj")),
    "pm_ra": _Meaning("mas/yr", "mas/yr", ("pmra", "pm_ra", "pm_ra_mas_yr")),
    "pm_dec": _Meaning("mas/yr", "mas/yr", ("pmdec", "pmde", "pm_dec", "pm_dec_mas_yr")),
    "mag": _Meaning("", "", ("mag", "rmag", "r_mag", "gmag", "g_mag", "vmag", "bmag", "phot_g_mean_mag", "maxmag")),
    "redshift": _Meaning("", "", ("redshift", "zspec", "z_spec", "zbest", "z_phot", "zcmb", "rvz_redshift", "z")),
    "size": _Meaning("arcsec", "arcsec", ("size_arcsec", "r50", "petror50_r", "shape_r", "reff", "r_eff", "radius")),
}
_TEXTS = {
    "id": ("id", "source_id", "sourceid", "objid", "obj_id", "objname", "name", "main_id", "oid", "designation"),
    "type": ("type", "class", "otype", "obj_type", "objtype", "var_type", "vartype", "spectype"),
}
MEANINGS = (*_NUMBERS, *_TEXTS)
"""What ``--column MEANING=NAME`` may name."""


def read_source_table(
    path: Path, kind: SourceKind, *, catalog: str, epoch_yr: float = 2000.0, names: Mapping[str, str] | None = None
) -> KnownSources:
    """Return the objects of a file (FITS, VOTable, ECSV, CSV or Parquet) at their epoch (Julian year).

    ``names`` gives column names by ``MEANINGS``. UnexpectedAnswer for a file without positions; BadConfiguration for
    names that are not there.
    """
    return to_sources(read_table(path), source=str(path), catalog=catalog, kind=kind, epoch_yr=epoch_yr, names=names)


def to_sources(
    table: RawTable,
    *,
    source: str,
    catalog: str,
    kind: SourceKind,
    epoch_yr: float,
    names: Mapping[str, str] | None = None,
) -> KnownSources:
    """Return the rows that have a position, in their order."""
    names = dict(names or {})
    if unknown := sorted(set(names) - set(MEANINGS)):
        raise BadConfiguration("no such meaning of a column", meaning=unknown[0], known=", ".join(MEANINGS))
    values = {what: _number(table, meaning, names.get(what), source) for what, meaning in _NUMBERS.items()}
    if missing := [what for what in ("ra", "dec") if values[what] is None]:
        raise UnexpectedAnswer(
            "table has no column of positions that we know: name it", source=source, missing=", ".join(missing),
            has=", ".join([*table.columns, *table.texts][:30]),
        )  # fmt: skip
    length = len(next(iter(table.columns.values())))
    known = {what: np.full(length, np.nan) if one is None else one for what, one in values.items()}
    ids = _text(table, _TEXTS["id"], names.get("id"), source)
    types = _text(table, _TEXTS["type"], names.get("type"), source)
    placed = (f"{ra:.6f}{dec:+.6f}" for ra, dec in zip(known["ra"], known["dec"], strict=True))
    sources = KnownSources(
        catalog=catalog, kind=kind, epoch_yr=epoch_yr,
        ids=np.array(list(placed), dtype=object) if ids is None else ids,
        types=np.full(length, "", dtype=object) if types is None else types,
        ra_deg=known["ra"] % 360.0, dec_deg=known["dec"], err_arcsec=known["err"], pm_ra_mas_yr=known["pm_ra"],
        pm_dec_mas_yr=known["pm_dec"], mag=known["mag"], redshift=known["redshift"], size_arcsec=known["size"],
    )  # fmt: skip
    return sources.take(np.isfinite(sources.ra_deg) & (np.abs(sources.dec_deg) <= 90.0))


def _number(table: RawTable, meaning: _Meaning, given: str | None, source: str) -> FloatArray | None:
    name = _column(table.columns, meaning.names, given, source)
    if name is None:
        return None
    column = Column(name, meaning.usual)
    return table.angle(column, meaning.unit) if meaning.unit else table.values(column)[0]


def _text(table: RawTable, usual: tuple[str, ...], given: str | None, source: str) -> NDArray[np.object_] | None:
    name = _column(table.texts, usual, given, source)
    return None if name is None else table.texts[name]


def _column(columns: Mapping[str, object], usual: tuple[str, ...], given: str | None, source: str) -> str | None:
    if given is not None:
        if given not in columns:
            raise BadConfiguration("no such column, or of another kind", source=source, column=given)
        return given
    lower = {name.lower(): name for name in columns}
    if "i" in lower:
        # Beside an i, z is a band and no redshift.
        lower.pop("z", None)
    return next((lower[name] for name in usual if name in lower), None)
