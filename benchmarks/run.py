"""Differencing beside a peer on the same simulated pairs, in one run: ``python -m benchmarks.run`` or ``make bench``.

The harness and its peers are not part of the product: ASTRID_BENCH names the folder that holds diffbench.py.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
HARNESS = Path(os.environ.get("ASTRID_BENCH", ROOT.parent / "shared" / "bench")) / "diffbench.py"
PEER = "zogy_scipy"
OURS = "astrid"


def run(sizes: list[int], scenarios: list[str], *, repeats: int) -> dict[str, dict[str, Any]]:
    """Return the harness's results: per case (scenario and size), per code."""
    with tempfile.TemporaryDirectory(prefix="astrid_bench_") as work:
        out = Path(work) / "results.json"
        command = [sys.executable, str(HARNESS), "run", "--peers", PEER, "--work", work, "--out", str(out)]
        command += ["--plugin", f"{OURS}={ROOT / 'benchmarks' / 'diffbench_plugin.py'}:subtract"]
        command += ["--sizes", *map(str, sizes), "--scenarios", *scenarios, "--reps", str(repeats), "--workers", "1"]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        subprocess.run(command, check=True, env=environment)
        results: dict[str, dict[str, Any]] = json.loads(out.read_text())
        return results


def compare(results: dict[str, dict[str, Any]]) -> str:
    """Return one line per case: our figures over the peer's for cost, side by side for quality."""
    lines = [f"{OURS} beside {PEER}: CPU time and memory as ratios (below 1 is better), quality as ours / the peer's"]
    for case, rows in results.items():
        ours, peer = rows[OURS], rows[PEER]
        if "error" in ours or "error" in peer:
            lines.append(f"{case}: {ours.get('error', '')} {peer.get('error', '')}".strip())
            continue
        memory = [row["peak_mb"] - row["base_mb"] for row in (ours, peer)]
        lines.append(
            f"{case}: CPU {ours['cpu']:.2f} s, x{ours['cpu'] / peer['cpu']:.2f}; "
            f"memory {memory[0]:.0f} MB, x{memory[0] / max(memory[1], 1.0):.2f}; "
            f"score/optimum {ours['eff']:.3f} / {peer['eff']:.3f}, on galaxies {ours['eff_gal']:.3f} / "
            f"{peer['eff_gal']:.3f}; false per Mpix {ours['fp_per_mpx']:.1f} / {peer['fp_per_mpx']:.1f}; "
            f"noise of the score {ours['sigma_blank']:.3f} / {peer['sigma_blank']:.3f}"
        )
    return "\n".join(lines)


def main() -> int:
    """Run the benchmark and print the comparison."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1024])
    parser.add_argument("--scenarios", nargs="+", default=["scale", "reg", "psfvar", "shallow", "badref"])
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    if not HARNESS.is_file():
        print(f"the benchmark harness is not at {HARNESS}; set ASTRID_BENCH", file=sys.stderr)
        return 2
    print(compare(run(arguments.sizes, arguments.scenarios, repeats=arguments.repeats)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
