"""Where a frame lies on the sky: by its WCS, or by where the telescope pointed."""

import math
import re
import warnings
from dataclasses import dataclass

import astropy.units as u
import numpy as np
from astropy.coordinates import FK4, FK5, ICRS, SkyCoord
from astropy.io import fits
from astropy.io.fits.verify import VerifyError
from astropy.utils.exceptions import AstropyWarning
from astropy.wcs import WCS
from numpy.typing import NDArray

from astrid_core.observations.cards import Headers, as_number, comment, positive, value
from astrid_core.observations.cut_outs import require_own_size, size_elsewhere
from astrid_core.observations.entities import WcsOrigin
from astrid_core.shared.errors import UnusableFile
from astrid_core.shared.sky import SkyPosition, separation_arcsec

_CELESTIAL = ("RA--", "DEC-", "GLON", "GLAT", "ELON", "ELAT")
_WCS_NUMBER = re.compile(r"(CRVAL|CRPIX|CDELT|CROTA)[12]|(CD|PC)[12]_[12]|PC00[12]00[12]")
_MATRIX = re.compile(r"CD[12]_[12]|PC[12]_[12]|PC00[12]00[12]|CDELT[12]")
_LOOKUP = re.compile(r"(CPDIS|D2IMDIS|CPERR|D2IMERR)[12]$|(DP|D2IM|DQ)[12](\.|$)|D2IMEXT$|NPOLEXT$")
_POINTINGS = (
    ("RA", "DEC"),
    ("OBJCTRA", "OBJCTDEC"),
    ("TELRA", "TELDEC"),
    ("RA_DEG", "DEC_DEG"),
    ("RA_PNT", "DEC_PNT"),
    ("RA_TARG", "DEC_TARG"),
    ("OBJRA", "OBJDEC"),
    ("RA_OBJ", "DEC_OBJ"),
    ("CAT-RA", "CAT-DEC"),
    ("RA-MNT", "DEC-MNT"),
    ("TARGRA", "TARGDEC"),
)
_SCALES = ("IM_SCALE", "PIXSCALE", "SECPIX", "SECPIX1", "PIXSCAL1", "PIXSCAL", "PIXSCL", "PLTSCAL")
_NO_GEOMETRY = re.compile(
    r"(COMMENT|HISTORY|CONTINUE)?$|DATE|MJD|JD|TIME|TSTART|TSTOP|TELAPSE|XPOSURE|TREF|OBSGEO|VELO|SPECSYS|SSYS|[BJ]EPOCH"
)
"""Times, places of observatories and remarks: wcslib would keep them, amend them and complain about them."""
_BROKEN_WCS = (
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    AssertionError,
    ArithmeticError,
    MemoryError,
)
"""What astropy raises for a WCS that contradicts itself; MemoryError stands for a distortion without its parameters."""
_SMALLEST_SCALE, _LARGEST_SCALE = 1e-3, 600.0
_SMALLEST_SINE = 0.1
"""Of the angle between the axes of pixels on the sky; detectors are square to a degree."""
_SEXAGESIMAL = re.compile(r"([+-]?)\s*(\d{1,3})[:\shHdD]+(\d{1,2})(?:[:\smM']+(\d{1,2}(?:\.\d*)?)?)?\s*[sS\"]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What a frame covers."""

    position: SkyPosition
    radius_deg: float
    pixel_scale_arcsec: float
    origin: WcsOrigin


def place_of(headers: Headers, shape: tuple[int, int], *, pointing: Headers | None = None) -> Place:
    """Return what a frame of ``shape`` (ny, nx) covers; raise UnusableFile where its header does not say.

    ``pointing`` are the headers in common cards, by default the same.
    """
    wcs = sky_wcs(headers, shape=shape)
    if wcs is None:
        require_own_size(headers, shape)
        middle = pointing_wcs(pointing or headers, shape)
        return _covered(middle, shape, WcsOrigin.POINTING)
    return _covered(wcs, shape, WcsOrigin.HEADER)


def sky_wcs(headers: Headers, hdus: fits.HDUList | None = None, *, shape: tuple[int, int] | None = None) -> WCS | None:
    """Return the celestial WCS of a frame, None without one; raise UnusableFile where it is broken.

    With ``hdus``, distortion tables in other extensions are used as well. A WCS that was solved on a larger image than
    ``shape`` (ny, nx) and never moved along with the cut-out is none.
    """
    # A primary header speaks for its extensions only where it has no image of its own.
    speaking = [header for header in headers if header is headers[0] or header.get("NAXIS") == 0]
    header = next((header for header in speaking if _is_celestial(header)), None)
    if header is None or not any(_MATRIX.fullmatch(key) for key in header):
        return None
    if shape is not None and size_elsewhere(header, shape) is not None:
        return None
    _require_numbers(header)
    header = _mended(header, keep_lookups=hdus is not None)
    try:
        with warnings.catch_warnings(action="ignore", category=AstropyWarning):
            wcs = WCS(header, fobj=hdus).celestial
            wcs.wcs.set()
            matrix = wcs.pixel_scale_matrix * 3600.0
    except _BROKEN_WCS as error:
        raise UnusableFile(f"header WCS is unusable: {' '.join(str(error).split())[:200]}") from error
    _require_two_axes(matrix)
    return wcs


def _require_two_axes(matrix: NDArray[np.float64]) -> None:
    """Refuse a matrix (arcsec per pixel) whose axes have no sensible length, or lie upon each other."""
    x_arcsec, y_arcsec = np.hypot(matrix[0], matrix[1])
    if not _SMALLEST_SCALE <= min(x_arcsec, y_arcsec) <= max(x_arcsec, y_arcsec) <= _LARGEST_SCALE:
        raise UnusableFile("header WCS has no sensible pixel scale", x_arcsec=float(x_arcsec), y_arcsec=float(y_arcsec))
    sine = abs(float(np.linalg.det(matrix))) / (x_arcsec * y_arcsec)
    if sine < _SMALLEST_SINE:
        raise UnusableFile("header WCS is singular: its axes are parallel", sine=sine, required=_SMALLEST_SINE)


def pointing_wcs(headers: Headers, shape: tuple[int, int]) -> WCS:
    """Return a tangent plane at the telescope's pointing: right in place and scale, but north is put up by guess.

    Raises UnusableFile where the header gives no pointing or no pixel scale.
    """
    position = _pointing(headers)
    scale = _pixel_scale(headers)
    if scale is None:
        raise UnusableFile(
            "no WCS, and a pointing without a pixel scale: no IM_SCALE, PIXSCALE, SECPIX, XPIXSZ ... in the header",
            ra_deg=position.ra_deg,
            dec_deg=position.dec_deg,
        )
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval = [position.ra_deg, position.dec_deg]
    wcs.wcs.crpix = [(shape[1] + 1) / 2.0, (shape[0] + 1) / 2.0]
    wcs.wcs.cd = np.array([[-scale, 0.0], [0.0, scale]]) / 3600.0
    wcs.wcs.set()
    return wcs


def parse_angle(written: object, *, hours: bool) -> float | None:
    """Return degrees from a number (degrees) or a sexagesimal string, which counts hours where ``hours`` is true."""
    plain = as_number(written)
    if plain is not None or not isinstance(written, str):
        return plain
    found = _SEXAGESIMAL.fullmatch(written.strip())
    if not found or int(found[3]) >= 60 or float(found[4] or 0.0) >= 60.0:
        return None
    size = int(found[2]) + int(found[3]) / 60.0 + float(found[4] or 0.0) / 3600.0
    return (-size if found[1] == "-" else size) * (15.0 if hours else 1.0)


def _is_celestial(header: fits.Header) -> bool:
    return all(str(value([header], name) or "").upper().startswith(_CELESTIAL) for name in ("CTYPE1", "CTYPE2"))


def _require_numbers(header: fits.Header) -> None:
    for key in header:
        if _WCS_NUMBER.fullmatch(key) and as_number(value([header], key)) is None:
            raise UnusableFile(f"header WCS is unusable: {key} is not a number", value=value([header], key))
    for key, limit in (("CRVAL1", 360.0), ("CRVAL2", 90.0)):
        centre = as_number(value([header], key))
        if centre is None or abs(centre) > limit:
            raise UnusableFile(f"header WCS is unusable: {key} is no angle on the sky", value=centre)


def _mended(header: fits.Header, *, keep_lookups: bool) -> fits.Header:
    """Return the geometry of a header, without what keeps wcslib from reading it: broken cards and odd units."""
    mended = fits.Header()
    for card in header.cards:
        unwanted = _NO_GEOMETRY.match(card.keyword) or (not keep_lookups and _LOOKUP.match(card.keyword))
        if unwanted or not _is_readable(card):
            continue
        spelled_out = card.keyword.startswith("CUNIT") and str(card.value).strip().lower() in ("degree", "degrees")
        mended.append(fits.Card(card.keyword, "deg") if spelled_out else card, bottom=True)
    return mended


def _is_readable(card: fits.Card) -> bool:
    try:
        return bool(card.image) and card.value is not None
    except (VerifyError, ValueError):
        return False


def _pointing(headers: Headers) -> SkyPosition:
    seen = ""
    for ra_name, dec_name in _POINTINGS:
        ra_written, dec_written = value(headers, ra_name), value(headers, dec_name)
        if ra_written in (None, "") or dec_written in (None, ""):
            continue
        ra_deg, dec_deg = parse_angle(ra_written, hours=True), parse_angle(dec_written, hours=False)
        if ra_deg is not None and as_number(ra_written) is not None and "hour" in comment(headers, ra_name):
            ra_deg *= 15.0
        if ra_deg is None or dec_deg is None or not -360.0 <= ra_deg <= 360.0 or not -90.0 <= dec_deg <= 90.0:
            seen = seen or f"{ra_name}={ra_written}, {dec_name}={dec_written}"
            continue
        return _to_icrs(ra_deg, dec_deg, positive(headers, ("EQUINOX", "EPOCH")) or 2000.0)
    if seen:
        raise UnusableFile(f"no WCS, and the pointing is no place on the sky: {seen}")
    raise UnusableFile("position unknown: no WCS and no pointing (RA, OBJCTRA, TELRA ...) in the header")


def _to_icrs(ra_deg: float, dec_deg: float, equinox: float) -> SkyPosition:
    if equinox == 2000.0:
        return SkyPosition(ra_deg=ra_deg % 360.0, dec_deg=dec_deg)
    frame = FK4(equinox=f"B{equinox}") if equinox < 1984.0 else FK5(equinox=f"J{equinox}")
    sky = SkyCoord(ra_deg * u.deg, dec_deg * u.deg, frame=frame).transform_to(ICRS())
    return SkyPosition(ra_deg=float(sky.ra.deg) % 360.0, dec_deg=float(sky.dec.deg))


def _pixel_scale(headers: Headers) -> float | None:
    given = positive(headers, _SCALES)
    pixel_um, focal_mm = positive(headers, ("XPIXSZ", "PIXSIZE1")), positive(headers, ("FOCALLEN",))
    if given is None and pixel_um is not None and focal_mm is not None:
        given = math.degrees(pixel_um * 1e-3 / focal_mm) * 3600.0
    return given if given is not None and _SMALLEST_SCALE <= given <= _LARGEST_SCALE else None


def _covered(wcs: WCS, shape: tuple[int, int], origin: WcsOrigin) -> Place:
    ny, nx = shape
    x = np.array([(nx - 1) / 2.0, -0.5, nx - 0.5, -0.5, nx - 0.5])
    y = np.array([(ny - 1) / 2.0, -0.5, -0.5, ny - 0.5, ny - 0.5])
    try:
        with warnings.catch_warnings(action="ignore", category=AstropyWarning):
            sky = wcs.pixel_to_world(x, y).icrs
    except _BROKEN_WCS as error:
        raise UnusableFile(f"header WCS is unusable: {' '.join(str(error).split())[:200]}") from error
    ra_deg, dec_deg = np.asarray(sky.ra.deg), np.asarray(sky.dec.deg)
    if not (np.isfinite(ra_deg).all() and np.isfinite(dec_deg).all()):
        raise UnusableFile("header WCS does not reach the whole frame", width_pix=nx, height_pix=ny)
    points = [
        SkyPosition(ra_deg=float(ra) % 360.0, dec_deg=float(dec)) for ra, dec in zip(ra_deg, dec_deg, strict=True)
    ]
    return Place(
        position=points[0],
        radius_deg=max(separation_arcsec(points[0], corner) for corner in points[1:]) / 3600.0,
        pixel_scale_arcsec=float(np.sqrt(abs(np.linalg.det(wcs.pixel_scale_matrix)))) * 3600.0,
        origin=origin,
    )
