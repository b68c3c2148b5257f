"""What a report tells of the network and of the truth, computed once more from rows, images and plain formulas."""

import io
import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any, Protocol

import numpy as np
from astropy.io import fits
from astropy.table import Table
from astropy.wcs import WCS
from scipy.stats import chi2, norm

from astrid_core.catalog.truth import TruthRow
from tests.stages.reported import TRACKING
from tests.stages.scene import NIGHT

MIN_SNR, RADIUS_ARCSEC = 8.0, 1.5


class Database(Protocol):
    """Plain SQL."""

    def rows(self, statement: str, *values: object) -> list[dict[str, Any]]: ...


def wilson(n: int, n_of: int) -> tuple[float, float]:
    z = norm.ppf(0.975)
    p = n / n_of
    middle = (p + z * z / (2 * n_of)) / (1 + z * z / n_of)
    half = z / (1 + z * z / n_of) * math.sqrt(p * (1 - p) / n_of + z * z / (4 * n_of * n_of))
    return max(0.0, middle - half), min(1.0, middle + half)


def percentiles(values: list[float]) -> dict[str, float]:
    ordered = sorted(values)

    def at(part: float) -> float:
        place = part * (len(ordered) - 1)
        below = math.floor(place)
        above = min(below + 1, len(ordered) - 1)
        return ordered[below] + (place - below) * (ordered[above] - ordered[below])

    return {"n": len(ordered), "p50_s": at(0.5), "p95_s": at(0.95)}


def share(n: int, n_of: int) -> dict[str, float]:
    told: dict[str, float] = {"n": n, "n_of": n_of}
    if n_of:
        low, high = wilson(n, n_of)
        told |= {"fraction": n / n_of, "low": low, "high": high}
    return told


def track(database: Database, artifacts: Path) -> dict[str, Any]:
    """Return the numbers of the one network of the night."""
    scored = database.rows(
        "select o.night, c.score as s, d.score, d.anomaly, d.unscored_reason, d.model_run, d.number from detection d "
        "join model_run m on m.key = d.model_run join observation o on o.id = m.observation_id "
        "join candidate c on c.run = d.difference_key and c.number = d.number"
    )
    exposures = database.rows(
        "select o.night, p.quality_sky_rms as rms, p.quality_fwhm_pix * p.wcs_pixel_scale_arcsec as seeing "
        "from model_run m join observation o on o.id = m.observation_id "
        "join difference_run d on d.key = m.difference_key join preprocess_run p on p.key = d.preprocess_key"
    )
    now, then = ([one for one in scored if (one["night"] == NIGHT) is here] for here in (True, False))
    ours, earlier = ([one for one in exposures if (one["night"] == NIGHT) is here] for here in (True, False))
    (run,) = database.rows("select * from injection_run where status = 'succeeded'")
    (path,) = artifacts.rglob(f"*{run['injections_digest'][-32:]}")
    recovered = np.asarray(Table.read(io.BytesIO(path.read_bytes()), format="ascii.ecsv")["network_score"], float)
    pairs: dict[str, tuple[list[Any], list[Any], int]] = {
        "score": ([one["score"] for one in now], [one["score"] for one in then], TRACKING.min_candidates),
        "injected": (recovered.tolist(), [], TRACKING.min_candidates),
        "anomaly": ([one["anomaly"] for one in now], [one["anomaly"] for one in then], TRACKING.min_candidates),
        "significance": ([abs(one["s"]) for one in now], [abs(one["s"]) for one in then], TRACKING.min_candidates),
        "seeing": ([one["seeing"] for one in ours], [one["seeing"] for one in earlier], TRACKING.min_exposures),
        "sky": ([one["rms"] for one in ours], [one["rms"] for one in earlier], TRACKING.min_exposures),
        "limit": ([], [], TRACKING.min_exposures),
    }
    (curve,) = (
        one
        for one in json.loads(run["quality"])["completeness"]
        if (one["level"], one["place"]) == ("detections", "everywhere")
    )
    return {
        "n_exposures": len(ours),
        "n_exposures_before": len(earlier),
        "n_nights_before": len({one["night"] for one in earlier}),
        "n_candidates": len(now),
        "unscored": share(sum(one["score"] is None for one in now), len(now)),
        "unscored_reasons": dict(
            Counter(one["unscored_reason"].partition(" (")[0] for one in now if one["score"] is None)
        ),
        "score_shares": _shares([one["score"] for one in now]),
        "score_shares_before": _shares([one["score"] for one in then]),
        "drifts": [_drift(*samples) for samples in pairs.values()],
        "limits": {"warn": TRACKING.limits.warn, "act": TRACKING.limits.act},
        "completeness": share(
            sum(one["n_recovered"] for one in curve["by_snr"]), sum(one["n_injected"] for one in curve["by_snr"])
        ),
        "completeness_before": share(0, 0),
        **_verdicts(database, scored),
    }


def _verdicts(database: Database, scored: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    said = {one["detection_id"]: one["verdict"] for one in database.rows("select * from review_item") if one["verdict"]}
    judged = [
        (one["score"], said[name])
        for one in scored
        if one["score"] is not None and (name := f"{one['model_run']}:{one['number']}") in said
    ]
    sure = [(score, verdict == "real") for score, verdict in judged if verdict in {"real", "bogus"}]
    claims = [is_real for score, is_real in sure if score >= 0.5]
    bins = []
    for number in range(10):
        inside = [one for one in sure if min(int(one[0] * 10), 9) == number]
        row: dict[str, Any] = {"low": number / 10, "high": (number + 1) / 10}
        row["real"] = share(sum(is_real for _, is_real in inside), len(inside))
        if inside:
            row["promised"] = sum(score for score, _ in inside) / len(inside)
        bins.append(row)
    told: dict[str, Any] = {
        "calibration": bins,
        "false": share(claims.count(False), len(claims)),
        "n_unsure": len(judged) - len(sure),
    }
    if len(sure) >= TRACKING.min_verdicts:
        away = [abs(sum(score - is_real for score, is_real in sure if min(int(score * 10), 9) == n)) for n in range(10)]
        told["ece"] = sum(away) / len(sure)
    return told


def _shares(values: Sequence[float | None]) -> list[float]:
    known = [one for one in values if one is not None]
    counts = Counter(min(int(one * 10), 9) for one in known)
    return [counts[number] / max(len(known), 1) for number in range(10)]


def _drift(now: Sequence[float | None], before: Sequence[float | None], least: int) -> dict[str, float]:
    """Population stability index over quantiles of what was before, and its 99th percentile for one distribution."""
    new, old = (sorted(one for one in values if one is not None and math.isfinite(one)) for values in (now, before))
    told: dict[str, float] = {"n": len(new), "n_before": len(old)}
    told |= {name: median(values) for name, values in (("median", new), ("median_before", old)) if values}
    if min(len(new), len(old)) < max(least, 2):
        return told
    n_bins = max(2, min(10, min(len(new), len(old)) // 5))
    cuts: list[float] = []
    for number in range(1, n_bins):
        place = number / n_bins * (len(old) - 1)
        below = math.floor(place)
        cuts.append(old[below] + (place - below) * (old[min(below + 1, len(old) - 1)] - old[below]))
    # Scores that fill several quantiles have a bin to themselves.
    edges = sorted({*cuts, *(math.nextafter(one, math.inf) for one, n in Counter(cuts).items() if n > 1)})
    parts = []
    for values in (new, old):
        counts = [
            sum(sum(one >= edge for edge in edges) == number for one in values) for number in range(len(edges) + 1)
        ]
        parts.append([(n + 0.5) / (len(values) + 0.5 * len(counts)) for n in counts])
    told["psi"] = sum((p - q) * math.log(p / q) for p, q in zip(*parts, strict=True))
    told["chance"] = float(chi2.ppf(0.99, len(edges))) * (1 / len(new) + 1 / len(old))
    return told


def truth(database: Database, artifacts: Path, known: Sequence[TruthRow]) -> dict[str, Any]:
    """Return the tally: all rows speak of every exposure, and nothing moves."""
    points = database.rows(
        "select p.* from light_curve_point p join observation o on o.id = p.observation_id where o.night = ?", NIGHT
    )
    images = database.rows(
        "select d.* from difference_run d join observation o on o.id = d.observation_id where o.night = ?", NIGHT
    )
    bright = [one for one in known if one.kind == "transient" and abs(one.predicted_snr or 0.0) >= MIN_SNR]
    usable, covered = set(), set()
    for image in images:
        (path,) = artifacts.rglob(f"*{image['image_digest'][-32:]}")
        with fits.open(path) as hdus:
            mask, wcs = hdus["MASK"].data, WCS(hdus["SCORE"].header)
        for one in bright:
            x, y = (round(float(value)) for value in wcs.all_world2pix(one.ra_deg, one.dec_deg, 0))
            if 0 <= x < mask.shape[1] and 0 <= y < mask.shape[0]:
                covered.add(one.object_id)
                if mask[y, x] == 0:
                    usable.add(one.object_id)
    expected = [one for one in bright if one.object_id in usable]
    lost = [one for one in expected if not any(_near(one, point) for point in points)]
    true = {
        point["entry_id"] for point in points
        if any(_near(one, point) for one in known if one.kind == "transient")
    }  # fmt: skip
    false: dict[str, dict[str, Any]] = {}
    for point in sorted(points, key=lambda one: (abs(one["significance"]), one["detection_id"])):
        if point["entry_id"] not in true:
            false[point["entry_id"]] = {name: point[name] for name in ("ra_deg", "dec_deg", "score", "significance")}
    return {
        "min_snr": MIN_SNR,
        "radius_arcsec": RADIUS_ARCSEC,
        "n_expected": len(expected),
        "n_recovered": len(expected) - len(lost),
        "missed": [
            {"ra_deg": one.ra_deg, "dec_deg": one.dec_deg, "predicted_snr": one.predicted_snr}
            for one in sorted(lost, key=lambda one: -abs(one.predicted_snr or 0.0))
        ],
        "n_hidden": len(covered - usable),
        "n_entries": len({point["entry_id"] for point in points}),
        "false": [one for _, one in sorted(false.items())],
        "usable_mpix": sum(one["n_usable_pix"] for one in images) / 1e6,
    }


def _near(one: TruthRow, point: Mapping[str, Any]) -> bool:
    ra, dec, ra2, dec2 = (math.radians(x) for x in (one.ra_deg, one.dec_deg, point["ra_deg"], point["dec_deg"]))
    half = math.sin((dec2 - dec) / 2) ** 2 + math.cos(dec) * math.cos(dec2) * math.sin((ra2 - ra) / 2) ** 2
    return math.degrees(2 * math.asin(math.sqrt(half))) * 3600 <= RADIUS_ARCSEC
