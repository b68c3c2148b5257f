"""A star catalog in a folder: Parquet shards by HEALPix cell, laid out as HATS does, and one page about them.

    DIR/catalog.toml                            what it is, where it is complete, and the SHA-256 of every shard
    DIR/dataset/Norder=5/Dir=0/Npix=123.parquet stars of cell 5/123, sorted by position

A run is reproduced from such a folder without any service: its name carries the digest of the page, so of all bytes.
"""

import hashlib
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from astrid_core.adapters.catalogs.columns import OURS, Band, RawTable, brightest, to_stars
from astrid_core.adapters.catalogs.places import inside
from astrid_core.preprocessing.catalog_stars import CatalogStars
from astrid_core.shared.errors import (
    BadConfiguration,
    CatalogUnavailable,
    CorruptArtifact,
    NotCovered,
    UnexpectedAnswer,
)
from astrid_core.shared.sky import Region, SkyCell

PAGE = "catalog.toml"
POSITION = "_healpix_29"
_DIGITS = 12


class ShardCatalog:
    """Reads shards; see the module. A shard whose bytes are not those that were written is refused."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        content = _read(folder / PAGE)
        page = _parsed(content, folder / PAGE)
        try:
            self._order: int = page["order"]
            self._epoch_yr = float(page["epoch_yr"])
            self._shards: dict[str, str] = page["shards"]
            self._covered = Region.parse(page["covered"])
            self._bands = {name: Band(f"mag_{name}", f"mag_err_{name}") for name in page["bands"]}
            self._name = f"{page['name']} {page['release']} {hashlib.sha256(content).hexdigest()[:_DIGITS]}"
        except (KeyError, ValueError, TypeError) as error:
            raise UnexpectedAnswer(
                "page of a star catalog is not as AstrID writes it", file=folder / PAGE, cause=str(error)
            ) from error
        self._checked: set[str] = set()

    @property
    def name(self) -> str:
        """Name, release and digest."""
        return self._name

    @property
    def covered(self) -> Region:
        """Where it is complete."""
        return self._covered

    def stars(self, region: Region, *, max_stars: int) -> CatalogStars:
        """Return the brightest stars inside ``region``; NotCovered if a part of it lies outside of ``covered``."""
        outside = region.outside(self._covered)
        if outside > 0.0:
            raise NotCovered(
                "catalog does not cover the region", catalog=self.name, region=region.text, outside=outside
            )
        tables = [table for cell in region.cells(self._order) if (table := self._shard(cell, region)) is not None]
        found = pa.concat_tables(tables) if tables else self._empty()
        columns = {name: found[name].to_numpy() for name in found.column_names}
        dialect = replace(OURS, bands=self._bands)
        stars = to_stars(RawTable(columns=columns), dialect, catalog=self.name, epoch_yr=self._epoch_yr)
        return brightest(stars.take(inside(region, stars)), max_stars)

    def _shard(self, cell: SkyCell, region: Region) -> pa.Table | None:
        name = shard_path(cell)
        if name not in self._shards:
            return None  # a covered cell without stars
        path = self._folder / name
        if name not in self._checked:
            digest = hashlib.sha256(_read(path)).hexdigest()
            if digest != self._shards[name]:
                raise CorruptArtifact("shard of a star catalog has changed", file=path, catalog=self.name)
            self._checked.add(name)
        first, behind = cell.hpx29_range
        ranges = [one for one in region.hpx29_ranges if one[0] < behind and one[1] > first]
        low, high = max(first, ranges[0][0]), min(behind, ranges[-1][1])
        try:
            return pq.read_table(path, filters=[(POSITION, ">=", low), (POSITION, "<", high)])
        except (OSError, pa.ArrowException) as error:
            raise CatalogUnavailable("shard of a star catalog cannot be read", file=path, cause=str(error)) from error

    def _empty(self) -> pa.Table:
        return pa.table({name: np.empty(0) for name in column_names(list(self._bands))})


def shard_path(cell: SkyCell) -> str:
    """Return where the stars of a cell lie, relative to the catalog."""
    return f"dataset/Norder={cell.order}/Dir={cell.number // 10000 * 10000}/Npix={cell.number}.parquet"


def column_names(bands: list[str]) -> tuple[str, ...]:
    """Return the numeric columns of a shard besides the position index."""
    fixed = (OURS.ra, OURS.dec, OURS.ra_err, OURS.dec_err, OURS.pm_ra, OURS.pm_dec)
    return (*(one.name for one in fixed), *(f"mag_{band}" for band in bands), *(f"mag_err_{band}" for band in bands))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise BadConfiguration("no star catalog there", file=path) from error
    except OSError as error:
        raise CatalogUnavailable("star catalog cannot be read", file=path, cause=str(error)) from error


def _parsed(content: bytes, path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(content.decode())
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UnexpectedAnswer("page of a star catalog cannot be read", file=path, cause=str(error)) from error
