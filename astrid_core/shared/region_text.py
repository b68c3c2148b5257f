"""What is written of a region, as numbers; ValueError says what is wrong with it, and how it is written."""

import re
from collections.abc import Sequence

from mocpy import MOC

_NUMBER = r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?"
_PER_DEG = {"deg": 1.0, None: 1.0, "arcmin": 60.0, "arcsec": 3600.0}
_LARGEST_DEG = 180.0
_BEHIND_THE_LAST = 12 * 4**29
_SKY_MAP = r"\s*skymap\s*\((.*)\)\s*"


def split(text: str) -> tuple[str, str]:
    """Return the kind of a region and what stands in its brackets."""
    if re.fullmatch(_SKY_MAP, text, flags=re.DOTALL):
        raise ValueError("a sky map is a file, which only commands and forms of DAGs read; give its cells, moc(...)")
    found = re.fullmatch(r"\s*(cone|polygon|cells|moc)\s*\((.*)\)\s*", text, flags=re.DOTALL)
    if not found:
        message = (
            f"not a region: {text!r}; write cone(10.68,41.27,0.5deg), polygon(10 41, 11 41, 11 42), "
            "cells(6/123,6/124) or moc(6/123-130)"
        )
        raise ValueError(message)
    return found[1], found[2]


def read_map_name(text: str) -> tuple[str, float] | None:
    """Return the file of a sky map and the credible level; None for another kind of region."""
    whole = re.fullmatch(_SKY_MAP, text, flags=re.DOTALL)
    if not whole:
        return None
    found = re.fullmatch(rf"\s*(.+?)\s*,\s*({_NUMBER})\s*", whole[1])
    if not found:
        message = f"not a sky map: {whole[1]!r}; write skymap(file,level), for example skymap(bayestar.fits.gz,0.9)"
        raise ValueError(message)
    level = float(found[2])
    if not 0.0 < level <= 1.0:
        message = f"the credible level of a sky map must lie in (0, 1], not {found[2]}"
        raise ValueError(message)
    return found[1], level


def read_cone(body: str) -> tuple[float, float, float]:
    """Return right ascension, declination and radius, degrees."""
    found = re.fullmatch(rf"\s*({_NUMBER})\s*,\s*({_NUMBER})\s*,\s*({_NUMBER})\s*(deg|arcmin|arcsec)?\s*", body)
    if not found:
        message = f"not a cone: {body!r}; write cone(ra,dec,radius), for example cone(10.68,41.27,0.5deg)"
        raise ValueError(message)
    radius_deg = float(found[3]) / _PER_DEG[found[4]]
    if not 0.0 < radius_deg <= _LARGEST_DEG:
        message = f"the radius of a cone must lie in (0, {_LARGEST_DEG:g}] deg, not {radius_deg!r}"
        raise ValueError(message)
    return float(found[1]), float(found[2]), radius_deg


def read_corners(body: str) -> Sequence[tuple[float, float]]:
    """Return right ascension and declination of each corner, degrees."""
    corners = [re.fullmatch(rf"\s*({_NUMBER})\s+({_NUMBER})\s*", corner) for corner in body.split(",")]
    told = [(float(corner[1]), float(corner[2])) for corner in corners if corner]
    if len(told) < 3 or len(told) < len(corners):
        message = f"not a polygon: {body!r}; write at least three corners, polygon(ra dec, ra dec, ra dec)"
        raise ValueError(message)
    return told


def read_cells(body: str) -> Sequence[str]:
    """Return what stands for each cell."""
    cells = [part for part in body.split(",") if part.strip()]
    if not cells:
        raise ValueError("a region needs at least one cell")
    return cells


def read_moc(body: str) -> MOC:
    """Return the cells of a MOC in its ASCII form."""
    try:
        moc = MOC.from_str(body)
    except (ValueError, OSError, BaseException) as error:  # what mocpy panics with is no Exception
        if isinstance(error, KeyboardInterrupt | SystemExit):
            raise
        message = f"not a MOC: {body!r}"
        raise ValueError(message) from error
    if moc.empty():
        raise ValueError("a region needs at least one cell")
    # mocpy 0.21 believes in cells behind the last one, and in ranges that end before they begin.
    if any(not first < behind <= _BEHIND_THE_LAST for first, behind in moc.to_depth29_ranges.tolist()):
        message = f"not a MOC: {body!r} names a cell that does not exist"
        raise ValueError(message)
    return moc
