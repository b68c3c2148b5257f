"""All tiles of a pair, subtracted and joined."""

from concurrent.futures import Executor
from dataclasses import dataclass
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from astrid_core.differencing.arrays import to_host
from astrid_core.differencing.config import DifferenceConfig
from astrid_core.differencing.fields import Field
from astrid_core.differencing.planes import Planes, Responses
from astrid_core.differencing.psf_drift import psf_drift
from astrid_core.differencing.psf_pair import PsfPair
from astrid_core.differencing.tiles import Window, apart, strips
from astrid_core.differencing.zogy import (
    Kernels,
    PsfSpectrum,
    fill_masked,
    flux_scale,
    make_kernels,
    masked_weight,
    respond,
    score_variance,
    subtract_tile,
    transform_psf,
)
from astrid_core.shared.images import FloatImage, PsfModel, SkyImage


@dataclass(frozen=True, slots=True)
class Pair:
    """Two images as transforms want them: finite, and what belongs to them as a whole."""

    science: SkyImage
    reference: SkyImage
    psfs: PsfPair
    bad: NDArray[np.bool_] | None
    """None where all pixels are good."""
    science_sky2: float
    reference_sky2: float
    arrays: ModuleType
    """The library that tiles are computed by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subtracted:
    """What all tiles give together."""

    planes: Planes
    middle: Kernels
    """For the PSFs at the centre of the frame."""
    responses: Responses
    drift: Field
    """What static sources leave because a tile has one pair of PSFs."""


def subtract_tiles(pair: Pair, config: DifferenceConfig, pool: Executor) -> Subtracted:
    """Subtract tile by tile, each with the PSFs of its own middle, and blend the tiles into planes."""
    shape = pair.science.shape
    size = max(pair.psfs.science.size, pair.psfs.reference.size)
    rows, columns = (strips(side, config.tile_pix, overlap=config.overlap_pix, guard=size // 2 + 8) for side in shape)
    planes = _empty_planes(shape, masked=pair.bad is not None)
    groups = apart(rows, columns)
    spectra = {
        one: (transform_psf(pair.psfs.science, one, pair.arrays), transform_psf(pair.psfs.reference, one, pair.arrays))
        for one in sorted({window.shape for group in groups for window in group})
    }
    constant = pair.psfs.science.degree == 0 and pair.psfs.reference.degree == 0
    shared = {one: _kernels(pair, spectra[one], 0.0, 0.0) for one in spectra} if constant else {}

    def do(window: Window) -> None:
        kernels = shared.get(window.shape) or _kernels(
            pair, spectra[window.shape], window.columns.centre, window.rows.centre
        )
        _one_tile(planes, window, pair, kernels, config)

    for group in groups:
        # Asking for the results brings up what went wrong.
        list(pool.map(do, group))
    centre = (shape[1] - 1) / 2, (shape[0] - 1) / 2
    stamp = (2 * size, 2 * size)
    spectrum = transform_psf(pair.psfs.science, stamp), transform_psf(pair.psfs.reference, stamp)
    middle = _kernels(pair, spectrum, *centre)
    return Subtracted(
        planes=planes,
        middle=middle,
        responses=respond(spectrum[0].at(*centre), middle, size=size),
        drift=psf_drift(pair.psfs.science, pair.psfs.reference, rows, columns, shape),
    )


def _empty_planes(shape: tuple[int, int], *, masked: bool) -> Planes:
    one, two, three, four, five, six = (np.zeros(shape, dtype=np.float32) for _ in range(6))
    weight = np.zeros(shape, dtype=np.float32) if masked else np.broadcast_to(np.float32(0.0), shape)
    return Planes(one, two, three, four, five, six, weight)


def _kernels(pair: Pair, spectra: tuple[PsfSpectrum, PsfSpectrum], x_pix: float, y_pix: float) -> Kernels:
    return make_kernels(
        spectra[0].at(x_pix, y_pix),
        spectra[1].at(x_pix, y_pix),
        science_variance=pair.science_sky2,
        reference_variance=pair.reference_sky2,
        shape=spectra[0].shape,
    )


def _one_tile(planes: Planes, window: Window, pair: Pair, kernels: Kernels, config: DifferenceConfig) -> None:
    weight, device = window.weight, pair.arrays.asarray
    holes = window.lift(pair.bad) if pair.bad is not None else None
    if holes is not None and not holes.any():
        holes = None
    v_n = device(_variance(window, pair.science, pair.science_sky2, holes))
    v_r = device(_variance(window, pair.reference, pair.reference_sky2, holes))
    window.add(planes.score_variance, to_host(score_variance(v_n, v_r, kernels)), weight)
    del v_n, v_r
    n, r = device(_pixels(window, pair.science, holes)), device(_pixels(window, pair.reference, holes))
    if holes is not None:
        bad = device(holes)
        n = fill_masked(n, r, bad, kernels, iterations=config.fill_iterations)
        window.add(planes.mask_weight, to_host(masked_weight(bad, kernels)), weight)
    tile = subtract_tile(n, r, kernels)
    window.add(planes.difference, to_host(tile.difference), weight)
    window.add(planes.reference_difference, to_host(tile.reference_difference), weight)
    window.add(planes.score, to_host(tile.score), weight)
    window.add(planes.reference_score, to_host(tile.reference_score), weight)
    planes.flux_scale[window.blended] += _flux_scale(window, pair.psfs.science, kernels) * weight


def _pixels(window: Window, image: SkyImage, holes: NDArray[np.bool_] | None) -> FloatImage:
    tile = window.lift(image.pixels)
    if holes is not None:
        tile[holes & ~np.isfinite(tile)] = 0.0
    return tile


def _variance(window: Window, image: SkyImage, sky: float, holes: NDArray[np.bool_] | None) -> FloatImage:
    tile = window.lift(image.variance, fill=sky)
    if holes is not None:
        tile[holes] = sky
    return tile


def _flux_scale(window: Window, psf: PsfModel, kernels: Kernels) -> FloatImage:
    """Return F_S over the blended part of a tile, linear between its corners."""
    y, x = (np.arange(part.start, part.stop) for part in window.blended)
    corners = flux_scale(kernels, psf, x[[0, -1, 0, -1]].astype(float), y[[0, 0, -1, -1]].astype(float))
    v, u = (np.linspace(0.0, 1.0, len(axis), dtype=np.float32) for axis in (y, x))
    top, bottom = corners[0] + (corners[1] - corners[0]) * u, corners[2] + (corners[3] - corners[2]) * u
    return np.asarray(top + v[:, None] * (bottom - top))
