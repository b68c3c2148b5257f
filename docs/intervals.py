"""``python -m docs.intervals``: how often the intervals of a night's completeness hold the truth."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from scipy.special import ndtr, ndtri

from astrid_core.catalog.model_track import Share
from astrid_core.differencing.completeness import Completeness, completeness_curve
from astrid_core.differencing.half_point import half_point
from astrid_core.differencing.search_quality import pool_completeness

N_NIGHTS, SEED = 300, 20260301
EDGES = np.geomspace(2.5, 20.0, 9)
_LOST, _WIDTH = (0.0, 0.15), (0.7, 1.6)
"""Drawn for each night: what no brightness saves, and how soft the threshold is."""
_N_INJECTED = 100
"""In one exposure."""
PICTURE = Path(__file__).parent / "pictures" / "intervals.png"
PAGE = Path(__file__).parent / "intervals.md"
_TEXT = """# What the intervals of a night are worth

The report of a night tells completeness with intervals of 95 %: of parts by Wilson's score, of the S/N at which half is
found by the profile likelihood. Here {n_nights} nights are simulated for each row, with {n_injected} sources an
exposure, even in the logarithm of the S/N. Each is found with a known chance: how soft its threshold is, and how many
bright sources are lost, is drawn for the night. The code of the report counts and sums them. A good interval holds the
truth in 95 % of the nights, which so many nights measure to 1.3 %. Written by `python -m docs.intervals`.

| exposures | scatter of their half points, sigma | whole | bins of S/N | half point |
|---|---|---|---|---|
{rows}

The interval of the whole is too wide: sources of other brightness have other chances, so their number scatters less
than that of equal ones. The purity of what people judged has the same kind of interval.

Where exposures have half points of their own the night has no single one, and none is compared. A half point is sought
on a grid of curves which becomes finer where the likelihood is high. On one grid for all nights the rest of the curve
was less uncertain than it is: with thirty exposures such intervals were too narrow, and held too few of the truths.

![The interval of the whole of nights of three exposures](pictures/intervals.png)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Night:
    """One simulated night."""

    whole: Share
    """Recovered of all that was injected."""
    true_whole: float
    pooled: Completeness
    true_bins: tuple[float, ...]
    """Chance that a source of the bin is found, mean over those that were injected into it; NaN for none."""
    true_half: float | None
    """None where exposures have half points of their own: then the night has no single one."""


def simulate(rng: np.random.Generator, *, n_exposures: int, spread: float) -> Night:
    """Return a night whose sources are found with known chance, through the estimators of the report.

    In each exposure the S/N at which half is found is drawn about 5 with a Gaussian scatter of ``spread``.
    """
    lost, width = rng.uniform(*_LOST), rng.uniform(*_WIDTH)
    curves, chances, snrs = [], [], []
    for middle in rng.normal(5.0, spread, n_exposures):
        snr = np.exp(rng.uniform(np.log(EDGES[0]), np.log(EDGES[-1]), _N_INJECTED))
        chance = (1.0 - lost) * ndtr((snr - middle) / width)
        found = rng.random(_N_INJECTED) < chance
        curves.append(_curve(snr, found))
        chances.append(chance)
        snrs.append(snr)
    pooled = pool_completeness(curves)
    if pooled is None:
        raise ValueError("a night needs exposures")
    snr, chance = np.concatenate(snrs), np.concatenate(chances)
    where = np.searchsorted(EDGES, snr, side="right") - 1
    bins = [chance[where == number] for number in range(len(EDGES) - 1)]
    return Night(
        whole=Share.of(pooled.n_recovered, pooled.n_injected),
        true_whole=float(chance.mean()),
        pooled=pooled,
        true_bins=tuple(float(one.mean()) if len(one) else float("nan") for one in bins),
        true_half=None if spread else 5.0 + width * float(ndtri(0.5 / (1.0 - lost))),
    )


def covered(*, n_exposures: int, spread: float = 0.0, n_nights: int = N_NIGHTS) -> Mapping[str, float]:
    """Return which part of the intervals of many nights hold the truth: of the whole, of the bins, of half points."""
    rng = np.random.default_rng(SEED)
    nights = [simulate(rng, n_exposures=n_exposures, spread=spread) for _ in range(n_nights)]
    bins = [
        (one.fraction_low, truth, one.fraction_high)
        for night in nights
        for one, truth in zip(night.pooled.by_snr, night.true_bins, strict=True)
        if one.n_injected
    ]
    parts = {
        "whole": [(night.whole.low, night.true_whole, night.whole.high) for night in nights],
        "bins": bins,
        "half": [
            (night.pooled.half.low, night.true_half, night.pooled.half.high)
            for night in nights
            if night.true_half is not None
        ],
    }
    return {name: _part(values) for name, values in parts.items() if values}


def _part(values: Sequence[tuple[float | None, float, float | None]]) -> float:
    # An end that the injections do not bound lies beyond every truth.
    held = [(low is None or low <= truth) and (high is None or truth <= high) for low, truth, high in values]
    return float(np.mean(held))


def _curve(snr: np.ndarray, found: np.ndarray) -> Completeness:
    return Completeness(
        level="detections",
        place="everywhere",
        n_injected=len(snr),
        n_recovered=int(found.sum()),
        half=half_point(np.empty(0), np.empty(0), np.empty(0)),
        by_snr=completeness_curve(snr, found, EDGES),
    )


def picture(nights: Sequence[Night]) -> bytes:
    """Return a PNG: the interval of every night, of all that was injected, in the order of their middles."""
    ordered = sorted(nights, key=lambda one: one.whole.n / one.whole.n_of - one.true_whole)
    figure = Figure(figsize=(9.0, 3.6), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    for number, night in enumerate(ordered):
        low, high = night.whole.low or 0.0, night.whole.high or 0.0
        holds = low <= night.true_whole <= high
        ends = [100.0 * (low - night.true_whole), 100.0 * (high - night.true_whole)]
        axes.plot([number, number], ends, color="#1f5fa8" if holds else "#b5432a", linewidth=1.2)
    axes.axhline(0.0, color="0.2", linewidth=1.0)
    axes.set_xlabel(f"{len(ordered)} simulated nights, by error")
    axes.set_ylabel("interval minus truth, per cent")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def main() -> None:
    """Measure, and write page and picture."""
    rows = []
    for n_exposures in (1, 3, 10, 30):
        for spread in (0.0, 0.7):
            held = covered(n_exposures=n_exposures, spread=spread)
            cells = " | ".join(
                f"{100.0 * held[name]:.1f} %" if name in held else "-" for name in ("whole", "bins", "half")
            )
            rows.append(f"| {n_exposures} | {spread:g} | {cells} |")
    rng = np.random.default_rng(SEED)
    nights = [simulate(rng, n_exposures=3, spread=0.7) for _ in range(N_NIGHTS)]
    PICTURE.write_bytes(picture(nights))
    PAGE.write_text(_TEXT.format(n_nights=N_NIGHTS, n_injected=_N_INJECTED, rows="\n".join(rows)))


if __name__ == "__main__":
    main()
