"""Tables of stars in files, as archives give them: FITS, VOTable, ECSV, CSV and Parquet."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from astropy.io.registry import IORegistryError
from astropy.table import Table
from numpy.typing import NDArray

from astrid_core.adapters.catalogs.columns import RawTable, epoch_of, find_dialect, to_stars
from astrid_core.preprocessing.catalog_stars import CatalogStars
from astrid_core.shared.errors import BadConfiguration, UnexpectedAnswer

_PARQUET = (".parquet", ".parq")
_BROKEN_TABLE = (ValueError, OSError, IndexError, KeyError, TypeError, pa.ArrowException)


def read_star_table(path: Path, *, catalog: str, epoch_yr: float | None = None) -> CatalogStars:
    """Return the stars of a file.

    ``epoch_yr`` is the Julian year of the positions; where the file tells one itself, another is BadConfiguration, and
    so is none at all. UnexpectedAnswer for a file that is no table of stars.
    """
    table = read_table(path)
    dialect = find_dialect(table, source=str(path))
    told = epoch_of(table, dialect)
    if told is None and epoch_yr is None:
        raise BadConfiguration("file does not tell the epoch of its positions: give it", file=path)
    if told is not None and epoch_yr is not None and abs(told - epoch_yr) > 0.01:
        raise BadConfiguration("file tells another epoch", file=path, told=told, given=epoch_yr)
    return to_stars(table, dialect, catalog=catalog, epoch_yr=float(told if told is not None else epoch_yr or np.nan))


def read_table(path: Path) -> RawTable:
    """Return the columns of a file; UnexpectedAnswer if it is no table that can be read."""
    return _parquet(path) if path.suffix.lower() in _PARQUET else _astropy(path)


def _parquet(path: Path) -> RawTable:
    try:
        table = pq.read_table(path)
    except FileNotFoundError:
        raise
    except _BROKEN_TABLE as error:
        raise UnexpectedAnswer("table cannot be read", file=path, cause=_line(error)) from error
    numeric = [one.name for one in table.schema if pa.types.is_floating(one.type) or pa.types.is_integer(one.type)]
    worded = [one.name for one in table.schema if pa.types.is_string(one.type) or pa.types.is_integer(one.type)]
    return RawTable(
        columns={name: table[name].to_numpy() for name in numeric},
        texts={name: _words(table[name].to_pylist()) for name in worded},
    )


def _astropy(path: Path) -> RawTable:
    try:
        return from_astropy(Table.read(path))
    except FileNotFoundError:
        raise
    except IORegistryError as error:
        raise UnexpectedAnswer("file has none of the formats of tables that can be read", file=path) from error
    except _BROKEN_TABLE as error:
        raise UnexpectedAnswer("table cannot be read", file=path, cause=_line(error)) from error


def from_astropy(table: Table) -> RawTable:
    """Return the columns of numbers and of words of an astropy table."""
    numeric = [name for name in table.colnames if np.issubdtype(table[name].dtype, np.number) and table[name].ndim == 1]
    units = {name: str(table[name].unit) for name in numeric if table[name].unit is not None}
    worded = [name for name in table.colnames if table[name].dtype.kind in "SUOiu" and table[name].ndim == 1]
    return RawTable(
        columns={name: np.ma.asarray(table[name]) for name in numeric},
        units=units,
        texts={name: _words(table[name].tolist()) for name in worded},
    )


def _words(values: Sequence[object]) -> NDArray[np.object_]:
    """Return values as they are written, empty where there is none."""
    read = (one.decode("utf-8", "replace") if isinstance(one, bytes) else one for one in values)
    return np.array(["" if one is None else str(one).strip() for one in read], dtype=object)


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
