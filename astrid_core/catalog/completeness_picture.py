"""Completeness curves as a picture."""

import io
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from astrid_core.differencing.completeness import EVERYWHERE, Completeness, CompletenessBin
from astrid_core.differencing.search_quality import SearchQuality

_COLOURS = {"candidates": "#1f5fa8", "detections": "#b5432a"}
_MARKS = {"everywhere": ("o", "-"), "galaxies": ("s", "--")}


def draw_completeness(quality: SearchQuality, *, title: str, threshold_sigma: float) -> bytes:
    """Return a PNG: the recovered part by predicted S/N and, with a zero point, by magnitude; bars are the intervals.

    Equal values give equal bytes.
    """
    by_mag = any(curve.by_mag for curve in quality.completeness)
    figure = Figure(figsize=(11.0 if by_mag else 6.0, 4.2), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(1, 2 if by_mag else 1, squeeze=False)[0]
    panels[0].axvline(threshold_sigma, color="0.6", linewidth=1.0, linestyle=":")
    panels[0].set_xscale("log")
    panels[0].set_xlabel("predicted S/N of the injected source")
    edges = sorted({edge for curve in quality.completeness for one in curve.by_snr for edge in (one.low, one.high)})
    panels[0].set_xticks(edges, [f"{edge:.3g}" for edge in edges])
    panels[0].minorticks_off()
    panels[0].set_xlim(0.95 * edges[0], 1.05 * edges[-1])
    for number, curve in enumerate(quality.completeness):
        _draw(panels[0], curve, curve.by_snr, shift=1.0 + 0.02 * number, label=_label(curve))
    if by_mag:
        panels[1].set_xlabel("AB magnitude of the injected source")
        for number, curve in enumerate(quality.completeness):
            _draw(panels[1], curve, curve.by_mag, shift=1.0 + 0.0006 * number, label=None)
        panels[1].invert_xaxis()
    for panel in panels:
        panel.set_ylim(-0.03, 1.03)
        panel.axhline(0.5, color="0.85", linewidth=1.0, zorder=0)
        panel.set_ylabel("recovered part")
    panels[0].legend(loc="lower right", fontsize=8, frameon=False)
    figure.suptitle(title, fontsize=11)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def _draw(
    panel: Any, curve: Completeness, bins: tuple[CompletenessBin, ...], *, shift: float, label: str | None
) -> None:
    points = [
        ((one.low * one.high) ** 0.5 * shift, one.fraction, one.fraction - one.fraction_low,
         one.fraction_high - one.fraction)
        for one in bins
        if one.fraction is not None and one.fraction_low is not None and one.fraction_high is not None
    ]  # fmt: skip
    if not points:
        return
    x, y, down, up = (list(values) for values in zip(*points, strict=True))
    mark, line = _MARKS[curve.place]
    # Rounding may leave an end of an interval a hair inside its value.
    bars = [[max(0.0, one) for one in side] for side in (down, up)]
    panel.errorbar(
        x, y, yerr=bars, marker=mark, markersize=4, linestyle=line, linewidth=1.2, capsize=2,
        color=_COLOURS[curve.level], alpha=1.0 if curve.place == EVERYWHERE else 0.55, label=label,
    )  # fmt: skip


def _label(curve: Completeness) -> str:
    place = "" if curve.place == EVERYWHERE else " on galaxies"
    half = "" if curve.half.snr is None else f", half at S/N {curve.half.snr:.2f}"
    return f"{curve.level}{place}{half}"
