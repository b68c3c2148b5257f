"""The brightness at which half of what is there is found, and how well it is known."""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri

from astrid_core.preprocessing.sources import FloatArray

_DROP = 1.92
"""Half of the chi-square of one degree of freedom that 95 % stay below."""
_MARGIN = 2.0
"""So much deeper curves are still looked at more closely: a coarser grid misses the best one by less."""
_N_HALVES, _N_OTHERS = (41, 41, 41, 61), (9, 9, 13, 25)
"""Places in each round: of half points, and of each of the two other numbers."""
_MOST_LOST, _WIDTHS = 0.4, (0.5, 4.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class HalfPoint:
    """The predicted S/N at which half of the sources are found; None for what the injections do not bound."""

    snr: float | None
    low: float | None
    high: float | None


def half_point(
    snr: FloatArray, n_recovered: FloatArray, n_injected: FloatArray, *, weights: FloatArray | None = None
) -> HalfPoint:
    """Return where a fitted curve passes one half, with its profile-likelihood interval.

    ``n_recovered`` of ``n_injected`` were found at each predicted (absolute) S/N. The curve is
    (1 - lost) Phi((s - m) / w): Gaussian noise of w sigma about a threshold, and a part that no brightness saves
    (masks, neighbours). With ``weights`` the curve is averaged over each row of several S/N.

    All three numbers are sought on a grid, then on a finer one where the likelihood is high, and so on. One grid for
    all would be too coarse where there are many injections: what the other two numbers may be is a part of the error.
    """
    snr, n_recovered, n_injected = (one[n_injected > 0] for one in (snr, n_recovered, n_injected))
    nodes, weights = (snr[:, None], np.ones(1)) if weights is None else (snr, weights)
    if not len(snr) or not n_recovered.any() or (n_recovered == n_injected).all():
        return HalfPoint(snr=None, low=None, high=None)
    bounds = [
        (float(np.log(snr.min())), float(np.log(snr.max()))), (0.0, _MOST_LOST),
        (float(np.log(_WIDTHS[0])), float(np.log(_WIDTHS[1]))),
    ]  # fmt: skip
    ranges = bounds
    for n_halves, n_others in zip(_N_HALVES, _N_OTHERS, strict=True):
        sizes = (n_halves, n_others, n_others)
        axes = [np.linspace(least, most, n) for (least, most), n in zip(ranges, sizes, strict=True)]
        halves, losts, widths = np.exp(axes[0]), axes[1], np.exp(axes[2])
        likelihood = _likelihood(nodes, weights, n_recovered, n_injected, halves, losts, widths)
        ranges = _closer(likelihood, axes, bounds)
    profile = likelihood.max(axis=(1, 2))
    best = int(np.argmax(profile))
    level = profile[best] - _DROP
    near = np.flatnonzero(profile >= level)
    # Ends lie between places: a step of the grid is a good part of an error.
    low, high = [near[0] - 1, near[0]], [near[-1] + 1, near[-1]]
    return HalfPoint(
        snr=float(halves[best]) if 0 < best < len(halves) - 1 else None,
        low=float(np.exp(np.interp(level, profile[low], axes[0][low]))) if near[0] > 0 else None,
        high=float(np.exp(np.interp(level, profile[high], axes[0][high]))) if near[-1] < len(halves) - 1 else None,
    )


def _likelihood(
    nodes: FloatArray,
    weights: FloatArray,
    n_recovered: FloatArray,
    n_injected: FloatArray,
    halves: FloatArray,
    losts: FloatArray,
    widths: FloatArray,
) -> FloatArray:
    """Return the logarithm of the binomial likelihood (half point, lost, width)."""
    found = np.empty((len(halves), len(losts), len(widths)))
    for place, lost in enumerate(losts):
        # The plain curve has risen to this part of itself where the whole one passes one half.
        offset = float(ndtri(0.5 / (1.0 - lost)))
        for number, width in enumerate(widths):
            chance = (1.0 - lost) * (ndtr((nodes - halves[:, None, None]) / width + offset) @ weights)
            chance = np.clip(chance, 1e-6, 1.0 - 1e-6)
            terms = n_recovered * np.log(chance) + (n_injected - n_recovered) * np.log1p(-chance)
            found[:, place, number] = terms.sum(axis=1)
    return found


def _closer(
    likelihood: FloatArray, axes: list[FloatArray], bounds: list[tuple[float, float]]
) -> list[tuple[float, float]]:
    """Return for each axis where the likelihood is high, a step more on either side, within its bounds."""
    level = likelihood.max() - _DROP - _MARGIN
    ranges = []
    for number, (axis, (least, most)) in enumerate(zip(axes, bounds, strict=True)):
        others = tuple(one for one in range(len(axes)) if one != number)
        high = axis[likelihood.max(axis=others) >= level]
        step = axis[1] - axis[0]
        ranges.append((max(least, float(high[0] - step)), min(most, float(high[-1] + step))))
    return ranges
