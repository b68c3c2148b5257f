"""Which measured numbers make an exposure good, doubtful or unusable."""

import math
from dataclasses import dataclass, fields
from typing import TypeAlias

from astrid_core.shared.errors import BadConfiguration

Range: TypeAlias = tuple[float, float]
Limits: TypeAlias = tuple[Range, Range, Range]
"""Lowest and highest value for green, yellow and orange; whatever lies outside the last is red."""

_INF = math.inf


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityConfig:
    """Ranges of the measured numbers of an exposure and its difference: lowest and highest for green, yellow, orange.

    Empty limits judge nothing.
    """

    n_stars: Limits | tuple[()] = ((10.0, _INF), (5.0, _INF), (1.0, _INF))
    """Stars that the PSF was measured from."""
    fwhm_pix: Limits | tuple[()] = ((1.5, 10.0), (1.0, 15.0), (0.5, 30.0))
    """Seeing in pixels: where it is small, pixels are too coarse to tell a star from a hit."""
    seeing_arcsec: Limits | tuple[()] = ()
    """Seeing on the sky."""
    psf_residual: Limits | tuple[()] = ((0.0, 0.05), (0.0, 0.1), (0.0, 0.3))
    """Scatter of stars about the PSF model, a fraction of their flux."""
    masked_fraction: Limits | tuple[()] = ((0.0, 0.3), (0.0, 0.6), (0.0, 0.9))
    """Unusable part of the pixels."""
    ellipticity: Limits | tuple[()] = ((0.0, 0.2), (0.0, 0.4), (0.0, 0.7))
    """Of the PSF: guiding and wind."""
    astrometric_rms_pix: Limits | tuple[()] = ((0.0, 0.3), (0.0, 0.5), (0.0, 0.7))
    """Scatter of catalog stars about the WCS, the worse axis."""
    zero_point_scatter_mag: Limits | tuple[()] = ((0.0, 0.07), (0.0, 0.15), (0.0, 0.5))
    """Scatter of catalog stars about the zero point: clouds, and a flat field that is wrong."""
    airmass: Limits | tuple[()] = ()
    """Through how much air it looked."""
    depth_mag: Limits | tuple[()] = ()
    """5-sigma limit for a point source, AB."""
    registration_rms_pix: Limits | tuple[()] = ((0.0, 0.3), (0.0, 0.6), (0.0, 1.5))
    """Scatter of matched stars between science frame and reference."""
    flux_ratio: Limits | tuple[()] = ()
    """Science counts per reference count: 1 for two equal exposures under equal skies."""
    score_noise: Limits | tuple[()] = ((0.85, 1.15), (0.7, 1.3), (0.1, 3.0))
    """Noise of the score on the sky before calibration: 1 where the variance is right. Colour filters in front of
    single pixels make neighbours differ by more than noise, which the score averages away: 0.3 is seen.
    """
    source_noise: Limits | tuple[()] = ((0.0, 1.15), (0.0, 1.5), (0.0, _INF))
    """How much noisier the score was on sources than on the sky before that was allowed for."""
    candidates_per_mpix: Limits | tuple[()] = ((0.0, 200.0), (0.0, 500.0), (0.0, 1000.0))
    """More than that is no sky but two images that do not belong together."""
    bands: tuple[tuple[str, str, Limits], ...] = ()
    """Other limits for one band: band, number, limits."""

    def __post_init__(self) -> None:
        for name in MEASURES:
            _check(name, self.of(name))
        for band, name, limits in self.bands:
            if name not in MEASURES:
                raise BadConfiguration("unknown number", band=band, number=name, known=", ".join(MEASURES))
            _check(name, limits)

    def of(self, name: str, band: str = "") -> Limits | tuple[()]:
        """Return the limits of a number in a band."""
        special = {(one, number): limits for one, number, limits in self.bands}
        limits: Limits | tuple[()] = special.get((band, name), getattr(self, name))
        return limits


MEASURES = tuple(one.name for one in fields(QualityConfig) if one.name != "bands")
"""The numbers that can be judged."""


def _check(name: str, limits: Limits | tuple[()]) -> None:
    if not limits:
        return
    if len(limits) != 3 or any(len(one) != 2 or not one[0] <= one[1] for one in limits):
        raise BadConfiguration("limits are [low, high] for green, yellow and orange", number=name, got=limits)
    green, yellow, orange = limits
    if not orange[0] <= yellow[0] <= green[0] <= green[1] <= yellow[1] <= orange[1]:
        raise BadConfiguration("green must lie within yellow, and yellow within orange", number=name, got=limits)
