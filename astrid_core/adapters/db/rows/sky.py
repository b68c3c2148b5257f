"""Positions, as columns."""

from collections.abc import Sequence

import astropy.units as u
import numpy as np
from astropy_healpix import HEALPix

from astrid_core.shared.sky import HPX_ORDER, Region, SkyPosition

_INDEX = HEALPix(nside=2**HPX_ORDER, order="nested")


def hpx29_of(positions: Sequence[SkyPosition | None]) -> list[int | None]:
    """Return ``position.hpx29`` of many positions at once; None for None."""
    known = [position for position in positions if position is not None]
    if not known:
        return [None] * len(positions)
    ra_deg = np.array([position.ra_deg for position in known])
    dec_deg = np.array([position.dec_deg for position in known])
    numbers = iter(_INDEX.lonlat_to_healpix(ra_deg * u.deg, dec_deg * u.deg).tolist())
    return [None if position is None else next(numbers) for position in positions]


def held(region: Region, places: Sequence[tuple[float | None, float | None]]) -> list[bool]:
    """Tell which places, as their columns hold them, lie in a region; None lies nowhere."""
    known = np.array([ra is not None and dec is not None for ra, dec in places], dtype=bool)
    ra_deg, dec_deg = np.array(places, dtype=float).reshape(-1, 2)[known].T
    known[known] = region.holds(ra_deg, dec_deg)
    return [bool(one) for one in known]


def position_of(ra_deg: float | None, dec_deg: float | None) -> SkyPosition | None:
    """Return the position that these columns hold."""
    return None if ra_deg is None or dec_deg is None else SkyPosition(ra_deg=ra_deg, dec_deg=dec_deg)
