"""What ingest makes of real files, beside their cards and a full WCS: ``python -m benchmarks.ingested_files``.

Writes docs/ingested_files.md. ASTRID_REAL_DATA names the folder with the sets (by default ../shared/data).
"""

import io
import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.time import Time
from astropy.utils.exceptions import AstropyWarning
from astropy.wcs import WCS

from astrid_core.adapters.surveys.directory import DirectoryClient
from astrid_core.observations.config import IngestConfig
from astrid_core.observations.entities import Observation, Rejection, Survey, WcsOrigin
from astrid_core.observations.headers import read_facts

PAGE = Path(__file__).resolve().parents[1] / "docs" / "ingested_files.md"
DATA = Path(os.environ.get("ASTRID_REAL_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
SETS = (
    "ingest-images",
    "pair-sn2007i",
    "pair-nircam",
    "series-hatp32",
    "wcs-panoptes",
    "registration-goto",
    "lsst-alerts",
    "astrometry-hsc",
)
_DAY_S = 86400.0
_TDB_S = 69.184
"""TDB minus UTC from 2017 on, to a millisecond or two."""

Header: TypeAlias = fits.Header


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What the cards of a file mean, read by eye; the numbers are taken from the cards when the page is made."""

    band: str
    exposure_s: Callable[[Header], float]
    mid_mjd: Callable[[Header], float]
    why: str


def _iso(text: str) -> float:
    return float(Time(text, format="isot", scale="utc").mjd)


def _half(header: Header, name: str = "EXPTIME") -> float:
    return float(header[name]) / 2.0 / _DAY_S


def _exptime(header: Header) -> float:
    return float(header["EXPTIME"])


def _zoned(header: Header) -> float:
    """Read DATE-OBS of MicroObservatory, local time at -07:00, as the UT-OBS beside it says."""
    return _iso(header["UT-OBS"].removesuffix("-0000")) + _half(header)


_NIRCAM = Claim(
    band="F200W",
    exposure_s=_exptime,
    mid_mjd=lambda h: (h["TDB-BEG"] + h["TDB-END"]) / 2.0 - _TDB_S / _DAY_S,
    why="a mosaic of many exposures: the middle of TDB-BEG and TDB-END, in UTC; DATE-BEG to MJD-END (2022-11-11) were "
    "copied from another image, and MJD-OBS is a mean",
)
_HATP = Claim(
    band="clear",
    exposure_s=_exptime,
    mid_mjd=_zoned,
    why="UT-OBS, which DATE-OBS with its -0700 repeats, and half of EXPTIME; MJD-OBS is rounded to 86 s",
)
CLAIMS = {
    "ingest-images/272_mpc_1.1_00001.fits": Claim(
        band="unknown",
        exposure_s=_exptime,
        mid_mjd=lambda h: _iso(h["DATE-OBS"]) + _half(h),
        why="DATE-OBS and half of EXPTIME; DATE-AVG and the GPS cards repeat the beginning; no card names a filter",
    ),
    "ingest-images/cutout-1616687p.fits": Claim(
        band="r",
        exposure_s=lambda h: float(h["EXPMEAS"]),
        mid_mjd=lambda h: h["MJD-OBS"] + _half(h, "EXPMEAS"),
        why="MJD-OBS and half of the measured shutter time; MJDEND is 47.6 s after the shutter closed: the readout",
    ),
    "ingest-images/cutout_for_fwhm_test.fits": Claim(
        band="r",
        exposure_s=_exptime,
        mid_mjd=lambda h: h["MJD-OBS"] + _half(h),
        why="MJD-OBS, which DATE-OBS repeats, and half of EXPTIME",
    ),
    "ingest-images/hst_wfc3_flt_pluto1.fits": Claim(
        band="F606W",
        exposure_s=_exptime,
        mid_mjd=lambda h: (h["EXPSTART"] + h["EXPEND"]) / 2.0,
        why="EXPSTART and EXPEND of the primary header; pixels are in extension 1",
    ),
    "ingest-images/mast_dss_horsehead.fits": Claim(
        band="OG590",
        exposure_s=lambda h: float(h["EXPOSURE"]) * 60.0,
        mid_mjd=lambda h: _iso(h["DATE-OBS"]) + _half(h, "EXPOSURE") * 60.0,
        why="the comment of EXPOSURE says minutes: 65 min. The place is by the polynomials of the plate, which a test "
        "computes anew",
    ),
    "ingest-images/ukidss_wsa_K.fits": Claim(
        band="K",
        exposure_s=lambda h: float(h["EXP_TIME"]),
        mid_mjd=lambda h: _iso(h["DATE-OBS"]) + _half(h, "EXP_TIME"),
        why="DATE-OBS and half of EXP_TIME (NEXP is 1); MJD-OBS is rounded to 0.9 s; magnitudes are in Vega: "
        "no zero point. A test computes the zenithal polynomial anew",
    ),
    "pair-sn2007i/fors2_B_20070618_sci.fits": Claim(
        band="B",
        exposure_s=_exptime,
        mid_mjd=lambda h: h["MJD-OBS"] + _half(h),
        why="MJD-OBS and half of EXPTIME; B_BESS stands in ESO INS FILT1 NAME. The WCS is as the header says, which is "
        "1.4 arcsec off the sky: astrometry, not ingest, mends that",
    ),
    "pair-sn2007i/ps1_g_stack_ref.fits": Claim(
        band="g",
        exposure_s=_exptime,
        mid_mjd=lambda h: h["MJD-OBS"] + _half(h),
        why="FPA.FILTERID; a stack of 16 exposures of 2010 to 2013, MJD-OBS is their mean: a single time means little",
    ),
    "pair-nircam/jw01324001001-01324-o001_t001_nircam_clear-f200w_i2d_stamp.fits": _NIRCAM,
    "pair-nircam/jw02561001002-02561-o001_t003_nircam_clear-f200w_i2d_stamp.fits": _NIRCAM,
    "wcs-panoptes/solved.fits.fz": Claim(
        band="RGGB",
        exposure_s=_exptime,
        mid_mjd=lambda h: _iso(h["DATE-OBS"]) + _half(h),
        why="DATE-OBS and half of EXPTIME; a colour mosaic, compressed into extension 1",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """An observation and how far it is from what its cards say."""

    file: str
    observation: Observation
    level: str
    band: str
    """As the cards say."""
    exposure_off_s: float
    middle_off_s: float
    place_off_arcsec: float | None
    """Larger distance of centre and radius from those of the full WCS; None where only the pointing is known."""
    why: str


def look(folder: str, *, data: Path = DATA) -> tuple[list[Row], dict[str, str]]:
    """Return every observation of a set beside its cards, and the reasons by file for what is refused."""
    found = list(DirectoryClient(Survey(name="real"), data / folder, IngestConfig()).discover())
    rows = [_row(folder, one, data) for one in found if isinstance(one, Observation)]
    return rows, {one.archive_id: one.reason for one in found if isinstance(one, Rejection)}


def _row(folder: str, found: Observation, data: Path) -> Row:
    path = data / folder / found.archive_id
    claim = CLAIMS.get(f"{folder}/{found.archive_id}", _HATP)
    content = path.read_bytes()
    (facts,) = read_facts(content, name=path.name)
    with warnings.catch_warnings(action="ignore", category=AstropyWarning), fits.open(io.BytesIO(content)) as hdus:
        cards = hdus[0].header.copy()
        cards.update(
            {card.keyword: card.value for card in hdus[found.extension].header.cards if card.keyword[:2] != "TT"}
        )
        place_off = None if found.wcs_origin is WcsOrigin.POINTING else _place_off(hdus, found)
    return Row(
        file=f"{folder}/{found.archive_id}",
        observation=found,
        level=facts.level.value,
        band=claim.band,
        exposure_off_s=found.exposure_s - claim.exposure_s(cards),
        middle_off_s=(found.mid_mjd - claim.mid_mjd(cards)) * _DAY_S,
        place_off_arcsec=place_off,
        why=claim.why,
    )


def _place_off(hdus: fits.HDUList, found: Observation) -> float:
    """Compare centre and radius with those of astropy's WCS of the extension, with every distortion that it has."""
    header = hdus[found.extension].header
    wcs = WCS(header, fobj=hdus)
    ny, nx = hdus[found.extension].shape
    x = np.array([(nx - 1) / 2, -0.5, nx - 0.5, -0.5, nx - 0.5])
    y = np.array([(ny - 1) / 2, -0.5, -0.5, ny - 0.5, ny - 0.5])
    sky = SkyCoord(wcs.pixel_to_world(x, y)).icrs
    centre = SkyCoord(found.position.ra_deg * u.deg, found.position.dec_deg * u.deg)
    radius = sky[0].separation(sky[1:]).max().arcsec
    return float(max(centre.separation(sky[0]).arcsec, abs(radius - found.radius_deg * 3600.0)))


def write(*, data: Path = DATA) -> str:
    """Return the page."""
    looks = {folder: look(folder, data=data) for folder in SETS}
    rows = [row for found, _ in looks.values() for row in found]
    whys: dict[str, str] = {}
    for row in rows:
        whys.setdefault(row.why, row.file)
    refused = [line for folder, (_, reasons) in looks.items() for line in _refused(folder, reasons)]
    shown = [_line(row) for row in rows]
    return "\n".join(
        [_HEAD, *shown, _WHY, *(f"| {file} | {why} |" for why, file in whys.items()), _REFUSED, *refused, ""]
    )


def _line(row: Row) -> str:
    one = row.observation
    middle = Time(one.mid_mjd, format="mjd", scale="utc").isot[:-1]
    centre = f"{one.position.ra_deg:.5f} {one.position.dec_deg:+.5f}"
    place = "pointing only" if row.place_off_arcsec is None else f"{row.place_off_arcsec:.4f}"
    cells = (
        row.file, one.instrument or "-", row.level, one.band, f"{one.exposure_s:.3f}", f"{row.exposure_off_s:.3f}",
        middle, f"{abs(row.middle_off_s):.3f}", centre, f"{one.radius_deg * 60:.3f}", f"{one.pixel_scale_arcsec:.4f}",
        place,
    )  # fmt: skip
    return f"| {' | '.join(cells)} |"


def _refused(folder: str, reasons: dict[str, str]) -> list[str]:
    """Return a line per file, or one for many files that are refused for one reason."""
    groups: dict[str, list[str]] = {}
    for name, reason in reasons.items():
        groups.setdefault(reason.split(" (file=")[0], []).append(name)
    lines = []
    for reason, names in groups.items():
        shown = names[0] if len(names) == 1 else f"{len(names)} files: {names[0]} ..."
        lines.append(f"| {folder}/{shown} | {reason} |")
    return lines


_COLUMNS = (
    "file", "instrument", "level", "band", "exposure, s", "off, s", "middle, UTC", "off, s", "centre, ICRS deg",
    "radius, arcmin", "pixel, arcsec", "place off, arcsec",
)  # fmt: skip
_HEAD = f"""# What ingest makes of real files

Written by `python -m benchmarks.ingested_files`. Every value stands beside what the file's own cards say, read by eye
and computed anew (*off*: the difference), and the footprint beside astropy's WCS of the same extension with every
distortion that the file has (SIP, look-up tables, ZPN): the larger of the differences of centre and radius.

| {" | ".join(_COLUMNS)} |
{"|---" * len(_COLUMNS)}|"""
_WHY = """
Why these are the right times and bands:

| file | cards |
|---|---|"""
_REFUSED = """
What is refused, and why:

| file | reason |
|---|---|"""

if __name__ == "__main__":
    PAGE.write_text(write())
    print(PAGE.read_text())
