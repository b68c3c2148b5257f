"""Every column that leaves with the catalog, declared once: each format, the cone search and the page read it here."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from astrid_core.catalog.exports.columns import Cell, Column, ColumnKind, TableSpec
from astrid_core.shared.sky import hpx29_of


def _code(name: str, ucd: str, text: str, *, of: str = "", ucd1: str = "", nullable: bool = False) -> Column:
    return Column(name=name, kind=ColumnKind.CODE, ucd=ucd, ucd1=ucd1, description=text, of=of, nullable=nullable)


def _text(name: str, ucd: str, text: str, *, of: str = "", nullable: bool = False) -> Column:
    return Column(name=name, kind=ColumnKind.TEXT, ucd=ucd, description=text, of=of, nullable=nullable)


def _integer(
    name: str, ucd: str, text: str, *, of: str = "", at_once: Callable[[Sequence[Any]], Sequence[Cell]] | None = None
) -> Column:
    return Column(name=name, kind=ColumnKind.INTEGER, ucd=ucd, description=text, of=of, at_once=at_once)


def _cells_of_sky(records: Sequence[Any]) -> Sequence[Cell]:
    return hpx29_of([record.entry.position for record in records])


def _inside(part: str, columns: Sequence[Column]) -> tuple[Column, ...]:
    """Return columns whose values are in a part of the record, unless they say where."""
    return tuple(one if one.at_once else replace(one, of=f"{part}.{one.of or one.name}") for one in columns)


def _real(  # noqa: PLR0913 - a declaration is a line of a table
    name: str, unit: str, shown: str, ucd: str, text: str, *, of: str = "", ucd1: str = "", nullable: bool = False
) -> Column:
    return Column(
        name=name, kind=ColumnKind.REAL, unit=unit, shown=shown, ucd=ucd, ucd1=ucd1, description=text, of=of,
        nullable=nullable,
    )  # fmt: skip


_OF_OBJECT = (
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
)  # fmt: skip

ENTRIES = TableSpec(
    name="catalog",
    title="AstrID catalog: objects that changed",
    key=("entry_id",),
    columns=(
        *_inside("entry", _OF_OBJECT),
        _code("object_class", "src.class", "What it is taken for; empty where nothing was looked up", nullable=True),
        _text("class_reason", "meta.note", "The rule that gave the class, in words", nullable=True),
    ),
)  # fmt: skip
"""Objects, ordered by ``hpx29``, then identity."""

POINTS = TableSpec(
    name="light_curves",
    title="AstrID catalog: light curves",
    key=("detection_id",),
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

_OF_BRIGHTNESS = (
    _text("observation_id", "meta.id;obs", "Exposure"),
    _code("difference_key", "meta.id", "Difference of exposure and reference that it was measured in"),
    _code("reference_digest", "meta.ref", "SHA-256 of the reference that the flux is relative to"),
    _text("band", "instr.bandpass", "Band of the exposure"),
    _real("mid_mjd", "d", ".6f", "time.epoch", "Middle of the exposure, MJD, UTC"),
    _real("flux", "ct", ".6g", "phot.count", "Difference flux; empty where it was not measured", nullable=True),
    _real("flux_err", "ct", ".6g", "stat.error;phot.count", "Its standard error", nullable=True),
    _real("zero_point_mag", "mag", ".4f", "phot.mag;arith.zp", "AB magnitude of one count", nullable=True),
    _real("flux_njy", "nJy", ".6g", "phot.flux.density", "Difference flux", nullable=True),
    _real("flux_err_njy", "nJy", ".6g", "stat.error;phot.flux.density", "Its standard error", nullable=True),
    _real("mag_ab", "mag", ".4f", "phot.mag", "AB magnitude of the absolute flux where it stands out",
          nullable=True),
    _real("mag_err", "mag", ".4f", "stat.error;phot.mag", "Standard error of the magnitude", nullable=True),
    _real("limit_mag_ab", "mag", ".4f", "phot.mag;stat.min", "Where it does not: the object was fainter than this",
          nullable=True),
    _real("reference_flux_njy", "nJy", ".6g", "phot.flux.density", "Of the object in the reference",
          nullable=True),
    _real("reference_flux_err_njy", "nJy", ".6g", "stat.error;phot.flux.density", "Its standard error",
          nullable=True),
    _real("total_flux_njy", "nJy", ".6g", "phot.flux.density", "Difference and reference", nullable=True),
    _real("total_flux_err_njy", "nJy", ".6g", "stat.error;phot.flux.density",
          "Its standard error, rather too large than too small", nullable=True),
    _real("total_mag_ab", "mag", ".4f", "phot.mag", "AB magnitude of difference and reference", nullable=True),
    _real("total_mag_err", "mag", ".4f", "stat.error;phot.mag", "Standard error of it", nullable=True),
    _real("masked_fraction", "", ".4f", "stat.filling", "Part of the PSF on masked pixels, by its square"),
    _code("unmeasured", "meta.code.qual", "Why there is no flux: edge, masked or no_error", nullable=True),
    _integer("flags", "meta.code", "Mask bits of the pixel where there is none"),
)  # fmt: skip

FORCED = TableSpec(
    name="forced_photometry",
    title="AstrID catalog: brightness in every exposure that covers an object",
    key=("entry_id", "observation_id"),
    columns=(
        _code("entry_id", "meta.id", "Identity of the object"),
        _real("ra_deg", "deg", "", "pos.eq.ra;meta.main", "Right ascension where it was measured, ICRS",
              of="position.ra_deg"),
        _real("dec_deg", "deg", "", "pos.eq.dec;meta.main", "Declination where it was measured, ICRS",
              of="position.dec_deg"),
        *_inside("brightness", _OF_BRIGHTNESS),
    ),
)  # fmt: skip
"""One measurement an exposure and object, found there or not: in the order of the objects, then by time."""

TABLES = (ENTRIES, POINTS, FORCED)
