"""The point-spread function, measured from the stars of an image."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from astrid_core.preprocessing.sources import FloatArray, SourceList
from astrid_core.preprocessing.stars import MIN_STARS, Stamps, cut_stars, radius_from_centre, select_stars
from astrid_core.shared.errors import TooFewSources
from astrid_core.shared.images import FloatImage, PsfModel, polynomial_terms

_STARS_FOR_LINEAR = 25
_STARS_FOR_QUADRATIC = 80
_ROUNDS = 4
_STAR_TO_STAR = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredPsf:
    """A PSF model and how well its stars follow it."""

    model: PsfModel
    fwhm_pix: float
    n_stars: int
    residual: float
    """Robust scatter about the model inside one FWHM, as a fraction of the model's peak, median over stars."""


@dataclass(frozen=True, slots=True)
class _Scaled:
    """Stars of unit flux: ``pixels`` (n, size * size), the noise of a sky pixel in the same unit."""

    pixels: FloatArray
    noise: FloatArray
    x_pix: FloatArray
    y_pix: FloatArray


def measure_psf(
    pixels: FloatImage,
    bad: NDArray[np.bool_],
    sources: SourceList,
    *,
    saturation: float | None,
    max_stars: int,
    min_snr: float,
) -> MeasuredPsf:
    """Return the PSF as a polynomial in position, from the image's own stars.

    Stars are shifted to the pixel centre by the Fourier shift theorem, scaled to unit flux, and every stamp pixel is
    fitted as a polynomial over the field (constant, linear or quadratic by the number of stars). The fit is repeated
    without the stars, and without the pixels of the others, that do not follow it: blends, galaxies, neighbours.
    Beyond 1.5 FWHM a pixel departs from the mean of its ring as far as its noise allows. Raises TooFewSources.
    """
    try:
        stars = select_stars(sources, saturation=saturation, min_snr=min_snr, limit=max_stars)
        stamps, fwhm = cut_stars(pixels, bad, stars)
    except TooFewSources:
        # The smallest things were defects after all: take whatever is common instead.
        stars = select_stars(sources, saturation=saturation, min_snr=min_snr, limit=max_stars, smallest_first=False)
        stamps, fwhm = cut_stars(pixels, bad, stars)
    frame = (int(pixels.shape[0]), int(pixels.shape[1]))
    keep = np.ones(len(stamps.x_pix), dtype=bool)
    own = np.ones(stamps.pixels.shape, dtype=bool)
    model = _median_model(stamps, frame, fwhm)
    for _ in range(_ROUNDS):
        flux, rest = _compare(stamps, model, own)
        keep = _alike(_scatter(rest, fwhm), stamps.noise / (flux * model.coefficients[0].max()), keep)
        own = ~_foreign(stamps, model, flux, rest, fwhm)
        model = _fit(_scaled(stamps, keep, flux), own[keep], frame, fwhm)
    _, rest = _compare(stamps, model, own)
    return MeasuredPsf(
        model=model,
        fwhm_pix=model.fwhm_pix,
        n_stars=int(keep.sum()),
        residual=float(np.median(_scatter(rest, fwhm)[keep])),
    )


def _median_model(stamps: Stamps, frame: tuple[int, int], fwhm: float) -> PsfModel:
    """Return the median of the stars scaled to one core flux: no neighbour stands at the same place in most."""
    core = radius_from_centre(stamps.pixels.shape[-1]) <= 1.5 * fwhm
    scaled = stamps.pixels / stamps.pixels[:, core].sum(axis=1)[:, None, None]
    middle = np.median(scaled, axis=0)
    return PsfModel(coefficients=(middle / middle.sum())[None], degree=0, frame_shape=frame)


def _compare(stamps: Stamps, model: PsfModel, own: NDArray[np.bool_]) -> tuple[FloatArray, FloatArray]:
    """Return each star's flux, by least squares on its own pixels, and what it leaves, relative to the flux times the
    peak of the model.
    """
    psf = np.array([model.at(x, y) for x, y in zip(stamps.x_pix, stamps.y_pix, strict=True)], dtype=float)
    peak = psf.max(axis=(1, 2))
    # Near the peak the noise is no longer the sky's: there all stars are weighted alike.
    weight = own / (1.0 + psf / (0.1 * peak[:, None, None]))
    flux = (weight * psf * stamps.pixels).sum(axis=(1, 2)) / (weight * psf**2).sum(axis=(1, 2))
    flux = np.maximum(flux, stamps.noise)
    return flux, (stamps.pixels - flux[:, None, None] * psf) / (flux * peak)[:, None, None]


def _foreign(stamps: Stamps, model: PsfModel, flux: FloatArray, rest: FloatArray, fwhm: float) -> NDArray[np.bool_]:
    """Return the pixels outside one FWHM that are not the star's own: off by 4 sigma and a tenth of the model."""
    peak = np.array([model.at(x, y).max() for x, y in zip(stamps.x_pix, stamps.y_pix, strict=True)], dtype=float)
    shape = model.coefficients[0] / model.coefficients[0].max()
    allowed = 4.0 * stamps.noise / (flux * peak)[:, None, None] + 0.1 * np.abs(shape)
    outside = radius_from_centre(model.size) > fwhm
    off = (np.abs(rest) > allowed) & outside
    return np.asarray(ndimage.binary_dilation(off, structure=np.ones((1, 3, 3), dtype=bool)) & outside)


def _scaled(stamps: Stamps, keep: NDArray[np.bool_], flux: FloatArray) -> _Scaled:
    pixels = stamps.pixels[keep] / flux[keep, None, None]
    return _Scaled(pixels.reshape(len(pixels), -1), stamps.noise / flux[keep], stamps.x_pix[keep], stamps.y_pix[keep])


def _fit(stars: _Scaled, own: NDArray[np.bool_], frame: tuple[int, int], fwhm: float) -> PsfModel:
    """Fit every pixel of the scaled stars by weighted least squares, each with the weights of its own noise."""
    (ny, nx), size, n = frame, own.shape[-1], len(own)
    degree = 0 if n < _STARS_FOR_LINEAR else 1 if n < _STARS_FOR_QUADRATIC else 2
    x, y = 2 * stars.x_pix / max(nx - 1, 1) - 1, 2 * stars.y_pix / max(ny - 1, 1) - 1
    design = np.array([polynomial_terms(one, other, degree) for one, other in zip(x, y, strict=True)])
    # Beside sky noise, stars differ from any smooth model by some per cent: the brightest must not decide alone.
    variance = stars.noise[:, None] ** 2 + (_STAR_TO_STAR * np.median(np.abs(stars.pixels), axis=0)) ** 2
    weight = own.reshape(n, -1) / variance
    # A pixel that is foreign in nearly all stars takes them all: better a little blended light than none.
    weight = np.where((weight > 0).sum(axis=0) >= max(2, design.shape[1]), weight, 1.0 / variance)
    normal = np.einsum("np,ni,nj->pij", weight, design, design)
    normal += 1e-9 * np.trace(normal, axis1=1, axis2=2)[:, None, None] * np.eye(design.shape[1])
    inverse = np.linalg.inv(normal)
    solution = np.einsum("pij,nj,np->ip", inverse, design, weight * stars.pixels)
    noise2 = np.einsum("pii->ip", inverse)
    coefficients = np.array([
        _calm_wings(term.reshape(size, size), error.reshape(size, size), fwhm)
        for term, error in zip(solution, noise2, strict=True)
    ])  # fmt: skip
    total = coefficients[0].sum()
    error = float(np.sqrt(np.median(noise2[0].reshape(size, size)[radius_from_centre(size) <= 1.5 * fwhm]))) / total
    return PsfModel(coefficients=coefficients / total, degree=degree, frame_shape=frame, pixel_error=error)


def _calm_wings(stamp: FloatArray, noise2: FloatArray, fwhm: float) -> FloatArray:
    """Draw pixels beyond 1.5 FWHM towards the mean of their ring by the part of their scatter that is noise, and let
    the wings end softly at the rim of the stamp.
    """
    size = stamp.shape[0]
    radius = radius_from_centre(size)
    rings = np.rint(radius).astype(int)
    count = np.bincount(rings.ravel())
    mean = np.bincount(rings.ravel(), stamp.ravel()) / count
    scatter2 = np.bincount(rings.ravel(), ((stamp - mean[rings]) ** 2).ravel()) / np.maximum(count - 1, 1)
    expected2 = np.bincount(rings.ravel(), noise2.ravel()) / count
    real = np.clip(1.0 - expected2 / np.maximum(scatter2, 1e-30), 0.0, 1.0)[rings]
    calm = mean[rings] + real * (stamp - mean[rings])
    inner, outer = 1.5 * fwhm, 2.5 * fwhm
    blend = np.clip((radius - inner) / max(outer - inner, 1e-6), 0.0, 1.0)
    rim = size // 2
    taper = 0.5 * (1.0 + np.cos(np.pi * np.clip((radius - 0.8 * rim) / (0.2 * rim), 0.0, 1.0)))
    return np.asarray(((1.0 - blend) * stamp + blend * calm) * taper)


def _alike(scatter: FloatArray, noise: FloatArray, before: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the stars that follow the model as well as most do; faint ones may scatter by their noise."""
    excess = scatter / np.hypot(noise, _STAR_TO_STAR)
    middle = float(np.median(excess[before]))
    now = excess <= middle + 3.0 * 1.4826 * np.median(np.abs(excess[before] - middle))
    return np.asarray(now if now.sum() >= MIN_STARS else before)


def _scatter(rest: FloatArray, fwhm: float) -> FloatArray:
    """Return the robust scatter of what each star leaves inside one FWHM."""
    core = radius_from_centre(rest.shape[-1]) <= fwhm
    return np.asarray(1.4826 * np.median(np.abs(rest[:, core]), axis=1))
