"""Measure what the load model is fed with; the steps of ``python -m benchmarks.load_model``."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from astrid_core.adapters.storage.s3 import S3Artifacts, connect
from astrid_core.differencing.config import DifferenceConfig
from astrid_core.differencing.pair import difference_pair
from astrid_core.preprocessing.config import PreprocessConfig
from astrid_core.preprocessing.prepare import prepare
from astrid_core.simulate.pair import PairConfig, simulate_pair
from benchmarks.load_airflow import events_per_s, idle_cpu_per_s, run_night, tables_of
from include.local.environment import n_slots, our_environment
from include.local.home import REPOSITORY, Home
from include.local.system import begin, database_of, down, wait_until_ready, what_is_up

KEPT = Path(__file__).resolve().parent / "load_costs.json"
_N_FIELDS, _N_NIGHTS = 2, 4
_IDLE_S = 60.0


def kept() -> dict[str, Any]:
    """Return what has been measured so far."""
    found: dict[str, Any] = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    return found


def keep(**measured: Any) -> None:
    """Put down what was measured, beside what is there."""
    KEPT.write_text(json.dumps(kept() | measured, indent=1, sort_keys=True) + "\n")


def metered_nights(specs: Sequence[tuple[int, int]], work: Path) -> list[dict[str, Any]]:
    """Run the last night of a survey of one field for each (side in pixels, exposures), each in a fresh process."""
    nights = []
    for side_pix, n_exposures in specs:
        folder = work / f"s{side_pix}-{n_exposures}"
        if not folder.with_suffix(".json").exists():
            night = _simulate(folder, 1, 1, side_pix=side_pix, n_exposures=n_exposures)
            told = _python("benchmarks.load_meter", "--data", str(folder), "--night", night)
            folder.with_suffix(".json").write_text(told)
        told = folder.with_suffix(".json").read_text()
        nights.append({"side_pix": side_pix, "n_exposures": n_exposures, **json.loads(told)})
    return nights


def requests_per_call() -> dict[str, float]:
    """Return how many requests S3 gets for each call of the store, from a server on loopback."""
    from moto.server import ThreadedMotoServer  # noqa: PLC0415 - slow to import, and for this alone

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        client = connect(
            endpoint_url=f"http://{host}:{port}",
            region="us-east-1",
            access_key_id="load",
            secret_access_key="load",  # noqa: S106 - a server that asks nobody
        )
        client.create_bucket(Bucket="load")
        sent: list[str] = []
        client.meta.events.register("before-send.s3", lambda request, **_: sent.append(request.url))
        store = S3Artifacts(client, bucket="load")
        digest = ""
        found: dict[str, float] = {}
        for name in ("put", "again", "get", "part", "contains", "size"):
            sent.clear()
            if name in {"put", "again"}:
                digest = store.put(b"load", media_type="text/plain").digest
            elif name == "part":
                store.part(digest, start=0, n_bytes=2)
            else:
                getattr(store, name)(digest)
            found[name] = len(sent)
        return found
    finally:
        server.stop()


def large_frame(side_pix: int) -> Mapping[str, float]:
    """Return processor seconds of the science of one simulated pair, for frames that no night was metered on."""
    made = simulate_pair(PairConfig(side_pix=side_pix), 1)
    config = PreprocessConfig()
    started = time.process_time()
    science, reference = (
        prepare(pixels, wcs=wcs, detector=detector, config=config).image
        for pixels, wcs, detector in (
            (made.science, made.science_wcs, made.science_detector),
            (made.reference, made.reference_wcs, made.reference_detector),
        )
    )
    prepared = time.process_time()
    found = difference_pair(science, reference, DifferenceConfig())
    return {
        "side_pix": side_pix,
        "preprocess": (prepared - started) / 2,
        "difference": time.process_time() - prepared,
        "n_candidates": len(found.peaks),
    }


def measure_home(folder: Path, survey: str, night: str) -> Mapping[str, Any]:
    """Start the system of a home; return what it uses while idle and for a night that is done, and all tables."""
    home = Home.open(folder)
    was_up = what_is_up(home) is not None
    system = begin(home, print, scheduled=False)
    try:
        wait_until_ready(system)
        idle = idle_cpu_per_s(home, _IDLE_S)
        empty = run_night(system, survey, night)
        events = events_per_s(home)
        return {"idle_cpu_per_s": idle, "empty": asdict(empty), "events_per_s": events, "tables": tables_of(home)}
    finally:
        if not was_up:
            down(home)


def replay(folder: Path, *, n_exposures: int, side_pix: int) -> Mapping[str, Any]:
    """Search a night of a survey of its own on the Airflow of a home; return what that took and left behind."""
    home = Home.open(folder)
    was_up = what_is_up(home) is not None
    system = begin(home, print, scheduled=False)
    try:
        wait_until_ready(system)
        name = f"load-{n_exposures}"
        data = folder / name
        night = _simulate(data, 7, _N_FIELDS, side_pix=side_pix, n_exposures=n_exposures // _N_FIELDS)
        told = our_environment(home, database_of(home))
        for command in (
            ["ingest", "--survey", name, "--data", str(data)],
            ["references", "--survey", name, "--exclude-night", night],
        ):
            _python("astrid_core.cli.main", *command, environment=told)
        before, stored = tables_of(home), _stored(home)
        run = run_night(system, name, night)
        after = tables_of(home)
        return {
            "n_exposures": n_exposures,
            "side_pix": side_pix,
            "n_slots": n_slots(),
            "run": asdict(run),
            "idle_cpu_per_s": idle_cpu_per_s(home, _IDLE_S),
            "rows": {table: after[table][0] - before[table][0] for table in after},
            "database_bytes": sum(size for _, size in after.values()) - sum(size for _, size in before.values()),
            "stored": [now - then for now, then in zip(_stored(home), stored, strict=True)],
            "tables": after,
        }
    finally:
        if not was_up:
            down(home)


def _stored(home: Home) -> tuple[int, int]:
    """Return how many artifacts there are, and their bytes."""
    sizes = [one.stat().st_size for one in (home.folder / "artifacts").rglob("*") if one.is_file()]
    return len(sizes), sum(sizes)


def _simulate(folder: Path, seed: int, n_fields: int, *, side_pix: int, n_exposures: int) -> str:
    """Write a survey and return its last night; the same options find it there."""
    options = {
        "--seed": seed, "--fields": n_fields, "--nights": _N_NIGHTS, "--size": side_pix, "--exposures": n_exposures,
    }  # fmt: skip
    words = [str(word) for pair in options.items() for word in pair]
    _python("astrid_core.cli.main", "simulate", "--out", str(folder), *words)
    return max(one.name for one in folder.iterdir() if one.name[:2] == "20")


def _python(module: str, *words: str, environment: Mapping[str, str] | None = None) -> str:
    """Return what a module prints; its messages go to ours."""
    threads = dict.fromkeys(("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"), "1")
    told = {**(environment or os.environ), **threads, "PYTHONPATH": str(REPOSITORY), "TF_CPP_MIN_LOG_LEVEL": "3"}
    with tempfile.TemporaryFile("w+") as out:
        subprocess.run([sys.executable, "-m", module, *words], check=True, stdout=out, env=told)
        out.seek(0)
        return out.read()
