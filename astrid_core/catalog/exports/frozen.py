"""The catalog as it was: one Parquet file a table, from which every other format is written, rows by rows."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from astrid_core.catalog.exports.columns import Cell, Column, ColumnKind, TableSpec, cells
from astrid_core.catalog.exports.votable import metadata

ROWS_PER_GROUP = 65_536
"""Of a Parquet file. Groups end where they end however the rows arrived: the same rows are the same bytes."""
_ROWS_AT_ONCE = 8_192
_TYPES = {
    ColumnKind.CODE: pa.string(),
    ColumnKind.TEXT: pa.string(),
    ColumnKind.INTEGER: pa.int64(),
    ColumnKind.REAL: pa.float64(),
    ColumnKind.FLAG: pa.bool_(),
}
WRITING: dict[str, Any] = {"compression": "zstd", "version": "2.6"}
"""How Parquet is written, everywhere alike."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FrozenTable:
    """One table of an extract in a file."""

    spec: TableSpec
    path: Path
    n_rows: int
    widths: Mapping[str, int]
    """The longest text of each column of text, in characters; at least 1."""

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[Any]:
        """Yield record batches in order, some thousand rows each."""
        with pq.ParquetFile(self.path) as file:
            names = None if columns is None else list(columns)
            yield from file.iter_batches(batch_size=_ROWS_AT_ONCE, columns=names, use_threads=False)

    def values(self, columns: Sequence[str] | None = None) -> Iterator[list[Sequence[Cell]]]:
        """Yield the values of every column, or of some in their order, some thousand rows at a time."""
        for batch in self.batches(columns):
            yield [plain_values(batch.column(name)) for name in columns or batch.schema.names]


class FrozenWriter:
    """Takes entities in their order and writes their table."""

    def __init__(self, spec: TableSpec, path: Path) -> None:
        self._spec, self._path = spec, path
        self._schema = schema_of(spec)
        self._writer = pq.ParquetWriter(path, self._schema, **WRITING)
        self._held: list[Any] = []
        self._n_held = self._n_rows = 0
        self._widths = {one.name: 1 for one in spec.columns if one.kind in (ColumnKind.CODE, ColumnKind.TEXT)}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if error is None:
            self._write_groups(at_least=1)
            self._writer.add_key_value_metadata(told_of(self._spec, self._widths))
        self._writer.close()

    def write(self, records: Sequence[object]) -> None:
        """Add rows."""
        columns = [
            pa.array(cells(column, records), field.type)
            for column, field in zip(self._spec.columns, self._schema, strict=True)
        ]
        for name in self._widths:
            longest = pc.max(pc.utf8_length(columns[self._schema.get_field_index(name)])).as_py()
            self._widths[name] = max(self._widths[name], longest or 0)
        self._held.append(pa.Table.from_arrays(columns, schema=self._schema))
        self._n_held += len(records)
        self._n_rows += len(records)
        self._write_groups(at_least=ROWS_PER_GROUP)

    @property
    def table(self) -> FrozenTable:
        """What was written; complete once the writer is left."""
        return FrozenTable(spec=self._spec, path=self._path, n_rows=self._n_rows, widths=dict(self._widths))

    def _write_groups(self, *, at_least: int) -> None:
        if self._n_held < at_least:
            return
        held = pa.concat_tables(self._held)
        first = 0
        while held.num_rows - first >= at_least:
            group = held.slice(first, ROWS_PER_GROUP)
            # One chunk: how the rows arrived must not show in the pages of the file.
            self._writer.write_table(group.combine_chunks(), row_group_size=ROWS_PER_GROUP)
            first += group.num_rows
        self._held, self._n_held = [held.slice(first)], held.num_rows - first


def plain_values(array: Any) -> Sequence[Cell]:
    """Return the values of an Arrow array; None for null."""
    if pa.types.is_string(array.type) or (array.null_count == 0 and not pa.types.is_boolean(array.type)):
        # Ten times as fast as Arrow's own way, which makes an object of every value before it makes a value of it.
        values: list[Cell] = array.to_numpy(zero_copy_only=False).tolist()
        return values
    told: list[Cell] = array.to_pylist()
    return told


def schema_of(spec: TableSpec) -> Any:
    """Return the Arrow schema of a table."""
    return pa.schema(
        [pa.field(one.name, _TYPES[one.kind], nullable=one.nullable, metadata=_told(one)) for one in spec.columns]
    )


def told_of(table: TableSpec, widths: Mapping[str, int]) -> Mapping[str, str]:
    """Return what a Parquet file says of its table besides its schema: a VOTable without rows (VOParquet 1.0)."""
    # astropy's reader wants widths of text here, and not that they vary.
    content = metadata(table, widths=widths)
    return {"IVOA.VOTable-Parquet.version": "1.0", "IVOA.VOTable-Parquet.content": content}


def _told(column: Column) -> dict[str, str]:
    return {"ucd": column.ucd, "unit": column.unit, "description": column.description}
