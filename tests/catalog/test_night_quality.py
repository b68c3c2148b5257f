"""What injections measured, summed over a night and shown."""

from dataclasses import replace

import numpy as np
from scipy.special import ndtr

from astrid_core.catalog.completeness_picture import draw_completeness
from astrid_core.catalog.completeness_text import describe_half, describe_quality
from astrid_core.catalog.night_quality import choose_injection_run, night_quality
from astrid_core.catalog.night_table import WIDTH, night_table
from astrid_core.catalog.page import night_page
from astrid_core.detection.entities import InjectionRun
from astrid_core.differencing.completeness import FluxCheck, false_rate, measure_completeness
from astrid_core.differencing.half_point import HalfPoint
from astrid_core.differencing.inject_plan import Injection
from astrid_core.differencing.search_quality import SearchQuality, pool_completeness, pool_rates
from astrid_core.shared.runs import RunKey, RunStatus
from tests.catalog.test_report import invented_night

EDGES = np.geomspace(2.5, 20.0, 9)


def quality(seed: int, *, with_model: bool = True) -> SearchQuality:
    rng = np.random.default_rng(seed)
    snr = np.exp(rng.uniform(np.log(2.5), np.log(20.0), 100))
    injections = [
        Injection(number=number, x_pix=0.0, y_pix=0.0, flux=20.0 * one, predicted_snr=one, on_host=number % 2 == 0)
        for number, one in enumerate(snr, start=1)
    ]
    hosts = np.array([one.on_host for one in injections])
    levels = {"candidates": rng.random(100) < ndtr(snr - 5.0), "detections": rng.random(100) < ndtr(snr - 6.0)}
    if not with_model:
        del levels["detections"]
    return SearchQuality(
        completeness=tuple(
            measure_completeness(
                [one for one, is_here in zip(injections, chosen, strict=True) if is_here],
                recovered[chosen],
                level=level,
                place=place,
                snr_edges=EDGES,
                zero_point_mag=25.0,
            )
            for level, recovered in levels.items()
            for place, chosen in (("everywhere", np.ones(100, dtype=bool)), ("galaxies", hosts))
        ),
        false_rates={level: false_rate(3 * number, 900_000) for number, level in enumerate(levels, start=1)},
        fluxes=FluxCheck(n_sources=30, bias=0.011, bias_err=0.01, pull=0.1, pull_sigma=1.02),
        notes=("no gain is known",),
    )


def run(number: int, measured: SearchQuality | None, *, model: str = "unet/1") -> InjectionRun:
    return InjectionRun(
        key=RunKey(f"inject-{number}"),
        status=RunStatus.SUCCEEDED,
        difference_key=RunKey("difference-1"),
        observation_id="demo:1",
        model=model,
        quality=measured,
    )


def test_a_quality_comes_back_from_its_json() -> None:
    assert SearchQuality.from_json(quality(1).as_json()) == quality(1)


def test_the_night_is_the_sum_of_its_exposures() -> None:
    night = night_quality([run(1, quality(1)), run(2, quality(2)), run(3, None)], n_missing=1)
    assert night is not None
    assert (night.n_exposures, night.n_missing) == (2, 1)
    everywhere = night.completeness[0]
    assert (everywhere.level, everywhere.place, everywhere.n_injected) == ("candidates", "everywhere", 200)
    assert sum(one.n_injected for one in everywhere.by_snr) == 200
    assert everywhere.half.low is not None
    assert everywhere.half.high is not None
    assert everywhere.half.low < 5.0 < everywhere.half.high
    assert (night.false_rates["candidates"].n_found, night.false_rates["candidates"].usable_mpix) == (6, 1.8)
    assert night_quality([], n_missing=0) is None


def test_curves_over_other_bins_are_left_out_of_the_sum() -> None:
    curve = quality(1).completeness[0]
    other = replace(curve, by_snr=curve.by_snr[:3])
    pooled = pool_completeness([curve, other])
    assert pooled is not None
    assert pooled.n_injected == curve.n_injected
    assert pool_completeness([]) is None
    assert pool_rates([]) is None


def test_the_run_of_the_model_in_use_is_chosen() -> None:
    runs = [run(1, quality(1)), run(2, quality(2)), run(3, quality(3), model="unet/2"), run(4, None)]
    last = choose_injection_run(runs, model="unet/1", preferred=())
    asked = choose_injection_run(runs, model="unet/1", preferred={RunKey("inject-1")})
    assert last is not None
    assert asked is not None
    assert (last.key, asked.key) == ("inject-2", "inject-1")
    assert choose_injection_run(runs, model="unet/9", preferred=()) is None


def test_the_table_and_the_page_of_a_night_show_it() -> None:
    measured = night_quality([run(1, quality(1)), run(2, quality(2))], n_missing=0)
    facts = replace(invented_night(), quality=measured)
    table = night_table(facts)
    assert max(len(line) for line in table.splitlines()) <= WIDTH
    assert "2 exposures searched once more with injected sources" in table
    assert "detections on galaxies" in table
    page = night_page(facts, [])
    assert "What the search finds" in page
    assert page.count("half of them") == 0
    assert "What the search finds" not in night_page(invented_night(), [])
    assert "njected" not in night_table(invented_night())


def test_one_search_is_described_with_all_that_was_measured() -> None:
    text = "\n".join(describe_quality(quality(1)))
    for words in ("candidates on galaxies", "half at S/N", "3 in 0.90 Mpix", "bias +1.1 +/- 1.0 %", "note: no gain"):
        assert words in text
    bare = replace(quality(1), fluxes=FluxCheck(n_sources=1, bias=None, bias_err=None, pull=None, pull_sigma=None))
    assert "only 1 bright" in "\n".join(describe_quality(bare))
    assert describe_half(HalfPoint(snr=5.0, low=None, high=6.0)) == "S/N 5.00 (? to 6.00)"
    assert "do not bound" in describe_half(HalfPoint(snr=None, low=None, high=None))


def test_a_picture_is_drawn_the_same_twice_with_and_without_magnitudes() -> None:
    plain = replace(quality(1), completeness=tuple(replace(one, by_mag=()) for one in quality(1).completeness))
    pictures = [draw_completeness(one, title="a.fits", threshold_sigma=5.0) for one in (quality(1), quality(1), plain)]
    assert pictures[0] == pictures[1]
    assert all(one.startswith(b"\x89PNG") for one in pictures)
    assert len(pictures[2]) < len(pictures[0])
