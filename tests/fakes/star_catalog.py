"""A reference catalog in memory."""

from dataclasses import dataclass

import numpy as np

from astrid_core.preprocessing.catalog_stars import CatalogStars
from astrid_core.shared.errors import NotCovered
from astrid_core.shared.sky import Region, SkyPosition


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryStarCatalog:
    """Covers ``covered``, or the whole sky."""

    all_stars: CatalogStars
    covered: Region | None = None

    @property
    def name(self) -> str:
        return self.all_stars.catalog

    def stars(self, region: Region, *, max_stars: int) -> CatalogStars:
        if self.covered is not None and region.outside(self.covered) > 0.0:
            raise NotCovered("catalog does not cover the region", catalog=self.name)
        places = zip(self.all_stars.ra_deg, self.all_stars.dec_deg, strict=True)
        inside = [region.contains(SkyPosition(ra_deg=float(ra), dec_deg=float(dec))) for ra, dec in places]
        found = self.all_stars.take(np.array(inside, dtype=bool))
        brightest = np.argsort(next(iter(found.mags.values())), kind="stable")[:max_stars]
        return found.take(brightest)
