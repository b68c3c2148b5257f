"""Stars of a reference catalog, such as Gaia: what images are tied to."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from astropy.time import Time
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

_MAS_PER_DEG = 3.6e6
_MAX_DEC_DEG = 89.9999
"""Nearer to the pole a proper motion in right ascension is no angle along the parallel any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogStars:
    """Reference stars; arrays of one length, NaN where the catalog is silent."""

    catalog: str
    """Name and release: part of the key of every run that used it."""
    epoch_yr: float
    """Julian year that the positions are for."""
    ra_deg: FloatArray
    dec_deg: FloatArray
    ra_err_mas: FloatArray
    """Along the parallel."""
    dec_err_mas: FloatArray
    pm_ra_mas_yr: FloatArray
    """Along the parallel (mu_alpha* = mu_alpha cos delta)."""
    pm_dec_mas_yr: FloatArray
    mags: Mapping[str, FloatArray]
    """AB magnitudes by the catalog's band name."""
    mag_errs: Mapping[str, FloatArray]

    def __len__(self) -> int:
        return len(self.ra_deg)

    def take(self, selection: NDArray[np.bool_] | NDArray[np.intp]) -> "CatalogStars":
        """Return the selected stars, in the order of the selection."""
        columns = ("ra_deg", "dec_deg", "ra_err_mas", "dec_err_mas", "pm_ra_mas_yr", "pm_dec_mas_yr")
        return replace(
            self,
            **{name: getattr(self, name)[selection] for name in columns},
            mags={band: values[selection] for band, values in self.mags.items()},
            mag_errs={band: values[selection] for band, values in self.mag_errs.items()},
        )

    def at(self, mjd: float) -> "CatalogStars":
        """Return the stars where they are at a time (UTC MJD), moved along straight lines by their proper motions.

        Stars without a proper motion stay. Parallax is left out: it moves few stars by more than 10 mas.
        """
        years = float(Time(mjd, format="mjd", scale="utc").jyear) - self.epoch_yr
        along, up = (np.nan_to_num(motion) * years / _MAS_PER_DEG for motion in (self.pm_ra_mas_yr, self.pm_dec_mas_yr))
        parallel = np.cos(np.radians(np.clip(self.dec_deg, -_MAX_DEC_DEG, _MAX_DEC_DEG)))
        return replace(
            self,
            epoch_yr=self.epoch_yr + years,
            ra_deg=(self.ra_deg + along / parallel) % 360.0,
            dec_deg=np.clip(self.dec_deg + up, -90.0, 90.0),
        )
