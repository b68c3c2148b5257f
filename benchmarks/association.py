"""Association of a year of detections: what is found whole, and how the time grows, beside a kd-tree of astropy.

    python -m benchmarks.association [--objects 5000] [--sizes 10000 100000 1000000] [--page]

The peer answers less: astropy's ``search_around_sky`` lists every pair of detections within the radius, one on one, and
makes no objects of them. ``--page`` writes benchmarks/association.md.
"""

import argparse
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import astropy.units as u
from astropy.coordinates import SkyCoord, search_around_sky

from astrid_core.catalog.associate import associate, entry_id
from astrid_core.catalog.config import PublishConfig
from astrid_core.catalog.entities import LightCurvePoint
from astrid_core.catalog.linking import link
from astrid_core.catalog.tracklets import find_tracklets
from tests.synthetic.sky_year import Year, year_of

PAGE = Path(__file__).resolve().parent / "association.md"
CONFIG = PublishConfig()
_SEED = 20261127


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


def timed(points: Sequence[LightCurvePoint]) -> tuple[float, float]:
    """Return the CPU seconds of association and of the peer for the same detections."""
    began = time.process_time()
    associate(points, radius_arcsec=CONFIG.match_radius_arcsec, max_chi2=CONFIG.max_chi2)
    ours = time.process_time() - began
    places = SkyCoord(
        [point.position.ra_deg for point in points] * u.deg, [point.position.dec_deg for point in points] * u.deg
    )
    began = time.process_time()
    search_around_sky(places, places, CONFIG.match_radius_arcsec * u.arcsec)
    return ours, time.process_time() - began


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
        "| Detections at rest | CPU s | CPU microseconds each | Pairs by astropy's kd-tree, CPU s |",
        "|---|---|---|---|",
    ]
    for size in asked.sizes:
        # As dense as the year, on a field that grows.
        n_objects = max(size // 62, 1)
        side_deg = 2.0 * (n_objects / asked.objects) ** 0.5
        at_rest = year_of(n_objects, seed=_SEED, side_deg=side_deg)
        points = [one for one in at_rest.points if at_rest.truth[one.detection_id].startswith("rest")][:size]
        ours, peer = timed(points)
        lines.append(f"| {len(points)} | {ours:.2f} | {1e6 * ours / len(points):.1f} | {peer:.2f} |")
    text = "\n".join(lines) + "\n"
    print(text)
    if asked.page:
        PAGE.write_text(text)


if __name__ == "__main__":
    main()
