"""Differencing beside its peers on the same simulated pairs: ``python -m benchmarks.run`` or ``make bench``.

The harness and its peers are no part of the product: ASTRID_BENCH names the folder that holds diffbench.py and
zogy_prototypes.py; a peer that is not installed is left out. ``--page`` writes benchmarks/differencing.md.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
HARNESS = Path(os.environ.get("ASTRID_BENCH", ROOT.parent / "shared" / "bench")) / "diffbench.py"
PAGE = ROOT / "benchmarks" / "differencing.md"
OURS, YARDSTICK = "astrid", "zogy_scipy"
SCENARIOS = ("ideal", "scale", "reg", "psfvar", "shallow", "badref")
Rows = Mapping[str, Mapping[str, Any]]


def _cells(row: Mapping[str, Any], mpix: float) -> dict[str, str]:
    """Return what is shown of one code in one case, by the name of the column."""
    own = "" if row["native_score"] else "*"
    return {
        "CPU s per Mpix": f"{row['cpu'] / mpix:.3f}",
        "bytes per pixel": f"{(row['peak_mb'] - row['base_mb']) * 1.048576 / mpix:.0f}",
        "score / optimum (galaxies)": f"{row['eff']:.3f} ({row['eff_gal']:.3f})",
        "S/N at 50 %": f"{row['snr50']:.2f}",
        "false, negative per Mpix": f"{row['fp_per_mpx']:.1f}, {row['neg_per_mpx']:.1f}",
        "sigma on sky, sources": f"{row['sigma_blank']:.3f}{own}, {row['sigma_src']:.2f}",
        "flux bias % (galaxies)": f"{100 * row['flux_bias']:+.1f} ({100 * row['flux_bias_gal']:+.1f})",
    }


def run(sizes: Sequence[int], scenarios: Sequence[str], *, peers: Sequence[str], repeats: int) -> dict[str, Rows]:
    """Return the harness's results: per case (scenario and size), per code; with one worker, to compare CPU time."""
    plugins = {
        OURS: f"{ROOT / 'benchmarks' / 'diffbench_plugin.py'}:subtract",
        "proto": f"{HARNESS.parent / 'zogy_prototypes.py'}:proto",
        "lean": f"{HARNESS.parent / 'zogy_prototypes.py'}:lean",
    }
    with tempfile.TemporaryDirectory(prefix="astrid_bench_") as work:
        out = Path(work) / "results.json"
        command = [sys.executable, str(HARNESS), "run", "--peers", *peers, "--work", work, "--out", str(out)]
        for name, place in plugins.items():
            command += ["--plugin", f"{name}={place}"]
        command += ["--sizes", *map(str, sizes), "--scenarios", *scenarios, "--reps", str(repeats), "--workers", "1"]
        # What a peer cannot hold in memory is said by its authors or seen once; it would end the whole run.
        command += ["--skip", "sfft_k0@4096", "--timeout", "1800"]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
        subprocess.run(command, check=True, env=environment)
        results: dict[str, Rows] = json.loads(out.read_text())
        return results


def table(results: Mapping[str, Rows]) -> str:
    """Return one table per case: ours first, the peers below."""
    lines = []
    for case, rows in results.items():
        scenario, _, size = case.rpartition("_")
        mpix = int(size) ** 2 / 1e6
        lines += [f"### {scenario}, {size} x {size}", ""]
        columns = list(_cells(rows[OURS], mpix))
        lines += ["| code | " + " | ".join(columns) + " |", "|" + "---|" * (len(columns) + 1)]
        for name in sorted(rows, key=lambda name: (name != OURS, name)):
            row = rows[name]
            cells = [str(row["error"])[:60]] if "error" in row else list(_cells(row, mpix).values())
            lines.append(f"| {name} | " + " | ".join(cells) + " |")
        lines.append("")
    return "\n".join(lines)


def summary(results: Mapping[str, Rows]) -> str:
    """Return what the worst case of ours is, per figure."""
    ours = {case: rows[OURS] for case, rows in results.items() if "error" not in rows[OURS]}
    lines = ["| figure | worst case | where |", "|---|---|---|"]
    for title, key, sign in (
        ("score / optimum", "eff", -1), ("score / optimum on galaxies", "eff_gal", -1),
        ("S/N of 50 % completeness at 5 sigma", "snr50", 1), ("false per Mpix", "fp_per_mpx", 1),
        ("sigma on sources", "sigma_src", 1),
    ):  # fmt: skip
        value, case = max((sign * row[key], case) for case, row in ours.items())
        lines.append(f"| {title} | {sign * value:.3f} | {case} |")
    for name in ("proto", YARDSTICK):
        ratios = {case: row["cpu"] / results[case][name]["cpu"] for case, row in ours.items() if name in results[case]}
        if ratios:
            ratio, case = max((value, case) for case, value in ratios.items())
            lines.append(f"| CPU time over that of `{name}` | {ratio:.2f} | {case} |")
    return "\n".join(lines)


def page(results: Mapping[str, Rows], command: str) -> str:
    """Return benchmarks/differencing.md."""
    return f"""# Differencing beside its peers

Written by `{command}`.

Simulated pairs of the harness (its seed), every code on the same arrays, in its own process with one worker; CPU time
is the least of the repeats after the first, memory what the process grew by, its own copies of the input included.
`{YARDSTICK}`, `lean` and `proto` are bare prototypes without masks, PSF errors or correlated noise. A star marks a
score that the harness built from the difference. Figures at 1024 x 1024 rest on some 170 transients, and one peak is
1.2 per Mpix.

{summary(results)}

{table(results)}"""


def main() -> int:
    """Run the benchmark and print the comparison."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1024])
    parser.add_argument("--scenarios", nargs="+", default=list(SCENARIOS))
    parser.add_argument("--peers", nargs="+", default=[YARDSTICK])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--page", action="store_true", help="write benchmarks/differencing.md")
    arguments = parser.parse_args()
    if not HARNESS.is_file():
        print(f"the benchmark harness is not at {HARNESS}; set ASTRID_BENCH", file=sys.stderr)
        return 2
    results = run(arguments.sizes, arguments.scenarios, peers=arguments.peers, repeats=arguments.repeats)
    print(summary(results), table(results), sep="\n\n")
    if arguments.page:
        PAGE.write_text(page(results, "python -m benchmarks.run " + " ".join(sys.argv[1:])))
    return 0


if __name__ == "__main__":
    sys.exit(main())
