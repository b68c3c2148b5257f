"""Masters: what a detector adds to every frame, and how its pixels answer to light."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from astrid_core.preprocessing.calibrate_config import CalibrateConfig
from astrid_core.preprocessing.combine import Combined, combine
from astrid_core.shared.errors import TooFewInputs
from astrid_core.shared.images import FloatImage

VERSION = 1
"""Raise when the same inputs should give another master."""

_NEIGHBOURHOOD_PIX = 15
_SMOOTH_PIX = 1.5
_GROW_PIX = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Master:
    """A master with its noise and its inputs, arrays (ny, nx).

    Pixels of a bias are counts, of a dark counts per second, of a flat the response relative to the median pixel, of a
    bad-pixel mask 1 where a pixel is bad and 0 elsewhere.
    """

    pixels: FloatImage
    variance: FloatImage
    """In the square of the unit of the pixels; 0 for a bad-pixel mask."""
    n_used: NDArray[np.uint16]
    """Inputs that each pixel was made from."""

    @property
    def level(self) -> float:
        """Median of the pixels; for a bad-pixel mask the part that is bad."""
        finite = self.pixels[np.isfinite(self.pixels)]
        is_mask = bool(np.isin(finite[:1000], (0.0, 1.0)).all()) and not self.variance.any()
        return float(finite.mean() if is_mask else np.median(finite))

    @property
    def scatter(self) -> float:
        """Robust scatter of the pixels about their median."""
        finite = self.pixels[np.isfinite(self.pixels)]
        return float(1.4826 * np.median(np.abs(finite - np.median(finite))))

    @property
    def input_noise(self) -> float | None:
        """Noise of a pixel of one input, from the scatter between inputs; None where fewer than two tell one."""
        told = (self.n_used > 1) & np.isfinite(self.variance)
        return float(np.sqrt(np.median(self.variance[told] * self.n_used[told]))) if told.any() else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Masters:
    """Those that apply to one frame; None where there is none."""

    bias: Master | None = None
    dark: Master | None = None
    flat: Master | None = None
    bad_pixels: Master | None = None


def build_bias(frames: Sequence[FloatImage], config: CalibrateConfig) -> Master:
    """Return the mean of bias frames, overscan taken off, counts."""
    _require(len(frames), config.min_bias, "bias")
    return _master(combine(frames, clip_sigma=config.clip_sigma))


def build_dark(
    frames: Sequence[FloatImage], exposures_s: Sequence[float], bias: Master | None, config: CalibrateConfig
) -> Master:
    """Return counts per second that gather in the dark, the bias taken off.

    Exposures are clipped as rates, all of the scale of the longest: read noise makes a short one a poor witness, so
    darks of less than half of the longest exposure are left out.
    """
    longest = max(exposures_s, default=0.0)
    kept = [number for number, seconds in enumerate(exposures_s) if seconds > 0.0 and seconds >= longest / 2.0]
    _require(len(kept), config.min_dark, "dark", longest_s=longest)
    rates = [_minus(frames[number], bias) / np.float32(exposures_s[number]) for number in kept]
    combined = combine(rates, clip_sigma=config.clip_sigma)
    variance = combined.variance
    if bias is not None:
        # The same bias went off every frame: its error does not average out.
        variance = variance + bias.variance * np.float32(np.mean([1.0 / exposures_s[number] for number in kept]) ** 2)
    return Master(pixels=combined.pixels, variance=variance, n_used=combined.n_used)


def build_flat(
    frames: Sequence[FloatImage], exposures_s: Sequence[float], masters: Masters, config: CalibrateConfig
) -> Master:
    """Return the response to even light, median 1, in two passes.

    First the mean of all frames, each scaled to its median. Then each frame over that first flat is even but for stars
    and satellites, which show there far better than in the frame: they are cut out, the scale is measured anew on what
    is left, and the mean taken again.
    """
    _require(len(frames), config.min_flat, "flat")
    light = [without_dark(frame, seconds, masters) for frame, seconds in zip(frames, exposures_s, strict=True)]
    scaled = [frame / np.float32(np.nanmedian(frame)) for frame in light]
    first = combine(scaled, clip_sigma=config.clip_sigma)
    cleaned = [_without_sources(frame, first.pixels, config) for frame in scaled]
    second = combine(cleaned, clip_sigma=config.clip_sigma)
    norm = float(np.nanmedian(second.pixels))
    return Master(
        pixels=second.pixels / np.float32(norm),
        variance=second.variance / np.float32(norm**2),
        n_used=second.n_used,
    )


def build_bad_pixels(dark: Master | None, flat: Master | None, config: CalibrateConfig) -> Master:
    """Return 1 where a pixel is too hot, answers too little or too much to light, or has no master at all."""
    if dark is None and flat is None:
        raise TooFewInputs("a bad-pixel mask needs a master dark or flat", kind="bad_pixels", n=0, required=1)
    known = [one for one in (dark, flat) if one is not None]
    bad = np.any([~np.isfinite(one.pixels) for one in known], axis=0)
    if dark is not None:
        rate = np.nan_to_num(dark.pixels - np.float32(dark.level))
        bad |= rate > config.hot_sigma * max(dark.scatter, float(np.sqrt(np.median(dark.variance))))
    if flat is not None:
        filled = np.where(np.isfinite(flat.pixels), flat.pixels, np.float32(1.0))
        relative = filled / ndimage.median_filter(filled, _NEIGHBOURHOOD_PIX)
        low, high = config.flat_response
        bad |= (relative < low) | (relative > high)
    return Master(
        pixels=bad.astype(np.float32),
        variance=np.zeros(bad.shape, dtype=np.float32),
        n_used=np.min([one.n_used for one in known], axis=0).astype(np.uint16),
    )


def without_dark(frame: FloatImage, exposure_s: float, masters: Masters) -> FloatImage:
    """Return counts of light alone: bias and dark current of the exposure taken off."""
    light = _minus(frame, masters.bias)
    return light if masters.dark is None else light - masters.dark.pixels * np.float32(exposure_s)


def _minus(frame: FloatImage, bias: Master | None) -> FloatImage:
    return frame if bias is None else frame - bias.pixels


def _without_sources(frame: FloatImage, flat: FloatImage, config: CalibrateConfig) -> FloatImage:
    """Return a scaled flat with NaN on what stands out of the first-pass flat, scaled again by what is left."""
    ratio = np.where(flat > 0.1, frame / np.where(flat > 0.1, flat, np.float32(1.0)), np.float32(1.0))
    ratio = np.where(np.isfinite(ratio), ratio, np.float32(1.0))
    smooth = ndimage.gaussian_filter(ratio, _SMOOTH_PIX) - np.float32(np.median(ratio))
    noise = 1.4826 * float(np.median(np.abs(smooth)))
    lit = smooth > config.source_sigma * noise
    lit = ndimage.binary_dilation(ndimage.binary_opening(lit, iterations=1), iterations=_GROW_PIX)
    scale = float(np.median(ratio[~lit])) if not lit.all() else 1.0
    return np.where(lit, np.float32(np.nan), frame / np.float32(scale)).astype(np.float32)


def _master(combined: Combined) -> Master:
    return Master(pixels=combined.pixels, variance=combined.variance, n_used=combined.n_used)


def _require(n: int, required: int, kind: str, **facts: object) -> None:
    if n < required:
        raise TooFewInputs(f"too few frames for a master {kind}", kind=kind, n=n, required=required, **facts)
