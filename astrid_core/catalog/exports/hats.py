"""The objects as a HATS catalog: Parquet files by cells of the sky, none with too many rows."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from astrid_core.catalog.exports.frozen import ROWS_PER_GROUP, WRITING, FrozenTable, schema_of, told_of
from astrid_core.shared.sky import HPX_ORDER, SkyCell

_FINEST = 8
"""Cells are not divided further, however full they are; the counts of this order fit into 6 MB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    cell: SkyCell
    n_rows: int

    @property
    def path(self) -> str:
        cell = self.cell
        return f"Norder={cell.order}/Dir={cell.number // 10_000 * 10_000}/Npix={cell.number}.parquet"


def write_hats(folder: Path, table: FrozenTable, *, max_rows: int) -> None:
    """Write a catalog of objects, ordered by ``hpx29``, into ``folder``; files hold ``max_rows`` rows at most."""
    parts = list(_divided(_counts(table), max_rows))
    dataset = folder / "dataset"
    dataset.mkdir(parents=True)
    schema = schema_of(table.spec).with_metadata(dict(told_of(table.spec, table.widths)))
    groups: list[Any] = []
    batches = _groups(table, schema)
    held = next(batches, None)
    for part in parts:
        path = dataset / part.path
        path.parent.mkdir(parents=True, exist_ok=True)
        told: list[Any] = []
        with pq.ParquetWriter(path, schema, metadata_collector=told, **WRITING) as writer:
            missing = part.n_rows
            while missing and held is not None:
                some = held.slice(0, missing)
                writer.write_table(some, row_group_size=ROWS_PER_GROUP)
                missing -= some.num_rows
                rest = held.slice(some.num_rows)
                held = rest if rest.num_rows else next(batches, None)
        told[0].set_file_path(part.path)
        groups += told
    pq.write_metadata(schema, dataset / "_metadata", metadata_collector=groups, **WRITING)
    pq.write_metadata(schema, dataset / "_common_metadata", **WRITING)
    _write_list(folder, parts)
    _write_properties(folder, table, parts)


def _groups(table: FrozenTable, schema: Any) -> Iterator[Any]:
    with pq.ParquetFile(table.path) as file:
        for number in range(file.num_row_groups):
            yield file.read_row_group(number, use_threads=False).cast(schema)


def _counts(table: FrozenTable) -> NDArray[np.int64]:
    """Return the rows in each cell of the finest order."""
    counts = np.zeros(12 * 4**_FINEST, dtype=np.int64)
    for batch in table.batches(["hpx29"]):
        cells = batch.column(0).to_numpy() >> 2 * (HPX_ORDER - _FINEST)
        counts += np.bincount(cells, minlength=len(counts))
    return counts


def _divided(counts: NDArray[np.int64], max_rows: int) -> Iterator[_Part]:
    """Yield cells that hold something, in the order of the rows: each divided in four until few enough are in it."""

    def divide(cell: SkyCell) -> Iterator[_Part]:
        shift = 2 * (_FINEST - cell.order)
        n_rows = int(counts[cell.number << shift : (cell.number + 1) << shift].sum())
        if not n_rows:
            return
        if n_rows <= max_rows or cell.order == _FINEST:
            yield _Part(cell=cell, n_rows=n_rows)
            return
        for quarter in range(4):
            yield from divide(SkyCell(order=cell.order + 1, number=4 * cell.number + quarter))

    for number in range(12):
        yield from divide(SkyCell(order=0, number=number))


def _write_list(folder: Path, parts: Sequence[_Part]) -> None:
    with (folder / "partition_info.csv").open("w", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(["Norder", "Npix"])
        writer.writerows((part.cell.order, part.cell.number) for part in parts)


def _write_properties(folder: Path, table: FrozenTable, parts: Sequence[_Part]) -> None:
    covered = sum(1.0 / (12 * 4**part.cell.order) for part in parts)
    told = {
        "obs_collection": f"astrid_{table.spec.name}",
        "obs_title": table.spec.title,
        "dataproduct_type": "object",
        "hats_nrows": table.n_rows,
        "hats_col_ra": "ra_deg",
        "hats_col_dec": "dec_deg",
        "hats_col_healpix": "hpx29",
        "hats_col_healpix_order": HPX_ORDER,
        "hats_npix_suffix": ".parquet",
        "hats_order": max((part.cell.order for part in parts), default=0),
        "hats_max_rows": max((part.n_rows for part in parts), default=0),
        "hats_frame": "ICRS",
        "moc_sky_fraction": f"{covered:.8f}",
        "hats_builder": "AstrID",
    }
    text = "".join(f"{name}={value}\n" for name, value in told.items())
    (folder / "hats.properties").write_text(text)
