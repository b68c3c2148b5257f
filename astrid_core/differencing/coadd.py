"""Several prepared exposures on one grid of the sky as one deep image."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from astropy.wcs import WCS
from numpy.typing import NDArray

from astrid_core.differencing.combine import Combined, combine
from astrid_core.differencing.config import ReferenceConfig
from astrid_core.differencing.pixel_grid import Box, cut
from astrid_core.differencing.placed import Placed, Placing, find_stars, fwhm_of, sky_noise
from astrid_core.preprocessing.psf import measure_psf
from astrid_core.shared.errors import BadPixels, TooFewSources
from astrid_core.shared.images import PsfModel, SkyImage

VERSION = 5
"""Raise when the same inputs should give a different result."""

_STRIP_ROWS = 2048
_HALO_FWHM = 8.0
"""Artefacts are told apart by what lies nearer than this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """A prepared exposure, and what is known of where it looks and how deep."""

    image: SkyImage
    sky_known: bool = True
    """Whether its WCS may be trusted for registration."""
    zero_point_mag: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Coadd:
    """A coadded image, those of the inputs that went in, and its noise."""

    image: SkyImage
    coverage: NDArray[np.uint16]
    """Number of inputs that each pixel is made of."""
    base: int
    """Position, in the list of inputs, of the one that gave the flux scale."""
    placed: tuple[Placed, ...]
    """The inputs that were used, on the grid."""

    @property
    def used(self) -> tuple[int, ...]:
        """Positions of the inputs that were used."""
        return tuple(sorted(one.index for one in self.placed))

    @property
    def fwhm_pix(self) -> float:
        """Of the stars, in pixels of the grid."""
        return fwhm_of(self.image)

    @property
    def sky_rms(self) -> float:
        """Median standard deviation of the pixels."""
        return sky_noise(self.image)


def coadd(inputs: Sequence[Input], wcs: WCS, shape: tuple[int, int], config: ReferenceConfig) -> Coadd:
    """Coadd prepared images on the grid of ``wcs`` and ``shape`` (ny, nx), artefacts left out.

    The sharpest for its depth is the base; the others are registered and scaled to it, or to what was placed before
    where they do not meet it. Weights are those of least noise for a point source, 1 / (sigma^2 FWHM^2). Inputs that
    cannot be registered are left out; raises BadPixels if none remains.
    """
    order = _rank(inputs, config)
    base = next((index for index in order if inputs[index].sky_known and inputs[index].image.wcs is not None), None)
    if base is None:
        raise BadPixels("a reference needs sky coordinates", n_inputs=len(inputs))
    placing = Placing.start(base, inputs[base].image, wcs, shape, zero_point_mag=inputs[base].zero_point_mag)
    waiting = [index for index in order if index != base]
    while waiting:
        left = [index for index in waiting if not _place(placing, index, inputs[index], config)]
        # Where the field has grown, some may meet it now.
        if len(left) == len(waiting) or not placing.grow():
            break
        waiting = left
    combined = _combined(placing.placed, shape, wcs, config)
    if not combined.image.usable.any():
        raise BadPixels("no usable pixel in the coadd", n_inputs=len(placing.placed))
    return Coadd(
        image=replace(combined.image, psf=measured_psf(combined.image) or placing.placed[0].image.psf),
        coverage=combined.coverage,
        base=base,
        placed=tuple(placing.placed),
    )


def _rank(inputs: Sequence[Input], config: ReferenceConfig) -> list[int]:
    """Order inputs by how well they show a point source; drop those blurred beyond the limit.

    Noise is compared as flux where all have a zero point, else as counts.
    """
    fwhm = [fwhm_of(one.image) for one in inputs]
    zero_points = [one.zero_point_mag for one in inputs]
    scale = [1.0 if None in zero_points or one is None else 10.0 ** (-0.4 * (one - 25.0)) for one in zero_points]
    kept = [index for index, one in enumerate(fwhm) if one <= config.max_fwhm_ratio * min(fwhm)]
    return sorted(kept, key=lambda index: (scale[index] * sky_noise(inputs[index].image) * fwhm[index], index))


def _place(placing: Placing, index: int, one: Input, config: ReferenceConfig) -> bool:
    """Place an input, and tell whether nothing more is to be done about it."""
    looking = one.image if one.sky_known else replace(one.image, wcs=None)
    return placing.is_deep_under(looking, config.max_inputs) or placing.add(
        index, one.image, trust=one.sky_known, zero_point_mag=one.zero_point_mag
    )


def _combined(placed: Sequence[Placed], shape: tuple[int, int], wcs: WCS, config: ReferenceConfig) -> Combined:
    """Combine strip by strip: of many small exposures in a large field only those of a strip are laid out at once."""
    fwhm = [fwhm_of(one.image) for one in placed]
    weights = 1.0 / (np.array([sky_noise(one.image) for one in placed]) * np.array(fwhm)) ** 2
    halo = int(np.ceil(_HALO_FWHM * max(fwhm)))
    parts = []
    for first in range(0, shape[0], _STRIP_ROWS):
        behind = min(first + _STRIP_ROWS, shape[0])
        low, high = max(0, first - halo), min(shape[0], behind + halo)
        strip = Box(x=0, y=low, nx=shape[1], ny=high - low)
        # Where none reaches the strip, any of them says that there is no data.
        here = [number for number, one in enumerate(placed) if not one.box.overlap(strip).is_empty] or [0]
        laid = [placed[number].on(strip) for number in here]
        found = combine(laid, weights[here], [fwhm[number] for number in here], config)
        own = Box(x=0, y=first - low, nx=shape[1], ny=behind - first)
        parts.append(Combined(image=cut(found.image, own), coverage=found.coverage[own.within(Box.of(strip.shape))]))
    return Combined(
        image=SkyImage(
            pixels=np.concatenate([one.image.pixels for one in parts]),
            variance=np.concatenate([one.image.variance for one in parts]),
            mask=np.concatenate([one.image.mask for one in parts]),
            wcs=wcs,
        ),
        coverage=np.concatenate([one.coverage for one in parts]),
    )


def measured_psf(image: SkyImage) -> PsfModel | None:
    """Return the PSF of a coadd from its own stars; None where they are too few."""
    try:
        return measure_psf(
            image.pixels,
            ~image.usable,
            find_stars(image),
            saturation=None,
            max_stars=200,
            min_snr=30.0,
            variance=image.variance,
        ).model
    except TooFewSources:
        return None
