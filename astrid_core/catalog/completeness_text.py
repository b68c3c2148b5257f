"""What injections have measured, as sentences and small tables."""

from collections.abc import Sequence

from astrid_core.catalog.night_quality import NightQuality
from astrid_core.differencing.completeness import CONFIDENCE, EVERYWHERE, Completeness, CompletenessBin, FalseRate
from astrid_core.differencing.half_point import HalfPoint
from astrid_core.differencing.search_quality import SearchQuality

_LABEL_WIDTH = 23


def describe_quality(quality: SearchQuality) -> tuple[str, ...]:
    """Return the lines that a terminal shows of one search: curves, half points, false candidates, fluxes, notes."""
    lines = [f"Recovered by predicted S/N (half points and rates with {100 * CONFIDENCE:.0f} % intervals)"]
    rows = curve_rows(quality.completeness)
    halves = ("", *(f"  half at {describe_half(curve.half)}" for curve in quality.completeness))
    lines += [row + half for row, half in zip(rows, halves, strict=True)]
    for level, rate in quality.false_rates.items():
        lines.append(f"{level} without any injection, true changes included: {describe_rate(rate)}")
    fluxes = quality.fluxes
    if fluxes.bias is not None and fluxes.bias_err is not None:
        lines.append(
            f"fluxes of {fluxes.n_sources} bright recoveries: bias {100 * fluxes.bias:+.1f} "
            f"+/- {100 * fluxes.bias_err:.1f} %, pull {fluxes.pull:+.2f} with sigma {fluxes.pull_sigma:.2f}"
        )
    else:
        lines.append(f"fluxes: only {fluxes.n_sources} bright recoveries, too few to compare")
    return (*lines, *(f"note: {note}" for note in quality.notes))


def curve_rows(curves: Sequence[Completeness]) -> tuple[str, ...]:
    """Return aligned lines: a head with the bins of predicted S/N, then the counts of each curve."""
    head = [f"{one.low:.3g}-{one.high:.3g}" for one in curves[0].by_snr]
    widths = [max(len(name), 7) for name in head]
    lines = [" " * _LABEL_WIDTH + "".join(f" {name:>{width}}" for name, width in zip(head, widths, strict=True))]
    for curve in curves:
        cells = [_count(one) for one in curve.by_snr]
        label = curve.level if curve.place == EVERYWHERE else f"{curve.level} on {curve.place}"
        lines.append(
            f"{label:<{_LABEL_WIDTH}}" + "".join(f" {cell:>{width}}" for cell, width in zip(cells, widths, strict=True))
        )
    return tuple(lines)


def describe_half(half: HalfPoint) -> str:
    """Return the predicted S/N at which half is found, with its interval."""
    if half.snr is None:
        return "an S/N that these injections do not bound"
    low = "?" if half.low is None else f"{half.low:.2f}"
    high = "?" if half.high is None else f"{half.high:.2f}"
    return f"S/N {half.snr:.2f} ({low} to {high})"


def describe_rate(rate: FalseRate) -> str:
    """Return a count and its rate with its interval."""
    return (
        f"{rate.n_found} in {rate.usable_mpix:.2f} Mpix, {rate.per_mpix:.2f} per Mpix "
        f"({rate.low:.2f} to {rate.high:.2f})"
    )


def describe_night(quality: NightQuality) -> tuple[str, ...]:
    """Return sentences on a night: which exposures, then one for each level of the search."""
    missing = f"; {quality.n_missing} more chosen, without a result" if quality.n_missing else ""
    plural = "" if quality.n_exposures == 1 else "s"
    sentences = [f"{quality.n_exposures} exposure{plural} searched once more with injected sources{missing}"]
    for curve in quality.completeness:
        if curve.place != EVERYWHERE:
            continue
        rate = quality.false_rates.get(curve.level)
        false = f"; without injections {describe_rate(rate)}" if rate else ""
        sentences.append(
            f"{curve.level}: {curve.n_recovered} of {curve.n_injected} injected sources, half of them at "
            f"{describe_half(curve.half)}{false}"
        )
    return tuple(sentences)


def _count(one: CompletenessBin) -> str:
    return f"{one.n_recovered}/{one.n_injected}" if one.n_injected else "-"
