"""A raw frame and the masters of its detector in, counts of light with their noise out."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from astrid_core.preprocessing.mask import compose
from astrid_core.preprocessing.masters import Master, Masters, without_dark
from astrid_core.preprocessing.raw import LevelFrame, linearize
from astrid_core.shared.errors import NoCalibration
from astrid_core.shared.images import FloatImage, MaskImage, MaskPlane

VERSION = 2
"""Raise when the same frame and masters should give other pixels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RawFacts:
    """What is known about a raw frame beside its pixels; None where nobody says."""

    exposure_s: float
    gain_e_count: float | None = None
    read_noise_e: float | None = None
    saturation_adu: float | None = None
    """Of the raw counts, overscan and bias included."""
    coefficients: tuple[float, ...] = ()
    """Of the linearity, as ``linearize`` takes them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibrated:
    """A frame as a perfect detector would have taken it; arrays (ny, nx)."""

    pixels: FloatImage
    """Counts of the whole exposure; NaN where a master has none."""
    variance: FloatImage | None
    """Counts squared: photons, dark current, read-out and masters; None where no gain is known."""
    mask: MaskImage
    saturation: float | None
    """Lowest level at which ordinary pixels of the calibrated frame are full."""
    read_noise_e: float | None


def apply_masters(frame: LevelFrame, masters: Masters, detector: RawFacts, *, saturation_fraction: float) -> Calibrated:
    """Return linear counts of light: bias and dark current off, divided by the flat, with the noise of all of these.

    Full pixels are found before anything is divided. A read noise that nobody says is that of the overscan, or else of
    the inputs of the master bias. Raises NoCalibration where a master has another shape, and where a gain is known but
    no read noise: the noise of such a frame would be a guess.
    """
    for kind in ("bias", "dark", "flat", "bad_pixels"):
        _require_shape(getattr(masters, kind), kind, frame)
    linear = linearize(frame.pixels, detector.coefficients)
    light = without_dark(linear, detector.exposure_s, masters)
    flat = np.ones(light.shape, dtype=np.float32) if masters.flat is None else masters.flat.pixels
    answers = np.isfinite(flat) & (flat > 0.0)
    response = np.where(answers, flat, np.float32(np.nan))
    pixels = np.asarray(light / response, dtype=np.float32)
    read_noise_e = _read_noise(frame, masters, detector)
    full = np.zeros(light.shape, dtype=bool)
    saturation = None
    if detector.saturation_adu is not None:
        top = np.float32(detector.saturation_adu - frame.overscan_adu)
        full = frame.pixels >= saturation_fraction * top
        saturation = _lowest_full(linearize(np.full((1, 1), top), detector.coefficients), detector, masters, response)
    bad = ~answers | ~np.isfinite(pixels)
    if masters.bad_pixels is not None:
        bad |= masters.bad_pixels.pixels > 0.5
    mask = compose({MaskPlane.SATURATED: full, MaskPlane.BAD: bad}, np.zeros(light.shape, dtype=np.uint16))
    variance = None
    if detector.gain_e_count is not None and read_noise_e is not None:
        variance = _variance(pixels, response, masters, detector, read_noise_e)
    return Calibrated(
        pixels=pixels,
        variance=variance,
        mask=mask,
        saturation=saturation,
        read_noise_e=read_noise_e,
    )


def _read_noise(frame: LevelFrame, masters: Masters, detector: RawFacts) -> float | None:
    """Return electrons; None without a gain, unless the header says it."""
    if detector.read_noise_e is not None or detector.gain_e_count is None:
        return detector.read_noise_e
    noise_adu = frame.read_noise_adu
    if noise_adu is None and masters.bias is not None:
        noise_adu = masters.bias.input_noise
    if noise_adu is None:
        raise NoCalibration(
            "read noise is unknown: the header says none, and there are neither overscan nor a master bias to measure",
            gain_e_count=detector.gain_e_count,
        )
    return noise_adu * detector.gain_e_count


def _variance(
    pixels: FloatImage, response: FloatImage, masters: Masters, detector: RawFacts, read_noise_e: float
) -> FloatImage:
    """Return the variance of calibrated pixels: sums of independent parts, each divided by the flat as the pixel was.

    Photons are counted from smoothed light where that stands above the sky, and from the sky elsewhere: a pixel's own
    noise must not make it seem more certain than its neighbour.
    """
    gain = detector.gain_e_count
    if gain is None:
        raise ValueError("photon noise needs a gain")
    sky = float(np.nanmedian(pixels))
    rms = 1.4826 * float(np.nanmedian(np.abs(pixels - sky)))
    smooth = ndimage.gaussian_filter(np.where(np.isfinite(pixels), pixels, np.float32(sky)), 0.7)
    light = np.maximum(np.where(smooth > sky + 2.0 * rms, smooth, sky), 0.0)
    raw = light * response / gain + (read_noise_e / gain) ** 2
    if masters.dark is not None:
        seconds = detector.exposure_s
        raw = raw + np.maximum(masters.dark.pixels, 0.0) * seconds / gain + masters.dark.variance * seconds**2
    if masters.bias is not None:
        raw = raw + masters.bias.variance
    variance = raw / response**2
    if masters.flat is not None:
        variance = variance + (light / response) ** 2 * masters.flat.variance
    return np.asarray(variance, dtype=np.float32)


def _lowest_full(top: NDArray[np.float32], detector: RawFacts, masters: Masters, response: FloatImage) -> float:
    level = float(top[0, 0])
    if masters.bias is not None:
        level -= masters.bias.level
    if masters.dark is not None:
        level -= masters.dark.level * detector.exposure_s
    return level / float(np.nanpercentile(response, 99.0))


def _require_shape(master: Master | None, kind: str, frame: LevelFrame) -> None:
    if master is not None and master.pixels.shape != frame.pixels.shape:
        raise NoCalibration(
            f"the master {kind} has another shape than the frame",
            master=str(master.pixels.shape),
            frame=str(frame.pixels.shape),
        )
