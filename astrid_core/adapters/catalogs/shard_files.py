"""Tables cut into Parquet shards by HEALPix cell, laid out as HATS does, with one page about them.

    DIR/catalog.toml                            what it is, where it is complete, and the SHA-256 of every shard
    DIR/dataset/Norder=5/Dir=0/Npix=123.parquet rows of cell 5/123, sorted by position

The same rows give the same bytes. A run is reproduced from such a folder without any service: its name carries the
digest of the page, so of all bytes.
"""

import hashlib
import io
import json
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from astrid_core.adapters.catalogs.places import hpx29
from astrid_core.shared.errors import (
    BadConfiguration,
    CatalogUnavailable,
    CorruptArtifact,
    NotCovered,
    UnexpectedAnswer,
)
from astrid_core.shared.sky import HPX_ORDER, Region, SkyCell

PAGE = "catalog.toml"
POSITION = "_healpix_29"
SHARD_ORDER = 5
"""Cells of 1.8 degrees: 150,000 stars of Gaia on average."""
_DIGITS = 12
_ROWS_PER_CELL = 12
"""Where cells hold so many rows on average, one without any is a gap: chance leaves one of 160,000 empty."""
_FINEST_COVER = 12


class ShardFiles:
    """Reads such a folder. A shard whose bytes are not those that were written is refused."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        content = _read(folder / PAGE)
        self.page = _parsed(content, folder / PAGE)
        try:
            self._order: int = self.page["order"]
            self._shards: dict[str, str] = self.page["shards"]
            self.covered = Region.parse(self.page["covered"])
            self.epoch_yr = float(self.page["epoch_yr"])
            self.name = f"{self.page['name']} {self.page['release']} {hashlib.sha256(content).hexdigest()[:_DIGITS]}"
        except (KeyError, ValueError, TypeError) as error:
            raise self.misshapen(error) from error
        self._checked: set[str] = set()

    def misshapen(self, error: Exception) -> UnexpectedAnswer:
        """Return the failure that the page is not as it should be."""
        return UnexpectedAnswer(
            "page of a star catalog is not as AstrID writes it", file=self._folder / PAGE, cause=str(error)
        )

    def rows(self, region: Region) -> pa.Table | None:
        """Return the rows of ``region`` and a few more; None where there are none.

        NotCovered if a part of the region lies outside of ``covered``.
        """
        outside = region.outside(self.covered)
        if outside > 0.0:
            raise NotCovered(
                "catalog does not cover the region", catalog=self.name, region=region.text, outside=outside
            )
        tables = [table for cell in region.cells(self._order) if (table := self._shard(cell, region)) is not None]
        return pa.concat_tables(tables) if tables else None

    def _shard(self, cell: SkyCell, region: Region) -> pa.Table | None:
        name = shard_path(cell)
        if name not in self._shards:
            return None  # a covered cell without rows
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


def shard_path(cell: SkyCell) -> str:
    """Return where the rows of a cell lie, relative to the catalog."""
    return f"dataset/Norder={cell.order}/Dir={cell.number // 10000 * 10000}/Npix={cell.number}.parquet"


def write_shard_files(
    folder: Path,
    columns: Mapping[str, NDArray[Any]],
    facts: Mapping[str, object],
    *,
    ra_deg: NDArray[np.float64],
    dec_deg: NDArray[np.float64],
    covered: Region | None,
) -> Region:
    """Write rows into a new folder and return where they are complete: ``covered``, or where there are rows.

    ``facts`` go to the page. BadConfiguration for a folder that is not empty, and for no rows.
    """
    if folder.exists() and any(folder.iterdir()):
        raise BadConfiguration("a star catalog is written into a new folder", folder=folder)
    if not len(ra_deg):
        raise BadConfiguration("a star catalog needs stars", folder=folder)
    number = hpx29(ra_deg, dec_deg)
    covered = covered or _populated(number)
    order = np.lexsort((dec_deg, ra_deg, number))
    number, columns = number[order], {name: values[order] for name, values in columns.items()}
    cells = number >> 2 * (HPX_ORDER - SHARD_ORDER)
    digests = {}
    for cell in np.unique(cells):
        here = np.flatnonzero(cells == cell)
        path = shard_path(SkyCell(order=SHARD_ORDER, number=int(cell)))
        content = _parquet({POSITION: number[here]} | {name: values[here] for name, values in columns.items()})
        _write(folder / path, content)
        digests[path] = hashlib.sha256(content).hexdigest()
    # The page is written last: a folder with it is complete.
    _write(folder / PAGE, _page({**facts, "covered": covered.text}, digests).encode())
    return covered


def _populated(number: NDArray[np.int64]) -> Region:
    """Return the cells that hold rows, as fine as the density allows: hardly one would be empty by chance."""
    for order in range(_FINEST_COVER, 0, -1):
        cells = np.unique(number >> 2 * (HPX_ORDER - order))
        if len(number) / len(cells) >= _ROWS_PER_CELL:
            break
    return Region.parse(f"cells({','.join(f'{order}/{cell}' for cell in cells)})")


def _parquet(columns: Mapping[str, NDArray[Any]]) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.table(dict(columns)), buffer, compression="zstd", row_group_size=20_000)
    return buffer.getvalue()


def _page(facts: Mapping[str, object], digests: Mapping[str, str]) -> str:
    # Strings, numbers and lists of JSON are TOML, too.
    lines = [f"{key} = {json.dumps(value)}" for key, value in facts.items()]
    shards = [f"{json.dumps(path)} = {json.dumps(one)}" for path, one in digests.items()]
    return "\n".join([*lines, "", "[shards]", *shards]) + "\n"


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    scratch.write_bytes(content)
    scratch.replace(path)


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
