"""What changed from one extract of the catalog to another."""

import csv
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory

from astrid_core.catalog.exports.compare import Difference, compare
from astrid_core.catalog.exports.tables import ENTRIES, TABLES
from astrid_core.shared.artifacts import chunks
from astrid_core.shared.errors import Unprocessable
from astrid_core.shared.runs import RunKey
from astrid_core.stages.release import extract
from astrid_core.stages.services import Services


def compare_exports(
    services: Services, before: RunKey, after: RunKey, out: Path | None = None
) -> Mapping[str, Difference]:
    """Return what changed in each table; write every change to ``out``, too, one cell a line.

    A table that only one of them has is not compared: its columns are told as gained or lost. Raise UnknownRecord
    without such an extract, and Unprocessable for one from before extracts were frozen as Parquet.
    """
    found: dict[str, Difference] = {}
    with (
        TemporaryDirectory(prefix="astrid-extracts-") as name,
        out.open("w", encoding="utf-8", newline="") if out else nullcontext() as file,
    ):
        writer = csv.writer(file) if file else None
        if writer:
            writer.writerow(["table", "key", "change", "column", "before", "after"])
        for table in TABLES:
            old, new = (_fetch(services, key, table.name, Path(name)) for key in (before, after))
            found[table.name] = Difference()
            if old is None or new is None:
                columns = tuple(one.name for one in table.columns)
                found[table.name].columns_gained = columns if old is None and new is not None else ()
                found[table.name].columns_lost = columns if new is None and old is not None else ()
                continue
            for one in compare(old, new, key=table.key, found=found[table.name]):
                cells = one.cells or {"": (None, None)}
                if writer:
                    writer.writerows([table.name, one.key, one.change, column, *both] for column, both in cells.items())
    return found


def _fetch(services: Services, key: RunKey, table: str, folder: Path) -> Path | None:
    """Write a table of an extract into a file; None where the extract is from before there was such a table."""
    with services.transaction() as records:
        job = extract(records, key)
    ref = job.files.get(f"{table}.parquet")
    if ref is None and f"{ENTRIES.name}.parquet" in job.files:
        return None
    if ref is None:
        raise Unprocessable("this extract was not frozen as Parquet", run=key, known=", ".join(sorted(job.files)))
    path = folder / f"{ref.digest}.parquet"
    with path.open("wb") as out:
        out.writelines(chunks(services.artifacts, ref.digest))
    return path
