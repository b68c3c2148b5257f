"""Write stars as a catalog of shards; the same stars give the same bytes, and so the same name."""

import hashlib
import io
import json
import math
import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from astrid_core.adapters.catalogs.places import hpx29
from astrid_core.adapters.catalogs.shards import PAGE, POSITION, column_names, shard_path
from astrid_core.preprocessing.catalog_stars import CatalogStars
from astrid_core.shared.errors import BadConfiguration
from astrid_core.shared.sky import HPX_ORDER, Region, SkyCell

SHARD_ORDER = 5
"""Cells of 1.8 degrees: 150,000 stars of Gaia on average."""
_STARS_PER_CELL = 12
"""Where cells hold so many stars on average, one without any is a gap: chance leaves one of 160,000 empty."""
_FINEST_COVER = 12


def write_shards(
    stars: CatalogStars, folder: Path, *, name: str, release: str, covered: Region | None = None
) -> Region:
    """Write a catalog into a new folder and return where it is complete.

    ``covered`` is what is known about that; otherwise it is where there are stars, in cells so large that hardly one
    would be empty by chance. BadConfiguration for a folder that is not empty, and for no stars.
    """
    if folder.exists() and any(folder.iterdir()):
        raise BadConfiguration("a star catalog is written into a new folder", folder=folder)
    if not len(stars):
        raise BadConfiguration("a star catalog needs stars", folder=folder)
    number = hpx29(stars.ra_deg, stars.dec_deg)
    covered = covered or _populated(number)
    order = np.lexsort((stars.dec_deg, stars.ra_deg, number))
    stars, number = stars.take(order), number[order]
    cells = number >> 2 * (HPX_ORDER - SHARD_ORDER)
    digests = {}
    for cell in np.unique(cells):
        here = np.flatnonzero(cells == cell)
        path = shard_path(SkyCell(order=SHARD_ORDER, number=int(cell)))
        content = _parquet(stars.take(here), number[here])
        _write(folder / path, content)
        digests[path] = hashlib.sha256(content).hexdigest()
    # The page is written last: a folder with it is complete.
    _write(folder / PAGE, _page(stars, name, release, covered, digests).encode())
    return covered


def _populated(number: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Region:
    """Return the cells that hold stars, as fine as the density allows."""
    for order in range(_FINEST_COVER, 0, -1):
        cells = np.unique(number >> 2 * (HPX_ORDER - order))
        if len(number) / len(cells) >= _STARS_PER_CELL:
            break
    return Region.parse(f"cells({','.join(f'{order}/{cell}' for cell in cells)})")


def _parquet(stars: CatalogStars, number: np.ndarray[tuple[int], np.dtype[np.int64]]) -> bytes:
    fixed = (
        stars.ra_deg, stars.dec_deg, stars.ra_err_mas, stars.dec_err_mas, stars.pm_ra_mas_yr, stars.pm_dec_mas_yr,
    )  # fmt: skip
    columns = dict(
        zip(column_names(list(stars.mags)), (*fixed, *stars.mags.values(), *stars.mag_errs.values()), strict=True)
    )
    buffer = io.BytesIO()
    pq.write_table(pa.table({POSITION: number} | columns), buffer, compression="zstd", row_group_size=20_000)
    return buffer.getvalue()


def _page(stars: CatalogStars, name: str, release: str, covered: Region, digests: dict[str, str]) -> str:
    if not math.isfinite(stars.epoch_yr):
        raise BadConfiguration("a star catalog needs an epoch", catalog=name)
    # Strings, numbers and lists of JSON are TOML, too.
    facts = {
        "name": name,
        "release": release,
        "epoch_yr": stars.epoch_yr,
        "order": SHARD_ORDER,
        "n_stars": len(stars),
        "bands": list(stars.mags),
        "covered": covered.text,
    }
    lines = [f"{key} = {json.dumps(value)}" for key, value in facts.items()]
    return (
        "\n".join(
            [*lines, "", "[shards]", *(f"{json.dumps(path)} = {json.dumps(one)}" for path, one in digests.items())]
        )
        + "\n"
    )


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    scratch.write_bytes(content)
    scratch.replace(path)
