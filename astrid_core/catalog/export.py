"""The catalog as tables: the same objects always give the same bytes."""

import io
from collections.abc import Iterable, Mapping, Sequence

import astropy.units as u
from astropy.table import MaskedColumn, Table

from astrid_core.catalog.config import ExportConfig
from astrid_core.catalog.entities import CatalogEntry, LightCurvePoint

_Column = tuple[str, str, str, str, str, str]
"""Name, type, unit, format, UCD (IVOA UCD1+), description."""

_ENTRY_COLUMNS: tuple[_Column, ...] = (
    ("entry_id", "str", "", "", "meta.id;meta.main", "Identity of the object"),
    ("ra_deg", "float64", "deg", ".7f", "pos.eq.ra;meta.main", "Right ascension, ICRS, weighted mean of detections"),
    ("dec_deg", "float64", "deg", ".7f", "pos.eq.dec;meta.main", "Declination, ICRS, weighted mean of detections"),
    ("status", "str", "", "", "meta.code.status", "candidate, confirmed or rejected by curators"),
    ("n_detections", "int64", "", "d", "meta.number", "Detections in the light curve"),
    ("first_mjd", "float64", "d", ".6f", "time.start", "First detection, MJD, UTC, middle of the exposure"),
    ("last_mjd", "float64", "d", ".6f", "time.end", "Last detection, MJD, UTC, middle of the exposure"),
    ("best_score", "float64", "", ".4f", "stat.probability", "Highest probability of being new in the sky"),
    ("peak_significance", "float64", "", ".2f", "stat.snr", "Signed S_corr of the strongest detection, sigma"),
)
_POINT_COLUMNS: tuple[_Column, ...] = (
    ("entry_id", "str", "", "", "meta.id", "Identity of the object"),
    ("detection_id", "str", "", "", "meta.id;meta.main", "Identity of the detection"),
    ("observation_id", "str", "", "", "meta.id;obs", "Exposure"),
    ("reference_digest", "str", "", "", "meta.ref", "SHA-256 of the reference that the flux is relative to"),
    ("ra_deg", "float64", "deg", ".7f", "pos.eq.ra;meta.main", "Right ascension of this detection, ICRS"),
    ("dec_deg", "float64", "deg", ".7f", "pos.eq.dec;meta.main", "Declination of this detection, ICRS"),
    ("band", "str", "", "", "instr.bandpass", "Band of the exposure"),
    ("mid_mjd", "float64", "d", ".6f", "time.epoch", "Middle of the exposure, MJD, UTC"),
    ("flux", "float64", "ct", ".6g", "phot.count", "Difference flux, negative where the source faded"),
    ("flux_err", "float64", "ct", ".6g", "stat.error;phot.count", "Standard error of the difference flux"),
    ("mag_ab", "float64", "mag", ".4f", "phot.mag", "AB magnitude of the absolute difference flux"),
    ("mag_err", "float64", "mag", ".4f", "stat.error;phot.mag", "Standard error of the magnitude"),
    ("significance", "float64", "", ".2f", "stat.snr", "Signed S_corr, sigma"),
    ("score", "float64", "", ".4f", "stat.probability", "Probability of being new in the sky"),
)


def select(entries: Iterable[CatalogEntry], config: ExportConfig) -> tuple[CatalogEntry, ...]:
    """Return the objects that belong into an extract, ordered by hpx29, then id."""
    chosen = (
        entry
        for entry in entries
        if entry.status.value in config.statuses and entry.n_detections >= config.min_detections
    )
    return tuple(sorted(chosen, key=lambda entry: (entry.position.hpx29, str(entry.id))))


def entry_table(entries: Sequence[CatalogEntry]) -> Table:
    """Return one row per object, in the order given."""
    rows = [
        {
            "entry_id": str(entry.id),
            "ra_deg": entry.position.ra_deg,
            "dec_deg": entry.position.dec_deg,
            "status": entry.status.value,
            "n_detections": entry.n_detections,
            "first_mjd": entry.first_mjd,
            "last_mjd": entry.last_mjd,
            "best_score": entry.best_score,
            "peak_significance": entry.peak_significance,
        }
        for entry in entries
    ]
    return _table("AstrID catalog: objects that changed", _ENTRY_COLUMNS, rows)


def light_curve_table(entries: Sequence[CatalogEntry], points: Iterable[LightCurvePoint]) -> Table:
    """Return one row per brightness of these objects: in their order, then by time and detection."""
    rank = {entry.id: number for number, entry in enumerate(entries)}
    ordered = sorted(
        (point for point in points if point.entry_id in rank),
        key=lambda point: (rank[point.entry_id], point.mid_mjd, point.detection_id),
    )
    rows = [
        {
            "entry_id": str(point.entry_id),
            "ra_deg": point.position.ra_deg,
            "dec_deg": point.position.dec_deg,
        }
        | {name: getattr(point, name) for name, *_ in _POINT_COLUMNS if name not in {"entry_id", "ra_deg", "dec_deg"}}
        for point in ordered
    ]
    return _table("AstrID catalog: light curves", _POINT_COLUMNS, rows)


def table_bytes(table: Table) -> Mapping[str, bytes]:
    """Return the table as it is written to files, by extension: ``ecsv`` (units and meaning inside) and ``csv``."""
    files = {}
    for extension, writer in (("ecsv", "ascii.ecsv"), ("csv", "ascii.csv")):
        buffer = io.StringIO()
        table.write(buffer, format=writer)
        files[extension] = buffer.getvalue().encode()
    return files


def export_bytes(entries: Sequence[CatalogEntry], points: Iterable[LightCurvePoint]) -> Mapping[str, bytes]:
    """Return the files of an extract by name: no clock, no machine and no order of arrival shows in them."""
    tables = {"catalog": entry_table(entries), "light_curves": light_curve_table(entries, points)}
    return {
        f"{name}.{extension}": content
        for name, table in tables.items()
        for extension, content in sorted(table_bytes(table).items())
    }


def _table(title: str, columns: Sequence[_Column], rows: Sequence[Mapping[str, object]]) -> Table:
    table = Table(meta={"title": title, "frame": "ICRS", "time_scale": "UTC"})
    for name, kind, unit, fmt, ucd, description in columns:
        values = [row[name] for row in rows]
        missing = [value is None for value in values]
        blank: object = {"str": "", "int64": 0, "float64": 0.0}[kind]
        table[name] = MaskedColumn(
            # Rounded here, because ECSV ignores formats: both kinds of file carry the same numbers.
            [blank if value is None else _rounded(value, fmt) for value in values],
            mask=missing,
            dtype=kind,
            unit=u.Unit(unit) if unit else None,
            format=fmt or None,
            description=description,
            meta={"ucd": ucd},
        )
    return table


def _rounded(value: object, fmt: str) -> object:
    return float(format(value, fmt)) if isinstance(value, float) else value
