"""Downloading and hashing beside ``curl`` and ``sha256sum``: ``python -m benchmarks.downloads``.

A web server in a process of its own on loopback; every program brings the same files into an empty folder, in turns.
``--page`` writes benchmarks/downloads.md.
"""

import argparse
import hashlib
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np

from astrid_core.adapters.surveys.at_once import in_order
from astrid_core.adapters.surveys.downloads import Wanted, download
from astrid_core.adapters.surveys.http import HttpClient
from astrid_core.adapters.surveys.http_policy import HttpPolicy

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "benchmarks" / "downloads.md"
_MIB = 2**20
_NEEDED = 0.8


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """So many files of one size."""

    n_files: int
    file_mib: int

    @property
    def name(self) -> str:
        """As the page names it."""
        return f"{self.n_files} files of {self.file_mib} MiB"

    @property
    def total_mib(self) -> int:
        """Of all files together."""
        return self.n_files * self.file_mib


LOADS = (Load(n_files=200, file_mib=1), Load(n_files=8, file_mib=64))
Digests = Mapping[str, str]


class _Files(SimpleHTTPRequestHandler):
    """Keeps connections open, and lets the kernel send: the server shall not be what is measured."""

    protocol_version = "HTTP/1.1"

    def copyfile(self, source: Any, outputfile: Any) -> None:
        """Send a file."""
        outputfile.flush()
        self.connection.sendfile(source)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def serve(folder: Path) -> None:
    """Serve a folder until the process is ended; print the port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), lambda *args: _Files(*args, directory=str(folder)))
    print(server.server_address[1], flush=True)
    server.serve_forever()


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Run the server in a process of its own; yield its address."""
    command = [sys.executable, "-m", "benchmarks.downloads", "--serve", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        try:
            port = process.stdout.readline().strip() if process.stdout else ""
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def ours(urls: Sequence[str], folder: Path) -> Digests:
    """Download as surveys do: resumable, checked, each file under its name when it is complete."""
    with HttpClient("bench", HttpPolicy()) as client:

        def bring(url: str) -> str:
            return download(client, Wanted(url=url), folder / url.rpartition("/")[2])

        brought = in_order(bring, urls, n_at_once=client.policy.n_concurrent)
        return {url.rpartition("/")[2]: outcome.result() for url, outcome in brought}


def curl(urls: Sequence[str], folder: Path) -> Digests:
    """Run one ``curl`` for all files, then ``sha256sum``."""
    return _curl(urls, folder)


def curl_parallel(urls: Sequence[str], folder: Path) -> Digests:
    """Do the same with as many transfers at once as we have."""
    return _curl(urls, folder, "--parallel", "--parallel-max", str(HttpPolicy().n_concurrent))


def _curl(urls: Sequence[str], folder: Path, *options: str) -> Digests:
    subprocess.run(
        ["curl", "--silent", "--no-progress-meter", "--fail", *options, "--remote-name-all", *urls],
        cwd=folder,
        check=True,
    )
    names = [url.rpartition("/")[2] for url in urls]
    summed = subprocess.run(["sha256sum", *names], cwd=folder, check=True, capture_output=True, text=True)
    return {name: digest for digest, name in (line.split() for line in summed.stdout.splitlines())}


PROGRAMS: Mapping[str, Callable[[Sequence[str], Path], Digests]] = {
    "AstrID": ours,
    "curl, then sha256sum": curl,
    "curl --parallel, then sha256sum": curl_parallel,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Of one program, medians over the rounds."""

    wall_s: float
    cpu_s: float


def measure(load: Load, *, n_rounds: int, seed: int = 1) -> dict[str, Cost]:
    """Let the programs take turns, and return what each costs."""
    rng = np.random.default_rng(seed)
    with tempfile.TemporaryDirectory(prefix="astrid-downloads-") as name:
        there, here = Path(name, "there"), Path(name, "here")
        there.mkdir()
        truth = {}
        for number in range(load.n_files):
            content = rng.bytes(load.file_mib * _MIB)
            (there / f"{number:03}.fits").write_bytes(content)
            truth[f"{number:03}.fits"] = hashlib.sha256(content).hexdigest()
        walls: dict[str, list[float]] = {program: [] for program in PROGRAMS}
        cpus: dict[str, list[float]] = {program: [] for program in PROGRAMS}
        with served(there) as address:
            urls = [f"{address}/{one}" for one in sorted(truth)]
            for number in range(n_rounds + 1):
                for program, bring in PROGRAMS.items():
                    here.mkdir()
                    cpu, wall = _cpu_s(), time.perf_counter()
                    digests = bring(urls, here)
                    cost = (time.perf_counter() - wall, _cpu_s() - cpu)
                    if digests != truth:
                        message = f"{program} brought other bytes than were there"
                        raise RuntimeError(message)
                    shutil.rmtree(here)
                    # The first round warms caches.
                    if number:
                        walls[program].append(cost[0])
                        cpus[program].append(cost[1])
    return {
        program: Cost(wall_s=statistics.median(walls[program]), cpu_s=statistics.median(cpus[program]))
        for program in PROGRAMS
    }


def _cpu_s() -> float:
    """Return the CPU time of this process and of its children that have ended; the server has not."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def report(results: Mapping[Load, Mapping[str, Cost]], *, n_rounds: int) -> str:
    """Return the page."""
    lines = [
        "# Downloading and hashing",
        "",
        f"`python -m benchmarks.downloads --page`: one run on {os.cpu_count()} cores, medians of {n_rounds} rounds in",
        "which the programs take turns. The server runs on loopback in a process of its own; its time is in the wall",
        "time of all, and in nobody's CPU time. AstrID downloads as it does from archives (unfinished files that can",
        f"be resumed, size check, SHA-256, {HttpPolicy().n_concurrent} at once) in a process that has started already;",
        "`curl` is started once for all files. The sums of all programs are compared.",
        "",
        "| Files | Program | Wall s | CPU s | MiB/s | Throughput of AstrID over it |",
        "|---|---|---:|---:|---:|---:|",
    ]
    for load, costs in results.items():
        for program, cost in costs.items():
            ratio = cost.wall_s / costs["AstrID"].wall_s
            lines.append(
                f"| {load.name} | {program} | {cost.wall_s:.2f} | {cost.cpu_s:.2f} "
                f"| {load.total_mib / cost.wall_s:.0f} | {ratio:.2f} |"
            )
    worst = min(costs["curl, then sha256sum"].wall_s / costs["AstrID"].wall_s for costs in results.values())
    verdict = "reached" if worst >= _NEEDED else "missed"
    lines += ["", f"Asked for: {_NEEDED:g} of plain `curl` and `sha256sum`. The lowest is {worst:.2f}: {verdict}.", ""]
    return "\n".join(lines)


def main() -> None:
    """Measure both loads; print or write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--page", action="store_true")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve is not None:
        serve(arguments.serve)
        return
    results = {load: measure(load, n_rounds=arguments.rounds) for load in LOADS}
    text = report(results, n_rounds=arguments.rounds)
    print(text)
    if arguments.page:
        PAGE.write_text(text)


if __name__ == "__main__":
    main()
