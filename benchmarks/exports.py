"""What an extract of a large catalog costs in time and memory: ``python -m benchmarks.exports``.

Each extract in a process of its own: a catalog in SQLite, frozen and written. ``--page`` writes benchmarks/exports.md.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
from astropy_healpix import HEALPix

from astrid_core.bootstrap import open_services
from astrid_core.catalog.entities import CatalogEntry, EntryStatus
from astrid_core.catalog.exports.config import ExportConfig, Format
from astrid_core.catalog.exports.frozen import FrozenWriter
from astrid_core.catalog.exports.records import ClassedEntry
from astrid_core.catalog.exports.tables import ENTRIES
from astrid_core.catalog.exports.write import write_formats
from astrid_core.settings import Settings
from astrid_core.shared.sky import HPX_ORDER, SkyPosition
from astrid_core.stages.export import run_export
from benchmarks.large_catalog import EVERY, fill

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "benchmarks" / "exports.md"
SIZES = (10_000, 100_000, 1_000_000)
EVERYTHING = tuple(one.value for one in Format)
ROWS = (1_000_000, 10_000_000)
SOME = (Format.CSV.value, Format.HATS.value)
"""What is written of so many rows: all formats together take longer than twenty minutes."""
_AT_ONCE = 5_000


def measure(home: Path) -> Mapping[str, Any]:
    """Return seconds, memory and bytes of an extract of the catalog in ``home``, in every format."""
    with open_services(Settings(home=home)) as services:
        before = _peak_mib()
        start = time.monotonic()
        key = run_export(services, ExportConfig())
        taken_s = time.monotonic() - start
        after = _peak_mib()
        with services.transaction() as records:
            job = records.exports.find(key)
    if job is None:
        raise ValueError("the extract that was made is on record")
    n_bytes = sum(ref.n_bytes for ref in job.files.values())
    return {"n": job.n_entries, "s": taken_s, "before_mib": before, "after_mib": after, "bytes": n_bytes}


def measure_rows(folder: Path, n: int) -> Mapping[str, Any]:
    """Return the same of freezing and writing ``n`` invented objects without a database, in some formats."""
    rng = np.random.default_rng(1)
    before, start = _peak_mib(), time.monotonic()
    with FrozenWriter(ENTRIES, folder / "catalog.parquet") as writer:
        for first in range(0, n, _AT_ONCE):
            writer.write(_invented(first, min(n, first + _AT_ONCE), n, rng))
    for _ in write_formats(folder, [writer.table], ExportConfig(formats=SOME)):
        pass
    taken_s, after = time.monotonic() - start, _peak_mib()
    n_bytes = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return {"n": n, "s": taken_s, "before_mib": before, "after_mib": after, "bytes": n_bytes}


def _invented(first: int, behind: int, n: int, rng: np.random.Generator) -> Sequence[ClassedEntry]:
    """Return objects in the order of an extract, evenly over the sky."""
    numbers = np.arange(first, behind)
    lon, lat = HEALPix(nside=2**HPX_ORDER, order="nested").healpix_to_lonlat(numbers * (12 * 4**HPX_ORDER // n))
    scores, sigmas = rng.uniform(0.5, 1.0, len(numbers)), rng.normal(12.0, 3.0, len(numbers))
    told = zip(numbers.tolist(), (lon.deg % 360.0).tolist(), lat.deg.tolist(), scores.tolist(), sigmas.tolist(),
               strict=True)  # fmt: skip
    return [
        ClassedEntry(
            entry=CatalogEntry(
                id=UUID(int=number), position=SkyPosition(ra_deg=ra_deg, dec_deg=dec_deg), position_err_arcsec=0.05,
                first_mjd=60000.0 + number % 365, last_mjd=60000.0 + number % 365, n_detections=1, best_score=score,
                peak_significance=sigma, status=EntryStatus.CANDIDATE,
            )
        )
        for number, ra_deg, dec_deg, score, sigma in told
    ]  # fmt: skip


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0


def run(sizes: Sequence[int]) -> Sequence[Mapping[str, Any]]:
    """Return what ``measure`` finds per size, each in a process of its own."""
    results = []
    for size in sizes:
        with tempfile.TemporaryDirectory(prefix="astrid_exports_") as name:
            # The catalog is made by another process: what that needed does not count.
            _said("--home", name, "--fill", str(size))
            results.append(_said("--home", name))
    return results


def run_rows(sizes: Sequence[int]) -> Sequence[Mapping[str, Any]]:
    """Return what ``measure_rows`` finds per size, each in a process of its own."""
    results = []
    for size in sizes:
        with tempfile.TemporaryDirectory(prefix="astrid_exports_") as name:
            results.append(_said("--home", name, "--write", str(size)))
    return results


def _said(*arguments: str) -> Mapping[str, Any]:
    command = [sys.executable, "-m", "benchmarks.exports", *arguments]
    done = subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.PIPE)
    told: Mapping[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


def table(results: Sequence[Mapping[str, Any]]) -> str:
    """Return a row per extract."""
    columns = ("objects", "s", "objects per s", "MiB at the peak", "of them before it began", "bytes per object")
    lines = [f"| {' | '.join(columns)} |", "|" + "---|" * len(columns)]
    lines += [
        f"| {one['n']:,} | {one['s']:.1f} | {one['n'] / one['s']:.0f} | {one['after_mib']:.0f} "
        f"| {one['before_mib']:.0f} | {one['bytes'] / one['n']:.0f} |"
        for one in results
    ]
    return "\n".join(lines)


def page(read: Sequence[Mapping[str, Any]], written: Sequence[Mapping[str, Any]], command: str) -> str:
    """Return benchmarks/exports.md."""
    return f"""# Extracts of large catalogs

Written by `{command}`. One process, one core; seconds are those of the clock, and other work on the machine counts.

## From the database to every format

A catalog in SQLite, evenly over the sky, frozen as Parquet and written as CSV, ECSV, FITS, VOTable, HATS and DS9
regions, with the archive of the thousand strongest objects (light curves only: there are no pixels). Each object was
detected once, so that there are as many brightnesses; one in {EVERY} is classed, and measured where it was not found.

{table(read)}

## Ten million rows

The table of the objects alone, invented a few thousand at a time and not read from a database, frozen as Parquet and
written as {" and ".join(SOME)}: what holds them while they pass is the same. All formats of so many objects would take
longer than twenty minutes.

{table(written)}

Every format is written from the frozen tables, some thousand rows at a time. From a hundred thousand objects on,
Parquet is written in groups of 65,536 rows.
"""


def main() -> None:
    """Measure and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="*", default=list(SIZES), help="objects that are read")
    parser.add_argument("--rows", type=int, nargs="*", default=list(ROWS), help="objects that are written only")
    parser.add_argument("--page", action="store_true", help="write benchmarks/exports.md")
    parser.add_argument("--home", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--fill", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--write", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.home is not None and arguments.fill:
        fill(Settings(home=arguments.home), arguments.fill)
        print(json.dumps({"n": arguments.fill}))
    elif arguments.home is not None and arguments.write:
        print(json.dumps(measure_rows(arguments.home, arguments.write)))
    elif arguments.home is not None:
        print(json.dumps(measure(arguments.home)))
    else:
        read, written = run(arguments.sizes), run_rows(arguments.rows)
        print(f"{table(read)}\n\n{table(written)}")
        if arguments.page:
            PAGE.write_text(page(read, written, " ".join(["python -m benchmarks.exports", *sys.argv[1:]])))


if __name__ == "__main__":
    main()
