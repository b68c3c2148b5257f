"""Association of a year of detections: what is found whole, and how the time grows, beside two peers.

    python -m benchmarks.association [--objects 5000] [--sizes 10000 100000 1000000] [--page]

The peers answer less: astropy's ``search_around_sky``, and a self-join with q3c on a PostgreSQL server of the system
(none where the system has no q3c), list every pair of detections within the radius, and make no objects of them.
``--page`` writes benchmarks/association.md.
"""

import argparse
import os
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

import astropy.units as u
import psycopg
from astropy.coordinates import SkyCoord, search_around_sky

from astrid_core.catalog.associate import associate, entry_id
from astrid_core.catalog.config import PublishConfig
from astrid_core.catalog.entities import LightCurvePoint
from astrid_core.catalog.linking import link
from astrid_core.catalog.tracklets import find_tracklets
from benchmarks.debian_postgres import debian_server, q3c_server
from tests.synthetic.sky_year import Year, year_of

PAGE = Path(__file__).resolve().parent / "association.md"
CONFIG = PublishConfig()
_SEED = 20261127
_Q3C_SETTINGS = ("shared_buffers=512MB", "work_mem=256MB", "max_parallel_workers_per_gather=0")


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """How many of the links between detections of one object were made, and how many made ones are right."""

    n_true: int
    n_found: int
    n_made: int
    n_right: int

    @property
    def completeness(self) -> float:
        """Part of the true links."""
        return self.n_found / self.n_true

    @property
    def purity(self) -> float:
        """Part of those that were made."""
        return self.n_right / self.n_made


def objects_of(year: Year) -> tuple[Mapping[str, UUID], float]:
    """Return the object of each detection of a year, and the CPU seconds that it took."""
    began = time.process_time()
    tracklets = [found for points in year.nights().values() for found in find_tracklets(points, CONFIG)]
    joined: dict[str, UUID] = {}
    for chain in link(tracklets, CONFIG):
        names = [name for tracklet in chain for name in tracklet.names]
        joined |= dict.fromkeys(names, entry_id(names[0]))
    left = [point for point in year.points if point.detection_id not in joined]
    joined |= associate(left, radius_arcsec=CONFIG.match_radius_arcsec, max_chi2=CONFIG.max_chi2)
    return joined, time.process_time() - began


def links_of(year: Year, joined: Mapping[str, UUID], kind: str) -> Links:
    """Count links of objects whose name begins with ``kind``: an object of n detections has n - 1."""
    by_truth: dict[str, Counter[UUID]] = {}
    by_object: dict[UUID, Counter[str]] = {}
    for name, truth in year.truth.items():
        if truth.startswith(kind):
            by_truth.setdefault(truth, Counter())[joined[name]] += 1
            by_object.setdefault(joined[name], Counter())[truth] += 1
    return Links(
        n_true=sum(found.total() - 1 for found in by_truth.values()),
        n_found=sum(max(found.values()) - 1 for found in by_truth.values()),
        n_made=sum(found.total() - 1 for found in by_object.values()),
        n_right=sum(max(found.values()) - 1 for found in by_object.values()),
    )


def ours(points: Sequence[LightCurvePoint]) -> float:
    """Return the CPU seconds of association."""
    began = time.process_time()
    associate(points, radius_arcsec=CONFIG.match_radius_arcsec, max_chi2=CONFIG.max_chi2)
    return time.process_time() - began


def astropy_pairs(points: Sequence[LightCurvePoint]) -> float:
    """Return the CPU seconds of a kd-tree for the pairs of the same detections."""
    places = SkyCoord(
        [point.position.ra_deg for point in points] * u.deg, [point.position.dec_deg for point in points] * u.deg
    )
    began = time.process_time()
    search_around_sky(places, places, CONFIG.match_radius_arcsec * u.arcsec)
    return time.process_time() - began


def q3c_pairs(points: Sequence[LightCurvePoint], url: str) -> float:
    """Return the CPU seconds of a server for the index and the self-join of the same detections."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE EXTENSION IF NOT EXISTS q3c")
        connection.execute("CREATE TEMPORARY TABLE detection (id bigint, ra_deg float8, dec_deg float8)")
        with connection.cursor().copy("COPY detection FROM STDIN") as copy:
            for number, point in enumerate(points):
                copy.write_row((number, point.position.ra_deg, point.position.dec_deg))
        began = _cpu_s(connection.info.backend_pid)
        connection.execute("CREATE INDEX place ON detection (q3c_ang2ipix(ra_deg, dec_deg))")
        connection.execute("ANALYZE detection")
        connection.execute(
            "SELECT count(*) FROM detection AS a JOIN detection AS b ON a.id <> b.id "
            "AND q3c_join(a.ra_deg, a.dec_deg, b.ra_deg, b.dec_deg, %s)",
            (CONFIG.match_radius_arcsec / 3600.0,),
        )
        return _cpu_s(connection.info.backend_pid) - began


def _cpu_s(process: int) -> float:
    """Return the CPU seconds that a process has used (proc(5))."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def q3c() -> Iterator[str | None]:
    """Run a server with q3c and yield its URL; None where this system has none."""
    programs = q3c_server()
    if programs is None:
        yield None
        return
    with (
        TemporaryDirectory(prefix="astrid-q3c-") as folder,
        debian_server(programs, Path(folder), settings=_Q3C_SETTINGS) as url,
    ):
        yield url


def growth(sizes: Sequence[int], n_objects: int, url: str | None) -> list[str]:
    """Return the rows of the table that says how the time grows."""
    rows = []
    for size in sizes:
        # As dense as the year, on a field that grows.
        n_seen = size // 55 + 1
        year = year_of(n_seen, seed=_SEED, side_deg=2.0 * (n_seen / n_objects) ** 0.5)
        points = [one for one in year.points if year.truth[one.detection_id].startswith("rest")][:size]
        own, pairs = ours(points), astropy_pairs(points)
        joined = "-" if url is None else f"{q3c_pairs(points, url):.2f}"
        rows.append(f"| {len(points)} | {own:.2f} | {1e6 * own / len(points):.1f} | {pairs:.2f} | {joined} |")
    return rows


def main() -> None:
    """Do as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--objects", type=int, default=5000)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--page", action="store_true")
    asked = parser.parse_args()
    year = year_of(asked.objects, seed=_SEED, side_deg=2.0)
    joined, cpu_s = objects_of(year)
    rows = [(kind, links_of(year, joined, kind)) for kind in ("rest", "moving")]
    lines = [
        "# Association",
        "",
        (
            f"`python -m benchmarks.association --objects {asked.objects}`: {len(year.points)} detections of "
            f"{asked.objects} objects on 4 square degrees, two nights in each of ten lunations, four exposures "
            f"a night; "
            f"{cpu_s:.0f} CPU seconds."
        ),
        "",
        "| Objects | Links | Completeness | Purity |",
        "|---|---|---|---|",
        *(f"| {kind} | {found.n_true} | {found.completeness:.5f} | {found.purity:.5f} |" for kind, found in rows),
        "",
        "An object of n detections has n - 1 links. An asteroid is one object per lunation: what leads from one to the",
        "next is its orbit, not this.",
        "",
        "| Detections at rest | CPU s | Microseconds each | Pairs by astropy's kd-tree, CPU s | Pairs by q3c, CPU s |",
        "|---|---|---|---|---|",
    ]
    with q3c() as url:
        lines += growth(asked.sizes, asked.objects, url)
    if url is None:
        lines += ["", "This system has no PostgreSQL with q3c."]
    text = "\n".join(lines) + "\n"
    print(text)
    if asked.page:
        PAGE.write_text(text)


if __name__ == "__main__":
    main()
