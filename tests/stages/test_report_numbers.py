"""Every number of the JSON twin, computed once more from the rows of the database and the stored images."""

import json
import math
import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from scipy.special import ndtr
from scipy.stats import chi2, norm

from astrid_core.stages.analytics import statistics_of
from astrid_core.stages.report import run_report
from tests.stages import report_sums
from tests.stages.report_sums import percentiles, wilson
from tests.stages.reported import EARLIER, night_before_its_report
from tests.stages.scene import NIGHT

Rows = list[dict[str, Any]]
_NOT_FROM_RECORDS = {("min_score",)}
"""A setting."""


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[dict[str, Any], "_Database", Path]]:
    """The JSON twin of a night, the database it was read from and the folder of the artifacts."""
    home = tmp_path_factory.mktemp("night")
    with night_before_its_report(home) as made:
        run_report(
            made.services, survey="demo", night=NIGHT, out=home / "page.html", truth=made.truth,
            injection_run_keys=[made.injection],
        )  # fmt: skip
        database = _Database(made.database)
        (home / "truth.json").write_text(json.dumps(report_sums.truth(database, home / "artifacts", made.truth)))
        whole = statistics_of(made.services, "demo").as_json()
        (home / "whole.json").write_text(json.dumps(whole))
        yield json.loads((home / "page.json").read_text()), database, home / "artifacts"


class _Database:
    """Plain SQL."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path)
        self._connection.row_factory = sqlite3.Row

    def rows(self, statement: str, *values: object) -> Rows:
        return [dict(row) for row in self._connection.execute(statement, values)]


def _leaves(value: object, path: tuple[object, ...] = ()) -> Iterator[tuple[tuple[object, ...], float]]:
    if isinstance(value, Mapping):
        for name, one in value.items():
            yield from _leaves(one, (*path, name))
    elif isinstance(value, list | tuple):
        for number, one in enumerate(value):
            yield from _leaves(one, (*path, number))
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield path, float(value)


def test_every_number_is_that_of_the_records(told: tuple[dict[str, Any], _Database, Path]) -> None:
    twin, database, artifacts = told
    expected: dict[str, Any] = {"exposures": _exposures(database)}
    expected["coverage"] = _coverage(database, artifacts)
    expected |= _objects(database)
    expected |= _times(database)
    expected["reviews"] = _reviews(database)
    expected["quality"] = _quality(database)
    expected["tracks"] = [report_sums.track(database, artifacts)]
    expected["truth"] = json.loads((artifacts.parent / "truth.json").read_text())
    expected["figures"] = _figures(expected)
    expected["comparison"] = _comparison(expected["figures"], [one["name"] for one in twin["comparison"]])
    known, found = dict(_leaves(expected)), dict(_leaves(twin))
    assert {path for path in found if path not in known} == _NOT_FROM_RECORDS
    assert {path for path in known if path not in found} == set()
    wrong = {
        path: (found[path], value)
        for path, value in known.items()
        if not math.isclose(found[path], value, rel_tol=_tolerance(path, twin), abs_tol=1e-12)
    }
    assert wrong == {}


def _tolerance(path: tuple[object, ...], twin: Mapping[str, Any]) -> float:
    if "half" in path:
        # The stage compares likelihoods on a grid, this test on a finer one; that of five sources is flat.
        return 0.06
    names = {*path, *(one["name"] for place, one in enumerate(twin["comparison"]) if path[:2] == ("comparison", place))}
    # Cells on the edge of a frame count in full: an area is too large by less than a hundredth.
    return 0.01 if {"area_deg2", "new_per_deg2"} & names else 1e-9


def test_notices_name_what_is_far_from_usual(told: tuple[dict[str, Any], _Database, Path]) -> None:
    twin, _, _ = told
    unusual = {one["name"]: one["unusual"] for one in twin["comparison"] if one["unusual"]}
    # Of the three figures that earlier nights have, two are made to differ.
    assert unusual == {"green": "lower", "candidates_per_mpix": "higher", "seeing_arcsec.r": "higher"}
    assert [one["is_bad"] for one in twin["notices"]] == [True, True, True, False]


def test_the_night_has_what_its_drift_and_its_truth_are_told_by(told: tuple[dict[str, Any], _Database, Path]) -> None:
    twin, _, _ = told
    (track,), truth = twin["tracks"], twin["truth"]
    assert sum(one["psi"] is not None for one in track["drifts"]) >= 4
    assert (truth["n_expected"], truth["n_recovered"], truth["n_hidden"], len(truth["missed"])) == (2, 1, 1, 1)
    assert truth["missed"][0]["object_id"] == "missed"
    assert "star" in {one["near"] for one in truth["false"]}


def test_statistics_of_the_survey_are_those_of_its_nights(told: tuple[dict[str, Any], _Database, Path]) -> None:
    twin, database, artifacts = told
    whole = json.loads((artifacts.parent / "whole.json").read_text())
    assert len(whole["nights"]) == len(EARLIER) + 3
    new = Counter(one["status"] for one in database.rows("select status from catalog_entry"))
    assert next(one["new"] for one in whole["nights"] if one["night"] == NIGHT) == dict(new)
    assert whole["deg2_nights"] == twin["coverage"]["area_deg2"]
    for status, n in new.items():
        rate = whole["rates"][status]
        ends = chi2.ppf(0.025, 2 * n) / 2, chi2.ppf(0.975, 2 * n + 2) / 2
        assert rate["per_deg2_night"] == pytest.approx(n / whole["deg2_nights"])
        assert (rate["low"], rate["high"]) == pytest.approx([one / whole["deg2_nights"] for one in ends])
    everywhere = twin["quality"]["completeness"][2]
    ((share),) = whole["completeness"].values()
    assert (share["n"], share["n_of"]) == (everywhere["n_recovered"], everywhere["n_injected"])


def _exposures(database: _Database) -> Rows:
    found = []
    for seen in database.rows("select * from observation where night = ? order by mid_mjd, id", NIGHT):
        prepared = database.rows("select * from preprocess_run where observation_id = ?", seen["id"])[0]
        difference = database.rows("select * from difference_run where preprocess_key = ?", prepared["key"])[0]
        (run,) = database.rows("select * from model_run where difference_key = ?", difference["key"])
        (n,) = database.rows("select count(*) as n from candidate where run = ?", difference["key"])
        (above,) = database.rows("select count(*) as n from detection where model_run = ? and score >= 0.5", run["key"])
        (points,) = database.rows("select count(*) as n from light_curve_point where observation_id = ?", seen["id"])
        found.append({
            "mid_mjd": seen["mid_mjd"],
            "exposure_s": seen["exposure_s"],
            "fwhm_arcsec": prepared["quality_fwhm_pix"] * prepared["wcs_pixel_scale_arcsec"],
            "sky": prepared["quality_sky"],
            "sky_rms": prepared["quality_sky_rms"],
            "n_stars": prepared["quality_n_stars"],
            "zero_point_mag": seen["zero_point_mag"],
            "registration_rms_pix": difference["registration_rms_pix"],
            "score_noise": difference["score_noise"],
            "usable_mpix": difference["n_usable_pix"] / 1e6,
            "n_candidates": n["n"],
            "n_detections": above["n"],
            "n_published": points["n"],
            "level": difference["quality_level"],
            "digest": difference["image_digest"],
        })  # fmt: skip
    return found


def _objects(database: _Database) -> dict[str, int]:
    rows = database.rows(
        "select min(p.mid_mjd) as first from light_curve_point p where p.entry_id in (select q.entry_id from "
        "light_curve_point q join observation o on o.id = q.observation_id where o.night = ?) group by p.entry_id",
        NIGHT,
    )
    # Nights turn at noon, UTC.
    new = sum(math.floor(one["first"] - 0.5) >= 60329 for one in rows)
    return {"n_entries_new": new, "n_entries_known": len(rows) - new}


def _times(database: _Database) -> dict[str, Any]:
    seen = {one["id"]: one for one in database.rows("select * from observation where night = ?", NIGHT)}
    runs = [one for one in database.rows("select * from model_run") if one["observation_id"] in seen]
    elapsed = {
        "preprocess": database.rows("select * from preprocess_run"),
        "difference": database.rows("select * from difference_run"),
        "detect": runs,
    }
    spent = {
        stage: [one["elapsed_s"] for one in rows if one["observation_id"] in seen] for stage, rows in elapsed.items()
    }
    at = {(one["name"], one["subject"]): _unix(one["at"]) for one in database.rows("select * from domain_event")}
    shutter = {name: (one["mid_mjd"] - 40587.0) * 86400.0 for name, one in seen.items()}
    arrived = {name: at["observation.recorded", name] for name in seen}
    published = at["catalog.published", f"demo:{NIGHT}"]
    latency = {
        **spent,
        "shutter to file": [arrived[name] - shutter[name] for name in seen],
        "file to scores": [at["model_run.recorded", run["key"]] - arrived[run["observation_id"]] for run in runs],
        "shutter to catalog": [published - shutter[run["observation_id"]] for run in runs],
    }
    references = sum(one["elapsed_s"] for one in database.rows("select elapsed_s from reference_image"))
    return {
        "elapsed_s": {**{stage: sum(values) for stage, values in spent.items()}, "references": references},
        "latency": {name: percentiles(values) for name, values in latency.items()},
    }


def _unix(text: str) -> float:
    return datetime.fromisoformat(f"{text}+00:00" if "+" not in text else text).timestamp()


def _reviews(database: _Database) -> dict[str, Any]:
    items = database.rows("select * from review_item where night = ?", NIGHT)
    votes = database.rows("select * from validation_event where supersedes is null")
    by_detection: dict[str, list[str]] = {}
    for vote in votes:
        by_detection.setdefault(vote["detection_id"], []).append(vote["verdict"])
    final = [one["verdict"] for one in items if one["score"] >= 0.5 and one["verdict"] in {"real", "bogus"}]
    low, high = wilson(final.count("real"), len(final))
    pairs = [said for said in by_detection.values() if len(said) == 2]
    labels = Counter(label for said in pairs for label in said)
    n = labels.total()
    unlike = sum(one != other for one, other in pairs)
    # Two votes each: observed and expected disagreement, over the pairs of all 2 n_items values.
    alpha = 1.0 - (n - 1) * 2.0 * unlike / (n * n - sum(number**2 for number in labels.values()))
    chance = sum((number / n) ** 2 for number in labels.values())
    return {
        "n_queued": len(items),
        "n_open": sum(one["verdict"] is None for one in items),
        "n_disputed": sum(one["state"] == "disputed" for one in items),
        "n_votes": len(votes),
        "n_curators": len({vote["curator"] for vote in votes}),
        "krippendorff_alpha": alpha,
        "fleiss_kappa": ((1.0 - unlike / len(pairs)) - chance) / (1.0 - chance),
        "purity": {
            "n": final.count("real"), "n_of": len(final), "fraction": final.count("real") / len(final),
            "low": low, "high": high,
        },
        "seeds_found": {"n": 0, "n_of": 0},
    }  # fmt: skip


def _quality(database: _Database) -> dict[str, Any]:
    (run,) = database.rows("select * from injection_run where status = 'succeeded'")
    quality = json.loads(run["quality"])
    curves = []
    for level in ("candidates", "detections"):
        for place in ("everywhere", "galaxies"):
            (curve,) = (one for one in quality["completeness"] if (one["level"], one["place"]) == (level, place))
            bins = []
            for one in curve["by_snr"]:
                counted = {name: one[name] for name in ("low", "high", "n_injected", "n_recovered")}
                if one["n_injected"]:
                    low, high = wilson(one["n_recovered"], one["n_injected"])
                    part = one["n_recovered"] / one["n_injected"]
                    counted |= {"fraction": part, "fraction_low": low, "fraction_high": high}
                bins.append(counted)
            curves.append({
                "by_snr": bins,
                "n_injected": sum(one["n_injected"] for one in bins),
                "n_recovered": sum(one["n_recovered"] for one in bins),
                "half": _half(bins),
            })  # fmt: skip
    (difference,) = database.rows("select * from difference_run where key = ?", run["difference_key"])
    mpix = difference["n_usable_pix"] / 1e6
    rates = {}
    for level, rate in quality["false_rates"].items():
        n = rate["n_found"]
        ends = chi2.ppf(0.025, 2 * n) / 2 if n else 0.0, chi2.ppf(0.975, 2 * n + 2) / 2
        rates[level] = {
            "n_found": n, "usable_mpix": mpix, "per_mpix": n / mpix, "low": ends[0] / mpix, "high": ends[1] / mpix,
        }  # fmt: skip
    return {"n_exposures": 1, "n_missing": 0, "completeness": curves, "false_rates": rates}


def _half(bins: Rows) -> dict[str, float]:
    """Fit (1 - lost) Phi((s - m) / w) on a grid of our own; ends that lie on its edge are not bounded."""
    seen = [one for one in bins if one["n_injected"]]
    inside = np.array(
        [[one["low"] * (one["high"] / one["low"]) ** ((n + 0.5) / 40) for n in range(40)] for one in seen]
    )
    ends = 0.5 - math.sqrt(0.15), 0.5 + math.sqrt(0.15)
    first, last = (
        one["low"] * (one["high"] / one["low"]) ** end for one, end in zip((seen[0], seen[-1]), ends, strict=True)
    )
    k, n = (np.array([one[name] for one in seen], float) for name in ("n_recovered", "n_injected"))
    halves = np.geomspace(first, last, 600)
    best = np.full(len(halves), -np.inf)
    for lost in np.linspace(0.0, 0.4, 17):
        for width in np.geomspace(0.5, 4.0, 24):
            middle = halves - width * norm.ppf(0.5 / (1 - lost))
            chance = (1 - lost) * ndtr((inside - middle[:, None, None]) / width).mean(axis=2)
            chance = np.clip(chance, 1e-6, 1 - 1e-6)
            best = np.maximum(best, (k * np.log(chance) + (n - k) * np.log(1 - chance)).sum(axis=1))
    near = halves[best >= best.max() - chi2.ppf(0.95, 1) / 2]
    told = {"snr": halves[best.argmax()], "low": near[0], "high": near[-1]}
    return {name: float(one) for name, one in told.items() if halves[0] < one < halves[-1]}


def _coverage(database: _Database, artifacts: Path) -> dict[str, Any]:
    footprints, areas = [], []
    for one in _exposures(database):
        (path,) = artifacts.rglob(f"*{one['digest'][-32:]}")
        with fits.open(path) as hdus:
            wcs, shape = WCS(hdus["SCORE"].header), hdus["SCORE"].data.shape
        corners = wcs.calc_footprint(axes=(shape[1], shape[0]), center=False)[[0, 3, 2, 1]]
        footprints.append({"corners": corners.tolist()})
        areas.append(abs(np.linalg.det(wcs.pixel_scale_matrix)) * shape[0] * shape[1])
    # Both frames show the same field, a hundredth of a pixel apart.
    return {
        "area_deg2": areas[0],
        "bands": [{"n_exposures": len(areas), "area_deg2": areas[0]}],
        "footprints": footprints,
        "n_unplaced": 0,
    }


def _figures(expected: Mapping[str, Any]) -> dict[str, float]:
    exposures = expected["exposures"]
    mpix = sum(one["usable_mpix"] for one in exposures)
    (whole,) = (one for number, one in enumerate(expected["quality"]["completeness"]) if number == 2)
    return {
        "searched": 1.0,
        "green": sum(one["level"] == "green" for one in exposures) / len(exposures),
        "area_deg2": expected["coverage"]["area_deg2"],
        "score_noise": median(one["score_noise"] for one in exposures),
        "candidates_per_mpix": sum(one["n_candidates"] for one in exposures) / mpix,
        "detections_per_mpix": sum(one["n_detections"] for one in exposures) / mpix,
        "new_per_deg2": expected["n_entries_new"] / expected["coverage"]["area_deg2"],
        "completeness": whole["n_recovered"] / whole["n_injected"],
        "purity": expected["reviews"]["purity"]["fraction"],
        "seeing_arcsec.r": median(one["fwhm_arcsec"] for one in exposures),
        "zero_point_mag.r": 25.0,
    }


def _comparison(figures: Mapping[str, float], names: list[str]) -> Rows:
    newest = [told for _, told in reversed(EARLIER)]
    rows: Rows = []
    for name in names:
        last, longer = (
            [value for one in chosen if (value := one.get(name)) is not None] for chosen in (newest[:7], newest[:30])
        )
        row: dict[str, Any] = {"n_short": len(last), "n_long": len(longer)}
        row |= {"value": figures[name]} if name in figures else {}
        row |= {"median_short": median(last)} if last else {}
        row |= {"median_long": median(longer)} if longer else {}
        rows.append(row)
    return rows
