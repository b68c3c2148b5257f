"""What changed between two frozen tables: rows gained, lost and changed, column by column."""

import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from astrid_core.catalog.exports.columns import Cell

_ROWS_AT_ONCE = 100_000
_MOST_PARTS = 200
"""Files that are open at once."""


class Change(StrEnum):
    """What became of a row."""

    GAINED = "gained"
    LOST = "lost"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class RowChange:
    """One row that is not the same in both tables."""

    key: str
    """The values that tell it apart, with colons between them."""
    change: Change
    cells: Mapping[str, tuple[Cell, Cell]] = field(default_factory=dict)
    """Of a changed row: what was in a column and what is in it now."""


@dataclass(slots=True, kw_only=True)
class Difference:
    """How much changed; complete when all changes have been looked at."""

    n_same: int = 0
    n_by_change: Counter[str] = field(default_factory=Counter)
    n_by_column: Counter[str] = field(default_factory=Counter)
    """Changed rows by the column that changed."""
    columns_gained: tuple[str, ...] = ()
    columns_lost: tuple[str, ...] = ()


def compare(before: Path, after: Path, *, key: Sequence[str], found: Difference) -> Iterator[RowChange]:
    """Yield the changes from one Parquet file to another, and count them in ``found``.

    Rows are paired by ``key``; columns that only one table has are named and not compared. A hundred thousand rows are
    in memory at a time, however many there are.
    """
    names, new = _names(before), _names(after)
    found.columns_gained = tuple(name for name in new if name not in names)
    found.columns_lost = tuple(name for name in names if name not in new)
    both = [name for name in names if name in new]
    n_parts = min(_MOST_PARTS, 1 + max(_n_rows(before), _n_rows(after)) // _ROWS_AT_ONCE)
    with TemporaryDirectory(prefix="astrid-compare-") as folder:
        old_parts = _part(before, Path(folder) / "before", key, both, n_parts)
        new_parts = _part(after, Path(folder) / "after", key, both, n_parts)
        for old_part, new_part in zip(old_parts, new_parts, strict=True):
            for one in _changes(old_part, new_part, key, found):
                found.n_by_change[one.change] += 1
                found.n_by_column.update(one.cells.keys())
                yield one


def _changes(before: Path, after: Path, key: Sequence[str], found: Difference) -> Iterator[RowChange]:
    old = {_name([row[one] for one in key]): row for row in _rows(before)}
    for row in _rows(after):
        name = _name([row[one] for one in key])
        was = old.pop(name, None)
        if was is None:
            yield RowChange(key=name, change=Change.GAINED)
        elif was == row:
            found.n_same += 1
        else:
            cells = {column: (was[column], value) for column, value in row.items() if was[column] != value}
            yield RowChange(key=name, change=Change.CHANGED, cells=cells)
    for name in old:
        yield RowChange(key=name, change=Change.LOST)


def _name(values: Sequence[Any]) -> str:
    return ":".join(values)


def _part(table: Path, folder: Path, key: Sequence[str], columns: list[str], n_parts: int) -> list[Path]:
    """Divide a table into files by a checksum of its key: what belongs together is in files of the same number."""
    folder.mkdir()
    paths = [folder / f"{number}.arrow" for number in range(n_parts)]
    with pq.ParquetFile(table) as file, ExitStack() as stack:
        schema = pa.schema([file.schema_arrow.field(name) for name in columns])
        writers = [stack.enter_context(pa.ipc.new_file(str(path), schema)) for path in paths]
        for batch in file.iter_batches(columns=columns, use_threads=False):
            values = zip(*(batch.column(one).to_pylist() for one in key), strict=True)
            part_of = [zlib.crc32(_name(one).encode()) % n_parts for one in values]
            for number, writer in enumerate(writers):
                wanted = pa.array([part == number for part in part_of])
                writer.write_batch(pa.RecordBatch.from_arrays(batch.filter(wanted).columns, schema=schema))
    return paths


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    with pa.OSFile(str(path)) as file, pa.ipc.open_file(file) as reader:
        for number in range(reader.num_record_batches):
            yield from reader.get_batch(number).to_pylist()


def _names(table: Path) -> list[str]:
    names: list[str] = pq.read_schema(table).names
    return names


def _n_rows(table: Path) -> int:
    n_rows: int = pq.read_metadata(table).num_rows
    return n_rows
