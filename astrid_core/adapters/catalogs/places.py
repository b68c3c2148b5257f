"""Many positions at once: their index, and which lie in a region."""

import astropy.units as u
import numpy as np
from astropy_healpix import HEALPix
from numpy.typing import NDArray

from astrid_core.preprocessing.catalog_stars import FloatArray
from astrid_core.shared.sky import HPX_ORDER, Region

_INDEX = HEALPix(nside=2**HPX_ORDER, order="nested")


def hpx29(ra_deg: FloatArray, dec_deg: FloatArray) -> NDArray[np.int64]:
    """Return the NESTED HEALPix numbers at order 29."""
    return np.asarray(_INDEX.lonlat_to_healpix(ra_deg * u.deg, dec_deg * u.deg), dtype=np.int64)


def inside(region: Region, ra_deg: FloatArray, dec_deg: FloatArray) -> NDArray[np.bool_]:
    """Tell which positions lie in a region, as ``Region.contains`` does."""
    if region.centre is not None and region.radius_deg is not None:
        lon = np.radians(ra_deg - region.centre.ra_deg)
        lat1, lat2 = np.radians(region.centre.dec_deg), np.radians(dec_deg)
        across = np.cos(lat2) * np.sin(lon)
        along = np.cos(lat1) * np.sin(lat2) - np.sin(lat1) * np.cos(lat2) * np.cos(lon)
        toward = np.sin(lat1) * np.sin(lat2) + np.cos(lat1) * np.cos(lat2) * np.cos(lon)
        return np.asarray(np.degrees(np.arctan2(np.hypot(across, along), toward)) <= region.radius_deg)
    first, behind = np.array(region.hpx29_ranges, dtype=np.int64).T
    number = hpx29(ra_deg, dec_deg)
    index = np.searchsorted(first, number, side="right") - 1
    return np.asarray((index >= 0) & (number < behind[np.maximum(index, 0)]))
