"""Many positions at once: their index."""

import astropy.units as u
import numpy as np
from astropy_healpix import HEALPix
from numpy.typing import NDArray

from astrid_core.preprocessing.catalog_stars import FloatArray
from astrid_core.shared.sky import HPX_ORDER

_INDEX = HEALPix(nside=2**HPX_ORDER, order="nested")


def hpx29(ra_deg: FloatArray, dec_deg: FloatArray) -> NDArray[np.int64]:
    """Return the NESTED HEALPix numbers at order 29."""
    return np.asarray(_INDEX.lonlat_to_healpix(ra_deg * u.deg, dec_deg * u.deg), dtype=np.int64)
