"""Put point sources of known flux into a prepared exposure."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from astrid_core.preprocessing.config import PreprocessConfig
from astrid_core.preprocessing.entities import ImageQuality
from astrid_core.preprocessing.psf_flux import shift_stamp
from astrid_core.preprocessing.sources import FloatArray
from astrid_core.shared.images import FloatImage, MaskPlane, PsfModel, SkyImage

_LIT_SIGMA = 10.0
_MIN_LIT = 100
_MIN_EXCESS = 0.1
"""The photons of the light must show in the variance by this part of the sky's for a gain to be read off it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Well:
    """What an exposure's detector makes of light."""

    gain_e_count: float | None = None
    """Electrons per count; None where nobody knows: then sources bring no photon noise of their own."""
    saturation: float | None = None
    """Counts above the background from which a pixel counts as saturated; None where nobody knows."""
    grow_pix: int = 2
    """Neighbours of a saturated pixel this near are masked, too: charge bleeds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PointSources:
    """Sources to be put into one image; arrays of one length."""

    x_pix: FloatArray
    """0-based, sub-pixel."""
    y_pix: FloatArray
    flux: FloatArray
    """Counts of this image, not negative."""


def well_of(quality: ImageQuality, config: PreprocessConfig) -> Well:
    """Return what preparation has found out about a detector, for images whose background is taken out."""
    level = quality.saturation
    return Well(
        gain_e_count=quality.gain_e_count,
        saturation=None if level is None else level * config.saturation_fraction - quality.sky,
        grow_pix=config.saturation_grow_pix,
    )


def inject(image: SkyImage, sources: PointSources, well: Well, *, seed: int) -> SkyImage:
    """Return ``image`` with ``sources`` seen through its PSF, each with the noise of its own photons.

    Photons are drawn from a Poisson distribution and their expectation is added to the variance, as preparation would
    have modelled it. A pixel that the new light lifts to the saturation level is masked with its neighbours, as in
    preparation. Masked pixels stay masked, pixels without data stay without. What a source lays beyond the frame or the
    stamp of the PSF is lost. Raises ValueError without a PSF, for arrays that differ in length, and for a
    flux that is negative or no number.
    """
    psf = image.psf
    if psf is None:
        raise ValueError("an image needs a PSF before sources can be injected")
    if not len(sources.x_pix) == len(sources.y_pix) == len(sources.flux):
        lengths = (len(sources.x_pix), len(sources.y_pix), len(sources.flux))
        raise ValueError(f"positions and fluxes differ in length: {lengths}")
    if (sources.flux < 0.0).any() or not np.isfinite(sources.flux).all():
        raise ValueError(f"fluxes must be finite and not negative, the least is {sources.flux.min()}")
    light = np.zeros(image.shape)
    for x, y, flux in zip(sources.x_pix, sources.y_pix, sources.flux, strict=True):
        _lay(light, psf, float(x), float(y), float(flux))
    added, spread = light, np.zeros_like(light)
    if well.gain_e_count is not None:
        # A PSF that was measured has negative wings: light is taken away there, but no photons come of it.
        photons = np.maximum(light, 0.0) * well.gain_e_count
        drawn = np.random.default_rng(seed).poisson(photons)
        added = drawn / well.gain_e_count + np.minimum(light, 0.0)
        spread = photons / well.gain_e_count**2
    pixels = (image.pixels + added).astype(np.float32)
    return replace(
        image,
        pixels=pixels,
        variance=(image.variance + spread).astype(np.float32),
        mask=image.mask | _overflow(pixels, light, well),
    )


def measure_gain(image: SkyImage) -> float | None:
    """Return electrons per count as the variance plane of a prepared image implies them: variance = sky + light / gain.

    It serves coadds, of which no header knows the gain. None where the image holds too few bright pixels, or where its
    variance does not grow with the light.
    """
    usable = image.usable
    if not usable.any():
        return None
    sky = float(np.median(image.variance[usable]))
    lit = usable & (image.pixels > _LIT_SIGMA * np.sqrt(sky))
    excess = image.variance[lit].astype(float) - sky
    shown = excess > _MIN_EXCESS * sky
    if shown.sum() < _MIN_LIT:
        return None
    return float(np.median(image.pixels[lit][shown].astype(float) / excess[shown]))


def _lay(light: FloatArray, psf: PsfModel, x: float, y: float, flux: float) -> None:
    """Add one source to ``light``, as far as its stamp lies on it."""
    column, row = round(x), round(y)
    stamp = shift_stamp(psf.at(x, y), x - column, y - row) * flux
    half = stamp.shape[0] // 2
    top, left = row - half, column - half
    first = (max(0, -top), max(0, -left))
    last = (min(stamp.shape[0], light.shape[0] - top), min(stamp.shape[1], light.shape[1] - left))
    if first[0] >= last[0] or first[1] >= last[1]:
        return
    light[top + first[0] : top + last[0], left + first[1] : left + last[1]] += stamp[
        first[0] : last[0], first[1] : last[1]
    ]


def _overflow(pixels: FloatImage, light: FloatArray, well: Well) -> NDArray[np.uint16]:
    """Return the SATURATED plane of what new light has lifted to the saturation level, and its neighbours."""
    if well.saturation is None:
        return np.zeros(pixels.shape, dtype=np.uint16)
    over = (light > 0.0) & (pixels >= well.saturation)
    if well.grow_pix and over.any():
        over = ndimage.binary_dilation(over, iterations=well.grow_pix)
    return np.where(over, np.uint16(MaskPlane.SATURATED), np.uint16(0)).astype(np.uint16)
