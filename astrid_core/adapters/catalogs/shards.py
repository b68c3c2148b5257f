"""Catalogs of shards (see ``shard_files``): reference stars, and known sources of other kinds."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from astrid_core.adapters.catalogs.columns import OURS, Band, RawTable, brightest, to_stars
from astrid_core.adapters.catalogs.shard_files import ShardFiles
from astrid_core.catalog.known_sources import KnownSources, SourceKind
from astrid_core.preprocessing.catalog_stars import CatalogStars
from astrid_core.shared.sky import Region

SOURCE_NUMBERS = (
    "ra_deg", "dec_deg", "err_arcsec", "pm_ra_mas_yr", "pm_dec_mas_yr", "mag", "redshift", "size_arcsec",
)  # fmt: skip
"""Numeric columns of known sources besides the position index."""
SOURCE_TEXTS = ("ids", "types")


class ShardCatalog:
    """Reads reference stars."""

    def __init__(self, folder: Path) -> None:
        self._files = ShardFiles(folder)
        try:
            self._bands = {name: Band(f"mag_{name}", f"mag_err_{name}") for name in self._files.page["bands"]}
        except (KeyError, TypeError) as error:
            raise self._files.misshapen(error) from error

    @property
    def name(self) -> str:
        """Name, release and digest."""
        return self._files.name

    @property
    def covered(self) -> Region:
        """Where it is complete."""
        return self._files.covered

    def stars(self, region: Region, *, max_stars: int) -> CatalogStars:
        """Return the brightest stars inside ``region``; NotCovered if a part of it lies outside of ``covered``."""
        found = self._files.rows(region)
        if found is None:
            found = pa.table({name: np.empty(0) for name in column_names(list(self._bands))})
        columns = {name: found[name].to_numpy() for name in found.column_names}
        dialect = replace(OURS, bands=self._bands)
        stars = to_stars(RawTable(columns=columns), dialect, catalog=self.name, epoch_yr=self._files.epoch_yr)
        return brightest(stars.take(region.holds(stars.ra_deg, stars.dec_deg)), max_stars)


class ShardSources:
    """Reads known sources."""

    def __init__(self, folder: Path) -> None:
        self._files = ShardFiles(folder)
        try:
            self._kind = SourceKind(self._files.page["kind"])
        except (KeyError, ValueError) as error:
            raise self._files.misshapen(error) from error

    @property
    def name(self) -> str:
        """Name, release and digest."""
        return self._files.name

    @property
    def kind(self) -> SourceKind:
        """What its objects are."""
        return self._kind

    def sources(self, region: Region) -> KnownSources:
        """Return the objects inside ``region``; NotCovered if a part of it lies outside of where it is complete."""
        found = self._files.rows(region)
        columns: dict[str, Any] = {
            name: np.empty(0) if found is None else found[name].to_numpy() for name in SOURCE_NUMBERS
        }
        for name in SOURCE_TEXTS:
            columns[name] = np.array([] if found is None else found[name].to_pylist(), dtype=object)
        sources = KnownSources(catalog=self.name, kind=self._kind, epoch_yr=self._files.epoch_yr, **columns)
        return sources.take(region.holds(sources.ra_deg, sources.dec_deg))


def column_names(bands: list[str]) -> tuple[str, ...]:
    """Return the numeric columns of a shard of stars besides the position index."""
    fixed = (OURS.ra, OURS.dec, OURS.ra_err, OURS.dec_err, OURS.pm_ra, OURS.pm_dec)
    return (*(one.name for one in fixed), *(f"mag_{band}" for band in bands), *(f"mag_err_{band}" for band in bands))
