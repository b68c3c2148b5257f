"""Regions that are read from files of the machine where a command or a task runs, as their exact cells."""

import re
from pathlib import Path

from mocpy import MOC

from astrid_core.adapters.sky_maps.files import opened
from astrid_core.adapters.sky_maps.fits_maps import read_sky_map
from astrid_core.shared.credible import credible_cells
from astrid_core.shared.errors import BadConfiguration
from astrid_core.shared.region_text import read_map_name
from astrid_core.shared.sky import Region

MOST_RANGES = 100_000
"""Runs of cells of one region: its text, about ten bytes each, travels with every task of a search."""
_MOST_MOC_BYTES = 64 * 2**20


def read_region(text: str) -> Region:
    """Return a region; one that names a file becomes ``moc(...)``, which says the same wherever the file is not.

    Besides what ``Region.parse`` reads: ``skymap(FILE, LEVEL)``, a probability sky map and a credible level, and
    ``moc(FILE.fits)``. ValueError where the text is wrong, BadConfiguration where the file is.
    """
    if (named := read_map_name(text)) is not None:
        path, level = Path(named[0]).expanduser(), named[1]
        return _as_cells(credible_cells(read_sky_map(path), level), path)
    if found := re.fullmatch(r"\s*moc\s*\(\s*(.+\.fits(?:\.gz)?)\s*\)\s*", text):
        path = Path(found[1]).expanduser()
        return _as_cells(_read_moc_file(path), path)
    return Region.parse(text)


def _as_cells(moc: MOC, path: Path) -> Region:
    if moc.empty():
        raise BadConfiguration("the file holds no cell", file=path)
    n_ranges = len(moc.to_depth29_ranges)
    if n_ranges > MOST_RANGES:
        raise BadConfiguration("the region is in too many pieces", file=path, pieces=n_ranges, allowed=MOST_RANGES)
    return Region.parse(f"moc({moc.to_string()})")


def _read_moc_file(path: Path) -> MOC:
    with opened(path):
        pass  # all of it is there
    n_bytes = path.stat().st_size
    if n_bytes > _MOST_MOC_BYTES:
        raise BadConfiguration("a MOC file is not as large", file=path, bytes=n_bytes, allowed=_MOST_MOC_BYTES)
    try:
        return MOC.from_fits(path)
    except (ValueError, OSError, BaseException) as error:  # what mocpy panics with is no Exception
        if isinstance(error, KeyboardInterrupt | SystemExit | MemoryError):
            raise
        raise BadConfiguration("not a MOC file", file=path, cause=str(error)[:200]) from error
