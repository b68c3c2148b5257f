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

from astrid_core.bootstrap import open_services
from astrid_core.catalog.exports.config import ExportConfig, Format
from astrid_core.settings import Settings
from astrid_core.stages.export import run_export
from benchmarks.large_catalog import EVERY, fill

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "benchmarks" / "exports.md"
EVERYTHING = tuple(one.value for one in Format)
SOME = (Format.CSV.value, Format.HATS.value)
"""What is written of ten million objects: all of it takes longer than twenty minutes."""
SIZES = {10_000: (EVERYTHING,), 100_000: (EVERYTHING,), 1_000_000: (EVERYTHING, SOME), 10_000_000: (SOME,)}
"""Formats of each extract by the size of the catalog."""


def measure(home: Path, formats: Sequence[str]) -> Mapping[str, Any]:
    """Return seconds, memory and bytes of an extract of the catalog in ``home``."""
    with open_services(Settings(home=home)) as services:
        before = _peak_mib()
        start = time.monotonic()
        key = run_export(services, ExportConfig(formats=tuple(formats)))
        taken_s = time.monotonic() - start
        after = _peak_mib()
        with services.transaction() as records:
            job = records.exports.find(key)
    if job is None:
        raise ValueError("the extract that was made is on record")
    n_bytes = sum(ref.n_bytes for ref in job.files.values())
    told = {"n": job.n_entries, "s": taken_s, "before_mib": before, "after_mib": after, "bytes": n_bytes}
    return {**told, "formats": list(formats)}


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0


def run(sizes: Sequence[int]) -> Sequence[Mapping[str, Any]]:
    """Return what ``measure`` finds per size and choice of formats."""
    results = []
    for size in sizes:
        with tempfile.TemporaryDirectory(prefix="astrid_exports_") as name:
            command = [sys.executable, "-m", "benchmarks.exports", "--home", name]
            # The catalog is made by another process: what that needed does not count.
            subprocess.run([*command, "--fill", str(size)], check=True, cwd=ROOT)
            for formats in SIZES.get(size, (EVERYTHING,)):
                wanted = [*command, "--formats", *formats]
                done = subprocess.run(wanted, check=True, cwd=ROOT, stdout=subprocess.PIPE)
                results.append(json.loads(done.stdout.splitlines()[-1]))
    return results


def table(results: Sequence[Mapping[str, Any]]) -> str:
    """Return a row per extract."""
    columns = (
        "objects (and as many brightnesses)", "besides Parquet", "s", "objects per s", "MiB at the peak",
        "of them before it began", "bytes of files per object",
    )  # fmt: skip
    lines = [f"| {' | '.join(columns)} |", "|" + "---|" * len(columns)]
    lines += [
        f"| {one['n']:,} | {'all' if tuple(one['formats']) == EVERYTHING else ', '.join(one['formats'])} "
        f"| {one['s']:.1f} | {one['n'] / one['s']:.0f} | {one['after_mib']:.0f} | {one['before_mib']:.0f} "
        f"| {one['bytes'] / one['n']:.0f} |"
        for one in results
    ]
    return "\n".join(lines)


def page(results: Sequence[Mapping[str, Any]], command: str) -> str:
    """Return benchmarks/exports.md."""
    return f"""# Extracts of large catalogs

Written by `{command}`: a catalog in SQLite, evenly over the sky, frozen as Parquet and written in other formats. Each
object was detected once, and one in {EVERY} is classed and was measured where it was not found. *All* are CSV, ECSV,
FITS, VOTable, HATS and DS9 regions, and the archive of the thousand strongest objects (light curves only: there are no
pixels). One process, one core.

{table(results)}

Ten million objects are written as {", ".join(SOME)}, besides Parquet, only because more would take too long here: every
format is written from the same frozen tables, some thousand rows at a time. From a hundred thousand objects on, Parquet
is written in groups of 65,536 rows.
"""


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES))
    parser.add_argument("--page", action="store_true", help="write benchmarks/exports.md")
    parser.add_argument("--home", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--fill", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--formats", nargs="*", default=list(EVERYTHING), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.home is not None and arguments.fill:
        fill(Settings(home=arguments.home), arguments.fill)
    elif arguments.home is not None:
        print(json.dumps(measure(arguments.home, arguments.formats)))
    else:
        results = run(arguments.sizes)
        print(table(results))
        if arguments.page:
            PAGE.write_text(page(results, " ".join(["python -m benchmarks.exports", *sys.argv[1:]])))


if __name__ == "__main__":
    main()
