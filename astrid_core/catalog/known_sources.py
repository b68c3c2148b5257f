"""What catalogs of others hold about a part of the sky, one kind of object to a catalog."""

from dataclasses import dataclass, fields, replace
from enum import StrEnum

import numpy as np
from astropy.time import Time
from numpy.typing import NDArray

from astrid_core.preprocessing.catalog_stars import CatalogStars

FloatArray = NDArray[np.float64]

_MAS_PER_DEG = 3.6e6
_MAX_DEC_DEG = 89.9999


class SourceKind(StrEnum):
    """What the objects of a catalog are."""

    STAR = "star"
    VARIABLE = "variable"
    """Stars known to vary, and novae that come again."""
    GALAXY = "galaxy"
    """Possible hosts."""
    AGN = "agn"
    """Active galactic nuclei and quasars."""
    TRANSIENT = "transient"
    """Reported before, by others."""
    MINOR_PLANET = "minor_planet"
    """Minor planets and comets, by ephemeris: no catalog on disk is of this kind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownSources:
    """Objects of one catalog; arrays of one length, NaN and empty text where the catalog is silent."""

    catalog: str
    """Name and release, with the digest of its contents where it lies on disk."""
    kind: SourceKind
    epoch_yr: float
    """Julian year that the positions are for."""
    ids: NDArray[np.object_]
    """As the catalog names its objects."""
    types: NDArray[np.object_]
    """As the catalog classes them."""
    ra_deg: FloatArray
    dec_deg: FloatArray
    err_arcsec: FloatArray
    """Of the position, per axis."""
    pm_ra_mas_yr: FloatArray
    """Along the parallel."""
    pm_dec_mas_yr: FloatArray
    mag: FloatArray
    redshift: FloatArray
    size_arcsec: FloatArray
    """Radius that holds half of the light."""

    def __len__(self) -> int:
        return len(self.ra_deg)

    def take(self, selection: NDArray[np.bool_] | NDArray[np.intp]) -> "KnownSources":
        """Return the selected objects, in the order of the selection."""
        arrays = [one.name for one in fields(self) if one.name not in ("catalog", "kind", "epoch_yr")]
        return replace(self, **{name: getattr(self, name)[selection] for name in arrays})

    def at(self, mjd: float) -> "KnownSources":
        """Return the objects where they are at a time (UTC MJD); those without a proper motion stay."""
        years = float(Time(mjd, format="mjd", scale="utc").jyear) - self.epoch_yr
        along, up = (np.nan_to_num(one) * years / _MAS_PER_DEG for one in (self.pm_ra_mas_yr, self.pm_dec_mas_yr))
        parallel = np.cos(np.radians(np.clip(self.dec_deg, -_MAX_DEC_DEG, _MAX_DEC_DEG)))
        return replace(
            self,
            epoch_yr=self.epoch_yr + years,
            ra_deg=(self.ra_deg + along / parallel) % 360.0,
            dec_deg=np.clip(self.dec_deg + up, -90.0, 90.0),
        )


def sources_of_stars(stars: CatalogStars) -> KnownSources:
    """Return the stars that frames are tied to as known sources, named by their places, in their first band."""
    unknown = np.full(len(stars), np.nan)
    mag = next(iter(stars.mags.values()), unknown)
    places = zip(stars.ra_deg, stars.dec_deg, strict=True)
    return KnownSources(
        catalog=stars.catalog,
        kind=SourceKind.STAR,
        epoch_yr=stars.epoch_yr,
        ids=np.array([f"{ra:.6f}{dec:+.6f}" for ra, dec in places], dtype=object),
        types=np.full(len(stars), "", dtype=object),
        ra_deg=stars.ra_deg,
        dec_deg=stars.dec_deg,
        err_arcsec=np.hypot(stars.ra_err_mas, stars.dec_err_mas) / np.sqrt(2.0) / 1000.0,
        pm_ra_mas_yr=stars.pm_ra_mas_yr,
        pm_dec_mas_yr=stars.pm_dec_mas_yr,
        mag=mag,
        redshift=unknown,
        size_arcsec=unknown,
    )
