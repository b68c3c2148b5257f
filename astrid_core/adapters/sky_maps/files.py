"""FITS files that say where on the sky something is: whole ones only, and their tables of numbers."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from astropy.io import fits
from numpy.typing import NDArray

from astrid_core.observations.config import IngestConfig
from astrid_core.observations.structure import walk
from astrid_core.shared.errors import BadConfiguration, UnusableFile


@contextmanager
def opened(path: Path) -> Iterator[fits.HDUList]:
    """Open a file, packed or not, none of which is missing; BadConfiguration names it and what is wrong."""
    try:
        with path.open("rb") as stream:
            walk(stream, name=str(path), config=IngestConfig())
        with fits.open(path) as hdus:
            yield hdus
    except UnusableFile as error:
        raise BadConfiguration(error.message, **error.facts) from error
    except OSError as error:
        raise BadConfiguration("the file cannot be read", file=path, cause=str(error)) from error


def find_table(hdus: fits.HDUList, wanted: Sequence[Sequence[str]], *, path: Path) -> fits.BinTableHDU:
    """Return the first table that has all of some columns; BadConfiguration where there is none."""
    for hdu in hdus:
        if isinstance(hdu, fits.BinTableHDU):
            names = {name.upper() for name in hdu.columns.names}
            if any(names.issuperset(columns) for columns in wanted):
                return hdu
    told = " or ".join(" and ".join(columns) for columns in wanted)
    raise BadConfiguration("not a sky map: no table with the columns", file=path, columns=told)


def numbers(table: fits.BinTableHDU, name: str, *, path: Path) -> NDArray[Any]:
    """Return a column as numbers of this machine, one after the other, however many are in a row."""
    column = table.data[name]
    if column.dtype.kind not in "iuf":
        told = table.columns[name].format
        raise BadConfiguration("a column without plain numbers", file=path, column=name, format=told)
    found: NDArray[Any] = column.ravel().astype(column.dtype.newbyteorder("="))
    return found
