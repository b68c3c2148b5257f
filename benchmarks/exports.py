"""What an extract of a large catalog costs in time and memory: ``python -m benchmarks.exports``.

Each size in a process of its own: a catalog in SQLite, one brightness an object, frozen and written in every format.
``--page`` writes benchmarks/exports.md.
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
from uuid import UUID

import numpy as np
from sqlalchemy import insert, text

from astrid_core.adapters.db.engine import open_engine
from astrid_core.adapters.db.rows.catalog import CatalogEntryRow, LightCurvePointRow
from astrid_core.bootstrap import migrate_database, open_services
from astrid_core.catalog.entities import CatalogEntry, EntryStatus, LightCurvePoint
from astrid_core.catalog.exports.config import ExportConfig
from astrid_core.settings import Settings
from astrid_core.shared.sky import SkyPosition
from astrid_core.stages.export import run_export

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "benchmarks" / "exports.md"
SIZES = (10_000, 100_000, 1_000_000)
_AT_ONCE = 20_000


def fill(settings: Settings, n: int) -> None:
    """Write a catalog of ``n`` objects spread evenly over the sky, each seen once."""
    migrate_database(settings)
    engine = open_engine(settings.own_database)
    rng = np.random.default_rng(1)
    with engine.begin() as connection:
        # What the brightnesses are of does not matter here.
        connection.execute(text("PRAGMA foreign_keys = OFF"))
        for start in range(0, n, _AT_ONCE):
            objects, points = [], []
            for number in range(start, min(n, start + _AT_ONCE)):
                entry, point = _object(number, rng)
                objects.append(CatalogEntryRow.values(entry))
                points.append(LightCurvePointRow.values(point))
            for row, values in ((CatalogEntryRow, objects), (LightCurvePointRow, points)):
                connection.execute(insert(row), values)
    engine.dispose()


def _object(number: int, rng: np.random.Generator) -> tuple[CatalogEntry, LightCurvePoint]:
    place = SkyPosition(ra_deg=float(rng.uniform(0.0, 360.0)), dec_deg=float(np.degrees(np.arcsin(rng.uniform(-1, 1)))))
    identity = UUID(bytes=rng.bytes(16))
    entry = CatalogEntry(
        id=identity, position=place, first_mjd=60000.0 + number % 365, last_mjd=60000.0 + number % 365, n_detections=1,
        best_score=float(rng.uniform(0.5, 1.0)), peak_significance=float(rng.normal(12.0, 3.0)),
        status=EntryStatus.CANDIDATE,
    )  # fmt: skip
    point = LightCurvePoint(
        entry_id=identity, detection_id=f"detect-{rng.bytes(16).hex()}:{number % 97}",
        observation_id=f"simulated:{number % 365}.fits", reference_digest="0" * 64, position=place, band="r",
        mid_mjd=entry.first_mjd, flux=float(rng.normal(1000.0, 100.0)), flux_err=float(rng.uniform(5.0, 50.0)),
        mag_ab=float(rng.uniform(18.0, 22.0)), mag_err=float(rng.uniform(0.01, 0.2)),
        significance=entry.peak_significance, score=entry.best_score,
    )  # fmt: skip
    return entry, point


def measure(home: Path) -> dict[str, float]:
    """Return seconds, memory and bytes of an extract of the catalog in ``home``."""
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


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0


def run(sizes: Sequence[int]) -> Sequence[Mapping[str, float]]:
    """Return what ``measure`` finds per size."""
    results = []
    for size in sizes:
        with tempfile.TemporaryDirectory(prefix="astrid_exports_") as name:
            command = [sys.executable, "-m", "benchmarks.exports", "--home", name]
            # The catalog is made by another process: what that needed does not count.
            subprocess.run([*command, "--fill", str(size)], check=True, cwd=ROOT)
            done = subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.PIPE)
            results.append(json.loads(done.stdout.splitlines()[-1]))
    return results


def table(results: Sequence[Mapping[str, float]]) -> str:
    """Return a row per size."""
    columns = (
        "objects (and as many brightnesses)", "s", "objects per s", "MiB at the peak", "of them before it began",
        "bytes of files per object",
    )  # fmt: skip
    lines = [f"| {' | '.join(columns)} |", "|" + "---|" * len(columns)]
    lines += [
        f"| {one['n']:.0f} | {one['s']:.1f} | {one['n'] / one['s']:.0f} | {one['after_mib']:.0f} "
        f"| {one['before_mib']:.0f} | {one['bytes'] / one['n']:.0f} |"
        for one in results
    ]
    return "\n".join(lines)


def page(results: Sequence[Mapping[str, float]], command: str) -> str:
    """Return benchmarks/exports.md."""
    return f"""# Extracts of large catalogs

Written by `{command}`: a catalog in SQLite, evenly over the sky, frozen and written as Parquet, CSV, ECSV, FITS,
VOTable, HATS and DS9 regions, with the archive of the thousand strongest objects (light curves only: there are no
pixels). One process, one core.

{table(results)}

Rows are read, written and forgotten some thousand at a time; from a hundred thousand objects on, Parquet is written in
groups of 65,536 rows.
"""


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES))
    parser.add_argument("--page", action="store_true", help="write benchmarks/exports.md")
    parser.add_argument("--home", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--fill", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.home is not None and arguments.fill:
        fill(Settings(home=arguments.home), arguments.fill)
    elif arguments.home is not None:
        print(json.dumps(measure(arguments.home)))
    else:
        results = run(arguments.sizes)
        print(table(results))
        if arguments.page:
            PAGE.write_text(page(results, " ".join(["python -m benchmarks.exports", *sys.argv[1:]])))


if __name__ == "__main__":
    main()
