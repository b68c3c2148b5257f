"""Cones of the catalog beside those of q3c: ``python -m benchmarks.cone``; ``--page`` writes the page.

Ten million objects all over the sky in a PostgreSQL of its own, the same rows for both: ours by ranges of the HEALPix
index that every database has, q3c's by its own index. Cones lie anywhere, around the poles and on RA 0. Each place is
asked for by one way after the other, in turn, so that both find the machine alike and neither always finds the pages
that the other has read. ``--folder`` names where the database is kept for the next time.
"""

import argparse
import asyncio
import os
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import httpx
import numpy as np
import psycopg
from sqlalchemy import select

from astrid_core.adapters.db.reading.engine import ReadingDatabase, open_reading
from astrid_core.adapters.db.reading.places import inside, near
from astrid_core.adapters.db.rows.catalog import CatalogEntryRow
from astrid_core.settings import Settings
from astrid_core.shared.sky import Region, SkyPosition
from benchmarks.api import Api, key_in
from benchmarks.debian_postgres import q3c_server
from benchmarks.filled_catalog import anywhere, embedded_server, fill, plain, server_with_q3c, versions_of
from benchmarks.served import ROOT, Served

PAGE = ROOT / "benchmarks" / "cone.md"
RADII = {"1'": 1.0 / 60.0, "10'": 10.0 / 60.0, "1 deg": 1.0, "5 deg": 5.0}
LIMIT = 100
_COLUMNS = tuple(column for column in CatalogEntryRow.__table__.columns if column.name != "hpx29")
_NAMES = ", ".join(column.name for column in _COLUMNS)
Q3C = f"SELECT {_NAMES} FROM catalog_entry WHERE q3c_radial_query(ra_deg, dec_deg, %s, %s, %s)"  # noqa: S608 - columns
Q3C_PAGE = f"{Q3C} AND status <> 'withdrawn' ORDER BY id LIMIT {LIMIT}"
Search = Callable[[SkyPosition, float], Awaitable[int]]
"""Returns how many objects it found."""


def places(n: int, seed: int = 9) -> list[SkyPosition]:
    """Return places anywhere, and of every five one near a pole and one on RA 0."""
    rng = np.random.default_rng(seed)
    ra_deg, dec_deg = (np.array(one) for one in anywhere(n, rng))
    dec_deg[::5] = rng.choice([-1.0, 1.0], len(dec_deg[::5])) * (90.0 - rng.uniform(0.0, 1.0, len(dec_deg[::5])))
    ra_deg[1::5] = rng.normal(0.0, 0.3, len(ra_deg[1::5])) % 360.0
    return [SkyPosition(ra_deg=float(ra), dec_deg=float(dec)) for ra, dec in zip(ra_deg, dec_deg, strict=True)]


def by_ranges(database: ReadingDatabase) -> Search:
    """Return all objects of a cone as our lists find them, from the words of the request to exact answers."""

    async def search(place: SkyPosition, radius_deg: float) -> int:
        region = Region.cone(place, radius_deg=radius_deg)
        statement = select(*_COLUMNS).where(near(region, CatalogEntryRow.hpx29))
        async with database.reading() as connection:
            rows = [dict(row) for row in (await connection.execute(statement)).mappings()]
        keep = inside(region)
        return 0 if keep is None else sum(keep(rows))

    return search


def by_api(client: httpx.AsyncClient) -> Search:
    """Return a page of ``GET /catalog``."""

    async def search(place: SkyPosition, radius_deg: float) -> int:
        cone = {"ra_deg": place.ra_deg, "dec_deg": place.dec_deg, "radius_arcsec": 3600.0 * radius_deg}
        answer = await client.get("/astrid/api/v1/catalog", params={**cone, "limit": LIMIT})
        answer.raise_for_status()
        return len(answer.json()["items"])

    return search


def by_q3c(connection: psycopg.AsyncConnection[tuple[object, ...]], statement: str) -> Search:
    """Return what q3c finds."""

    async def search(place: SkyPosition, radius_deg: float) -> int:
        asked = (place.ra_deg, place.dec_deg, radius_deg)
        return len(await (await connection.execute(statement.encode(), asked)).fetchall())

    return search


async def compare(ways: Mapping[str, Search], radius_deg: float, n_places: int) -> Mapping[str, Sequence[float]]:
    """Return how long each way took at each place, ms; ValueError where they find different objects."""
    took: dict[str, list[float]] = {name: [] for name in ways}
    for number, place in enumerate(places(n_places)):
        found = {}
        for name in list(ways) if number % 2 else list(ways)[::-1]:
            began = time.perf_counter()
            found[name] = await ways[name](place, radius_deg)
            took[name].append(1e3 * (time.perf_counter() - began))
        if len(set(found.values())) > 1:
            message = f"they do not agree at {place}, {radius_deg} deg: {found}"
            raise ValueError(message)
    return took


async def measure(url: str, api: Api, *, n_places: int, has_q3c: bool) -> dict[str, list[str]]:
    """Return the lines of each table."""
    database = open_reading(url)
    headers = {"Authorization": f"Bearer {api.key}"}
    lines: dict[str, list[str]] = {"All objects of a cone": [], f"`GET /catalog`, a page of {LIMIT}": []}
    async with (
        httpx.AsyncClient(base_url=api.url, headers=headers, timeout=60) as client,
        # Each question planned anew, as ours are: a plan for any place makes a page by q3c a walk through all rows.
        await psycopg.AsyncConnection.connect(plain(url), autocommit=True, prepare_threshold=None) as connection,
    ):
        for title, ours, theirs in zip(lines, (by_ranges(database), by_api(client)), (Q3C, Q3C_PAGE), strict=True):
            ways = {"AstrID": ours} | ({"q3c": by_q3c(connection, theirs)} if has_q3c else {})
            await compare(ways, 1.0, 10)
            for name, radius_deg in RADII.items():
                took = await compare(ways, radius_deg, n_places)
                lines[title] += _lines(name, took)
    await database.close()
    return lines


def _lines(radius: str, took: Mapping[str, Sequence[float]]) -> list[str]:
    figures = {name: np.percentile(times, [50, 95]) for name, times in took.items()}
    lines = [f"| {radius} | {name} | {median:.1f} | {p95:.1f} |" for name, (median, p95) in figures.items()]
    if "q3c" in figures:
        ratio = figures["AstrID"] / figures["q3c"]
        lines.append(f"| {radius} | ratio | {ratio[0]:.2f} | {ratio[1]:.2f} |")
    return lines


def page(lines: Mapping[str, Sequence[str]], arguments: argparse.Namespace, versions: str) -> str:
    """Return benchmarks/cone.md."""
    head = ["| radius | by | median ms | 95 % ms |", "|---|---|---|---|"]
    tables = ["\n".join([f"## {title}\n", *head, *rows, ""]) for title, rows in lines.items()]
    told = (
        f"Written by `python -m benchmarks.cone --page`: {arguments.entries} objects evenly over the sky, "
        f"{arguments.places} cones of each size, of every five one within a degree of a pole and one on RA 0; "
        f"{versions}, "
        f"one client, {os.cpu_count()} cores for all, which others used, too (load average {os.getloadavg()[1]:.0f}). "
        "Rows lie in the order of their ids, which says nothing about their places. In every cone both found equally "
        "many objects. The first table is what a search costs with all rows fetched, from the text of the region to "
        "exact answers; in the second, q3c is plain SQL without HTTP, JSON or anybody's rights.\n"
    )
    return "\n".join(["# Cones of the catalog\n", told, *tables])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entries", type=int, default=10_000_000)
    parser.add_argument("--places", type=int, default=200)
    parser.add_argument("--port", type=int, default=8098)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--page", action="store_true")
    arguments = parser.parse_args()
    with ExitStack() as stack:
        folder = arguments.folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="astrid-bench-")))
        folder.mkdir(exist_ok=True)
        folder.chmod(0o755)
        programs = q3c_server()
        url = stack.enter_context(server_with_q3c(programs, folder) if programs else embedded_server(folder))
        if not (folder / "filled").exists():
            fill(url, arguments.entries, has_q3c=programs is not None)
            (folder / "filled").touch()
        settings = Settings(home=folder / "home", database_url=url, api_rate_per_s=1e6, api_burst=10**6)
        api = Api(key=key_in(settings), url=stack.enter_context(Served(settings, arguments.port)).url)
        lines = asyncio.run(measure(url, api, n_places=arguments.places, has_q3c=programs is not None))
        text = page(lines, arguments, versions_of(url, has_q3c=programs is not None))
    print(text)
    if arguments.page:
        PAGE.write_text(text)


if __name__ == "__main__":
    main()
