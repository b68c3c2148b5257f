"""What parsing the DAG files costs, beside the import of Airflow itself: ``python -m benchmarks.parsing``.

Every figure is of a process of its own: Airflow parses files in fresh ones, again and again. ``--page`` writes
benchmarks/parsing.md.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "benchmarks" / "parsing.md"
REPEATS = 5
_MEASURE = """
import json, runpy, sys, time
started = time.process_time()
import airflow.sdk, airflow.providers.standard.operators.hitl
for name in sys.argv[2:]:
    __import__(name)
airflow_s = time.process_time() - started
started = time.process_time()
for path in json.loads(sys.argv[1]):
    runpy.run_path(path, run_name="dag_file")
print(json.dumps([airflow_s, time.process_time() - started]))
"""
_OPERATOR = "airflow.providers.cncf.kubernetes.operators.pod"
"""What Airflow itself must import for pods."""


def measure(compute: str) -> tuple[float, float]:
    """Return median CPU seconds of Airflow's own imports, and of all DAG files after them."""
    files = sorted(str(path) for path in (ROOT / "dags").glob("*.py") if path.name != "__init__.py")
    environment = os.environ | {
        "ASTRID_COMPUTE": compute, "ASTRID_POD_IMAGE": f"registry.example/astrid@sha256:{'0' * 64}",
        "PYTHONPATH": str(ROOT),
    }  # fmt: skip
    command = [sys.executable, "-W", "ignore", "-c", _MEASURE, json.dumps(files)]
    command += [_OPERATOR] if compute == "kubernetes" else []
    told = [
        json.loads(
            subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout.splitlines()[-1]
        )
        for _ in range(REPEATS)
    ]
    return statistics.median(one for one, _ in told), statistics.median(one for _, one in told)


def page(rows: dict[str, tuple[float, float]]) -> str:
    """Return benchmarks/parsing.md."""
    table = "\n".join(f"| {name} | {airflow_s:.2f} | {ours_s:.2f} |" for name, (airflow_s, ours_s) in rows.items())
    n_files = sum(path.name != "__init__.py" for path in (ROOT / "dags").glob("*.py"))
    return f"""# Parsing the DAGs

Written by `python -m benchmarks.parsing --page`: CPU seconds, median of {REPEATS} processes, of all {n_files} files
together.

| ASTRID_COMPUTE | imports of Airflow and its providers | our DAG files after that |
|---|---|---|
{table}
"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--page", action="store_true", help="write benchmarks/parsing.md")
    arguments = parser.parse_args()
    text = page({compute: measure(compute) for compute in ("local", "kubernetes")})
    print(text)
    if arguments.page:
        PAGE.write_text(text)


if __name__ == "__main__":
    main()
