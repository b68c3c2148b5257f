"""Write stars and known sources as catalogs of shards; the same rows give the same bytes, and so the same name."""

import math
from pathlib import Path

from astrid_core.adapters.catalogs.shard_files import SHARD_ORDER, write_shard_files
from astrid_core.adapters.catalogs.shards import SOURCE_NUMBERS, SOURCE_TEXTS, column_names
from astrid_core.catalog.known_sources import KnownSources
from astrid_core.preprocessing.catalog_stars import CatalogStars
from astrid_core.shared.errors import BadConfiguration
from astrid_core.shared.sky import Region


def write_shards(
    stars: CatalogStars, folder: Path, *, name: str, release: str, covered: Region | None = None
) -> Region:
    """Write a catalog of stars into a new folder and return where it is complete.

    ``covered`` is what is known about that; otherwise it is where there are stars, in cells so large that hardly one
    would be empty by chance. BadConfiguration for a folder that is not empty, and for no stars.
    """
    fixed = (
        stars.ra_deg, stars.dec_deg, stars.ra_err_mas, stars.dec_err_mas, stars.pm_ra_mas_yr, stars.pm_dec_mas_yr,
    )  # fmt: skip
    columns = dict(
        zip(column_names(list(stars.mags)), (*fixed, *stars.mags.values(), *stars.mag_errs.values()), strict=True)
    )
    facts = {
        "name": name,
        "release": release,
        "epoch_yr": _epoch(stars.epoch_yr, name),
        "order": SHARD_ORDER,
        "n_stars": len(stars),
        "bands": list(stars.mags),
    }
    return write_shard_files(folder, columns, facts, ra_deg=stars.ra_deg, dec_deg=stars.dec_deg, covered=covered)


def write_sources(
    sources: KnownSources, folder: Path, *, name: str, release: str, covered: Region | None = None
) -> Region:
    """Write a catalog of known sources, as ``write_shards`` does stars."""
    facts = {
        "name": name,
        "release": release,
        "kind": sources.kind.value,
        "epoch_yr": _epoch(sources.epoch_yr, name),
        "order": SHARD_ORDER,
        "n_sources": len(sources),
    }
    columns = {column: getattr(sources, column) for column in (*SOURCE_TEXTS, *SOURCE_NUMBERS)}
    return write_shard_files(folder, columns, facts, ra_deg=sources.ra_deg, dec_deg=sources.dec_deg, covered=covered)


def _epoch(epoch_yr: float, name: str) -> float:
    if not math.isfinite(epoch_yr):
        raise BadConfiguration("a star catalog needs an epoch", catalog=name)
    return epoch_yr
