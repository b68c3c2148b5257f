"""Maps of what a night covered, as coordinates of small pictures."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from astrid_core.catalog.coverage import BandCoverage, Coverage, Footprint

MAX_MAPS = 4
"""Bands that are drawn, those with the most sky first."""
_WIDTH, _LEAST_HEIGHT, _MOST_HEIGHT = 400.0, 60.0, 400.0
_N_SHADES = 4
_MARGIN = 0.04


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One frame on a map."""

    points: str
    """Of an SVG polygon."""
    shade: int | None
    """From 0 for the shallowest to 3 for the deepest frames of the map; None where the depth is not known."""
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverageMap:
    """The frames of one band, deeper ones above others; north is up, east to the left."""

    band: str
    width: float
    height: float
    frames: tuple[Frame, ...]
    centre: str
    size: str
    """Width and height of the map on the sky."""
    limits: tuple[float, ...]
    """Magnitudes at which the shades meet; empty where all frames are of one depth or none is known."""


def coverage_maps(coverage: Coverage) -> tuple[CoverageMap, ...]:
    """Return a map of each band."""
    bands = sorted(coverage.bands, key=lambda one: (-one.area_deg2, one.band))[:MAX_MAPS]
    return tuple(_map(one, coverage.footprints) for one in bands)


def _map(band: BandCoverage, footprints: Sequence[Footprint]) -> CoverageMap:
    inside = [one for one in footprints if one.band == band.band]
    ra0 = _mean_ra(inside)
    flat = {one.observation_id: _flat(one, ra0) for one in inside}
    places = np.concatenate(list(flat.values()))
    low, high = places.min(axis=0), places.max(axis=0)
    size = np.maximum(high - low, 1e-6)
    middle = (low + high) / 2.0
    scale = min(_WIDTH / size[0], _MOST_HEIGHT / size[1]) * (1.0 - 2.0 * _MARGIN)
    height = max(_LEAST_HEIGHT, float(size[1] * scale / (1.0 - 2.0 * _MARGIN)))
    limits = _limits(inside)
    frames = []
    for one in sorted(inside, key=lambda each: (each.limiting_mag or -math.inf, each.observation_id)):
        x, y = ((flat[one.observation_id] - middle) * scale).T
        points = " ".join(f"{_WIDTH / 2.0 - a:.1f},{height / 2.0 - b:.1f}" for a, b in zip(x, y, strict=True))
        depth = "depth unknown" if one.limiting_mag is None else f"depth {one.limiting_mag:.2f}"
        shade = None if one.limiting_mag is None else sum(one.limiting_mag >= limit for limit in limits)
        frames.append(Frame(points=points, shade=shade, text=f"{one.observation_id}: {depth}"))
    ra = (ra0 + middle[0] / max(math.cos(math.radians(middle[1])), 1e-6)) % 360.0
    return CoverageMap(
        band=band.band,
        width=_WIDTH,
        height=height,
        frames=tuple(frames),
        centre=f"RA {ra:.3f}°, Dec {middle[1]:+.3f}°".replace("-", "−"),
        size=f"{size[0]:.3g}° × {size[1]:.3g}°",
        limits=limits,
    )


def _mean_ra(footprints: Sequence[Footprint]) -> float:
    angles = np.radians([ra for one in footprints for ra, _ in one.corners])
    return float(np.degrees(np.arctan2(np.sin(angles).mean(), np.cos(angles).mean())))


def _flat(footprint: Footprint, ra0: float) -> np.ndarray:
    """Project so that areas are right (sinusoidal)."""
    ra, dec = np.array(footprint.corners).T
    away = (ra - ra0 + 180.0) % 360.0 - 180.0
    return np.column_stack([away * np.cos(np.radians(dec)), dec])


def _limits(footprints: Sequence[Footprint]) -> tuple[float, ...]:
    depths = [one.limiting_mag for one in footprints if one.limiting_mag is not None]
    if len(depths) < _N_SHADES or max(depths) - min(depths) < 0.01:
        return ()
    return tuple(float(one) for one in np.quantile(depths, np.arange(1, _N_SHADES) / _N_SHADES))


def legend(one: CoverageMap) -> tuple[Mapping[str, str | int], ...]:
    """Return what each shade stands for."""
    if not one.limits:
        return ()
    ends = [
        f"below {one.limits[0]:.2f}",
        *(f"{a:.2f}–{b:.2f}" for a, b in zip(one.limits, one.limits[1:], strict=False)),
    ]
    return tuple({"shade": number, "text": text} for number, text in enumerate([*ends, f"from {one.limits[-1]:.2f}"]))
