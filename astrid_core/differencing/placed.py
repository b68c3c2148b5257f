"""Put one prepared exposure on the grid and flux scale of another."""

from dataclasses import replace

import numpy as np

from astrid_core.differencing.flux_scale import measure_flux_ratio
from astrid_core.preprocessing.astrometry import tie_by_patterns, tie_to_reference
from astrid_core.preprocessing.register import resample
from astrid_core.preprocessing.sources import SourceList, detect_sources
from astrid_core.shared.errors import NotRegistered, TooFewSources
from astrid_core.shared.images import SkyImage

_STAR_SIGMA = 5.0


def place_on(image: SkyImage, base: SkyImage, base_sources: SourceList, *, trust: bool) -> SkyImage | None:
    """Return ``image`` on the grid and flux scale of ``base``; None if it does not match."""
    sources = find_stars(image)
    try:
        if trust and image.wcs is not None:
            tied = tie_to_reference(sources, image.wcs, image.shape, base_sources, base.wcs)
        else:
            tied = tie_by_patterns(sources, image.shape, base_sources, base.wcs)
        placed = replace(resample(replace(image, wcs=tied.wcs), base.wcs, base.shape), psf=image.psf)
        ratio = measure_flux_ratio(base, placed, base_sources)
    except (NotRegistered, TooFewSources):
        return None
    return replace(
        placed,
        pixels=(placed.pixels * np.float32(ratio)).astype(np.float32),
        variance=(placed.variance * np.float32(ratio**2)).astype(np.float32),
    )


def find_stars(image: SkyImage) -> SourceList:
    """Return what stands out of the sky of a prepared image."""
    bad = ~image.usable
    sky = sky_noise(image)
    return detect_sources(image.pixels, np.full(image.shape, sky, dtype=np.float32), bad, threshold_sigma=_STAR_SIGMA)


def fwhm_of(image: SkyImage) -> float:
    """Return the FWHM of a prepared image, pixels."""
    if image.psf is None:
        raise ValueError("a prepared image carries its PSF")
    return image.psf.fwhm_pix


def sky_noise(image: SkyImage) -> float:
    """Return the median standard deviation of the usable pixels; infinite where there are none."""
    usable = image.usable
    return float(np.sqrt(np.median(image.variance[usable]))) if usable.any() else float("inf")
