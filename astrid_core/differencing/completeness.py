"""How much of what was injected is found again, and what is found without any injection."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from astropy.stats import binom_conf_interval, poisson_conf_interval
from numpy.typing import NDArray
from scipy.special import ndtri

from astrid_core.differencing.entities import Candidate
from astrid_core.differencing.extract import Peak
from astrid_core.differencing.half_point import HalfPoint, half_point
from astrid_core.differencing.inject_plan import Injection
from astrid_core.preprocessing.sources import FloatArray
from astrid_core.shared.robust import sigma_of

CONFIDENCE = 0.95
"""Of every interval."""

CANDIDATES, DETECTIONS = "candidates", "detections"
"""Levels of a search: peaks of the score image, and those of them that the network believes."""
EVERYWHERE, GALAXIES = "everywhere", "galaxies"
"""Where injections were put."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CompletenessBin:
    """Injections between two values of predicted S/N or magnitude."""

    low: float
    high: float
    n_injected: int
    n_recovered: int
    fraction: float | None
    """None where nothing was injected."""
    fraction_low: float | None
    fraction_high: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FalseRate:
    """What stands out of the same exposure without injections: with true changes, an upper limit of what is false."""

    n_found: int
    usable_mpix: float
    per_mpix: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FluxCheck:
    """Measured against injected fluxes of bright recoveries; None where there are too few."""

    n_sources: int
    bias: float | None
    """Median of measured over injected flux, minus 1."""
    bias_err: float | None
    pull: float | None
    """Median of (measured - injected) / error."""
    pull_sigma: float | None
    """Its robust standard deviation: 1 where the errors are right."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Completeness:
    """What was found again of the injections of one exposure, at one level of the search."""

    level: str
    """CANDIDATES or DETECTIONS."""
    place: str
    """EVERYWHERE or GALAXIES."""
    n_injected: int
    n_recovered: int
    half: HalfPoint
    by_snr: tuple[CompletenessBin, ...]
    by_mag: tuple[CompletenessBin, ...] = ()
    """AB magnitudes of the injected flux; empty without a zero point."""


def match(
    injections: Sequence[Injection], found: Sequence[Peak | Candidate], radius_pix: float
) -> tuple[int | None, ...]:
    """Return for each injection the number (from 0) of its recovery in ``found``, or None.

    A recovery has the sign of its injection and lies within ``radius_pix``; nearest pairs first, each serves once.
    """
    if not injections or not found:
        return (None,) * len(injections)
    wanted = np.array([(one.x_pix, one.y_pix, one.flux) for one in injections])
    there = np.array([(one.x_pix, one.y_pix, one.score) for one in found])
    away = np.hypot(wanted[:, None, 0] - there[None, :, 0], wanted[:, None, 1] - there[None, :, 1])
    away[np.sign(wanted[:, None, 2]) != np.sign(there[None, :, 2])] = np.inf
    matched: list[int | None] = [None] * len(injections)
    taken: set[int] = set()
    for place in np.argsort(away, axis=None, kind="stable"):
        which, number = divmod(int(place), len(found))
        if away[which, number] > radius_pix:
            break
        if matched[which] is None and number not in taken:
            matched[which] = number
            taken.add(number)
    return tuple(matched)


def completeness_curve(
    values: FloatArray, recovered: NDArray[np.bool_], edges: FloatArray
) -> tuple[CompletenessBin, ...]:
    """Return the recovered part of what lies between each two ``edges``, the last edge included, with its interval."""
    where = np.searchsorted(edges, values, side="right") - 1
    # What lies on an outer edge is inside, whatever rounding says.
    where[np.isclose(values, edges[0])] = 0
    where[np.isclose(values, edges[-1])] = len(edges) - 2
    bins = []
    for number in range(len(edges) - 1):
        inside = where == number
        n_injected, n_recovered = int(inside.sum()), int(recovered[inside].sum())
        low, high = binomial_interval(n_recovered, n_injected)
        bins.append(
            CompletenessBin(
                low=float(edges[number]),
                high=float(edges[number + 1]),
                n_injected=n_injected,
                n_recovered=n_recovered,
                fraction=n_recovered / n_injected if n_injected else None,
                fraction_low=low,
                fraction_high=high,
            )
        )
    return tuple(bins)


def false_rate(n_found: int, n_usable_pix: int) -> FalseRate:
    """Return candidates per megapixel with a Poisson interval; raises ValueError without a usable pixel."""
    if n_usable_pix <= 0:
        raise ValueError(f"a rate needs usable pixels, there are {n_usable_pix}")
    mpix = n_usable_pix / 1e6
    low, high = poisson_conf_interval(n_found, interval="frequentist-confidence", sigma=ndtri(0.5 + CONFIDENCE / 2.0))
    return FalseRate(
        n_found=n_found, usable_mpix=mpix, per_mpix=n_found / mpix, low=float(low) / mpix, high=float(high) / mpix
    )


def check_fluxes(injected: FloatArray, measured: FloatArray, errors: FloatArray) -> FluxCheck:
    """Return bias and pull of measured fluxes, robustly; arrays of one length, of recoveries only."""
    known = np.isfinite(measured) & np.isfinite(errors) & (errors > 0.0)
    injected, measured, errors = injected[known], measured[known], errors[known]
    if (n := len(injected)) < 2:
        return FluxCheck(n_sources=n, bias=None, bias_err=None, pull=None, pull_sigma=None)
    relative, pulls = measured / injected - 1.0, (measured - injected) / errors
    return FluxCheck(
        n_sources=n,
        bias=float(np.median(relative)),
        # The median of a Gaussian sample scatters sqrt(pi / 2) times as much as its mean.
        bias_err=float(np.sqrt(np.pi / 2.0 / n) * _robust_sigma(relative)),
        pull=float(np.median(pulls)),
        pull_sigma=_robust_sigma(pulls),
    )


def _robust_sigma(values: FloatArray) -> float:
    return sigma_of(values - np.median(values))


def binomial_interval(n_recovered: int, n_injected: int) -> tuple[float | None, float | None]:
    """Return the interval of a recovered fraction; None where nothing was injected.

    Wilson score interval (Brown, Cai & DasGupta 2001, Stat. Sci. 16, 101): it behaves at 0 and 1.
    """
    if not n_injected:
        return None, None
    low, high = binom_conf_interval(n_recovered, n_injected, confidence_level=CONFIDENCE, interval="wilson")
    return float(low), float(high)


def measure_completeness(
    injections: Sequence[Injection],
    recovered: NDArray[np.bool_],
    *,
    level: str,
    place: str,
    snr_edges: FloatArray,
    zero_point_mag: float | None,
) -> Completeness:
    """Return curve and half point of ``injections``, of which those marked were ``recovered``."""
    snr = np.array([abs(one.predicted_snr) for one in injections], dtype=float)
    flux = np.array([abs(one.flux) for one in injections], dtype=float)
    by_mag: tuple[CompletenessBin, ...] = ()
    if zero_point_mag is not None and len(flux):
        mag = zero_point_mag - 2.5 * np.log10(flux)
        by_mag = completeness_curve(mag, recovered, np.linspace(mag.min(), mag.max(), len(snr_edges)))
    return Completeness(
        level=level,
        place=place,
        n_injected=len(injections),
        n_recovered=int(recovered.sum()),
        half=half_point(snr, recovered.astype(float), np.ones(len(snr))),
        by_snr=completeness_curve(snr, recovered, snr_edges),
        by_mag=by_mag,
    )
