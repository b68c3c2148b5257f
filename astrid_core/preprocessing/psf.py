"""The point-spread function, measured from the stars of an image."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from astrid_core.preprocessing.psf_quality import (
    STAR_TO_STAR,
    PsfStars,
    alike,
    chi2_of_stars,
    degree_for,
    terms_at,
    variance_at,
)
from astrid_core.preprocessing.sources import FloatArray, SourceList
from astrid_core.preprocessing.stars import Isolated, Stamps, cut_stars, radius_from_centre, select_stars
from astrid_core.shared.errors import TooFewSources
from astrid_core.shared.images import FloatImage, PsfModel

_ROUNDS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredPsf:
    """A PSF model and how well its stars follow it."""

    model: PsfModel
    fwhm_pix: float
    stars: PsfStars
    residual: float
    """Robust scatter about the model inside one FWHM, as a fraction of the model's peak, median over stars."""

    @property
    def n_stars(self) -> int:
        """Stars that the model was fitted to."""
        return int(self.stars.used.sum())


@dataclass(frozen=True, slots=True)
class _Fitted:
    """A model and the standard deviation (n,) that the noise of the stars leaves in its core at the place of each."""

    model: PsfModel
    error: FloatArray


def measure_psf(
    pixels: FloatImage,
    bad: NDArray[np.bool_],
    sources: SourceList,
    *,
    saturation: float | None,
    max_stars: int,
    min_snr: float,
    variance: FloatImage | None = None,
) -> MeasuredPsf:
    """Return the PSF as a polynomial in position, from the image's own stars.

    Stars are shifted to the pixel centre by the Fourier shift theorem, scaled to unit flux, and every stamp pixel is
    fitted as a polynomial over the field, of degree 0, 1 or 2 by the number and spread of the stars. The fit is
    repeated without the stars whose chi-square is out of line, and without the pixels of the others that are not
    theirs: blends, galaxies, neighbours. Beyond 1.5 FWHM a pixel departs from the mean of its ring as far as its noise
    allows. ``variance`` (counts^2) adds the photon noise of the stars to their chi-squares. Raises TooFewSources.
    """
    found = _isolated(pixels, bad, sources, variance, saturation=saturation, max_stars=max_stars, min_snr=min_snr)
    stamps, fwhm = found.stamps, found.fwhm_pix
    keep = np.ones(len(stamps.x_pix), dtype=bool)
    own = np.ones(stamps.pixels.shape, dtype=bool)
    frame = (int(pixels.shape[0]), int(pixels.shape[1]))
    fitted = _median_model(stamps, frame, fwhm)
    for _ in range(_ROUNDS):
        psf = _at_stars(fitted.model, stamps)
        flux = _fluxes(stamps, psf, own)
        # The faint majority must not turn the few bright stars out that know better than its model.
        allowed = np.hypot(STAR_TO_STAR * psf.max(axis=(1, 2)), fitted.error)
        keep = alike(chi2_of_stars(stamps, psf, flux, own, fwhm=fwhm, allowed=allowed, terms_per_star=0.0), keep)
        own = ~_foreign(stamps, psf, flux, fitted, fwhm)
        fitted = _fit(stamps, keep, flux, own, ~bad, fwhm=fwhm)
    model = fitted.model
    psf = _at_stars(model, stamps)
    flux, exact = _fluxes(stamps, psf, own), np.zeros(len(keep))
    per_star = len(model.coefficients) / int(keep.sum())
    return MeasuredPsf(
        model=model,
        fwhm_pix=model.fwhm_pix,
        stars=PsfStars(
            x_pix=stamps.x_pix,
            y_pix=stamps.y_pix,
            flux=flux,
            chi2=chi2_of_stars(stamps, psf, flux, own, fwhm=fwhm, allowed=exact, terms_per_star=per_star),
            used=keep,
            n_edge=found.n_edge,
            n_masked=found.n_masked,
            n_crowded=found.n_crowded,
        ),
        residual=float(np.median(_scatter(_rest(stamps, psf, flux), fwhm)[keep])),
    )


def _isolated(
    pixels: FloatImage,
    bad: NDArray[np.bool_],
    sources: SourceList,
    variance: FloatImage | None,
    *,
    saturation: float | None,
    max_stars: int,
    min_snr: float,
) -> Isolated:
    try:
        stars = select_stars(sources, saturation=saturation, min_snr=min_snr, limit=max_stars)
        return cut_stars(pixels, bad, stars, sources, variance)
    except TooFewSources:
        # The smallest things were defects after all: take whatever is common instead.
        stars = select_stars(sources, saturation=saturation, min_snr=min_snr, limit=max_stars, smallest_first=False)
        return cut_stars(pixels, bad, stars, sources, variance)


def _median_model(stamps: Stamps, frame: tuple[int, int], fwhm: float) -> _Fitted:
    """Return the median of the stars scaled to one core flux: no neighbour stands at the same place in most."""
    core = radius_from_centre(stamps.pixels.shape[-1]) <= 1.5 * fwhm
    scaled = stamps.pixels / stamps.pixels[:, core].sum(axis=1)[:, None, None]
    middle = np.median(scaled, axis=0)
    flux = stamps.pixels[:, core].sum(axis=1) * (middle.sum() / middle[core].sum())
    model = PsfModel(coefficients=(middle / middle.sum())[None], degree=0, frame_shape=frame)
    # The variance of a median is pi / 2 times that of the mean.
    error = stamps.noise * float(np.sqrt(np.pi / 2.0 / len(flux))) / float(np.median(flux))
    return _Fitted(model, np.full(len(flux), error))


def _at_stars(model: PsfModel, stamps: Stamps) -> FloatArray:
    """Return the model at every star, (n, size, size), each of sum 1."""
    x, y = _places(stamps, model.frame_shape)
    psf = np.tensordot(terms_at(x, y, model.degree), model.coefficients, axes=1)
    return np.asarray(psf / psf.sum(axis=(1, 2))[:, None, None])


def _places(stamps: Stamps, frame: tuple[int, int]) -> tuple[FloatArray, FloatArray]:
    """Return where in the frame the stars are, -1 to 1."""
    ny, nx = frame
    return 2 * stamps.x_pix / max(nx - 1, 1) - 1, 2 * stamps.y_pix / max(ny - 1, 1) - 1


def _fluxes(stamps: Stamps, psf: FloatArray, own: NDArray[np.bool_]) -> FloatArray:
    """Return each star's flux, by least squares on its own pixels."""
    peak = psf.max(axis=(1, 2))
    # Near the peak the noise is no longer the sky's: there all stars are weighted alike.
    weight = own / (1.0 + psf / (0.1 * peak[:, None, None]))
    flux = (weight * psf * stamps.pixels).sum(axis=(1, 2)) / (weight * psf**2).sum(axis=(1, 2))
    return np.asarray(np.maximum(flux, stamps.noise))


def _rest(stamps: Stamps, psf: FloatArray, flux: FloatArray) -> FloatArray:
    """Return what each star leaves, relative to its flux times the peak of the model."""
    peak = psf.max(axis=(1, 2))
    return np.asarray((stamps.pixels - flux[:, None, None] * psf) / (flux * peak)[:, None, None])


def _foreign(stamps: Stamps, psf: FloatArray, flux: FloatArray, fitted: _Fitted, fwhm: float) -> NDArray[np.bool_]:
    """Return the pixels outside one FWHM that are not the star's own: off by 4 sigma and a tenth of the model."""
    middle = fitted.model.coefficients[0]
    noise = np.hypot(stamps.noise / flux, fitted.error) / psf.max(axis=(1, 2))
    allowed = 4.0 * noise[:, None, None] + 0.1 * np.abs(middle / middle.max())
    outside = radius_from_centre(fitted.model.size) > fwhm
    off = (np.abs(_rest(stamps, psf, flux)) > allowed) & outside
    return np.asarray(ndimage.binary_dilation(off, structure=np.ones((1, 3, 3), dtype=bool)) & outside)


def _fit(
    stamps: Stamps,
    keep: NDArray[np.bool_],
    flux: FloatArray,
    own: NDArray[np.bool_],
    usable: NDArray[np.bool_],
    *,
    fwhm: float,
) -> _Fitted:
    """Fit every pixel of the stars, scaled to unit flux, by weighted least squares with the weights of its noise."""
    frame = (int(usable.shape[0]), int(usable.shape[1]))
    x, y = (axis[keep] for axis in _places(stamps, frame))
    n, size = len(x), own.shape[-1]
    pixels = (stamps.pixels[keep] / flux[keep, None, None]).reshape(n, -1)
    # Beside sky noise, stars differ from any smooth model by some per cent: the brightest must not decide alone.
    variance = (stamps.noise / flux[keep, None]) ** 2 + (STAR_TO_STAR * np.median(np.abs(pixels), axis=0)) ** 2
    middle = variance.shape[1] // 2
    degree = degree_for(x, y, np.sqrt(variance[:, middle]) / np.median(pixels[:, middle]), usable)
    design = terms_at(x, y, degree)
    weight = own[keep].reshape(n, -1) / variance
    # A pixel that is foreign in nearly all stars takes them all: better a little blended light than none.
    weight = np.where((weight > 0).sum(axis=0) >= max(2, design.shape[1]), weight, 1.0 / variance)
    squares = (design[:, :, None] * design[:, None, :]).reshape(n, -1)
    normal = (weight.T @ squares).reshape(size * size, design.shape[1], design.shape[1])
    normal += 1e-9 * np.trace(normal, axis1=1, axis2=2)[:, None, None] * np.eye(design.shape[1])
    inverse = np.linalg.inv(normal)
    solution = np.einsum("pij,pj->ip", inverse, (weight * pixels).T @ design)
    # Where stars depart from the model by more than was allowed for, it is known so much worse.
    core = (radius_from_centre(size) <= 1.5 * fwhm).ravel()
    rest2 = (weight * (pixels - design @ solution) ** 2)[:, core].sum(axis=0)
    excess = max(1.0, float(np.median(rest2 / np.maximum((weight > 0)[:, core].sum(axis=0) - design.shape[1], 1))))
    noise2 = np.einsum("pii->ip", inverse)
    coefficients = np.array([
        _calm_wings(term.reshape(size, size), error.reshape(size, size), fwhm)
        for term, error in zip(solution, noise2, strict=True)
    ])  # fmt: skip
    total = coefficients[0].sum()
    error = float(np.sqrt(excess * np.median(noise2[0][core]))) / total
    model = PsfModel(coefficients=coefficients / total, degree=degree, frame_shape=frame, pixel_error=error)
    at_stars = variance_at(terms_at(*_places(stamps, frame), degree), inverse[middle])
    return _Fitted(model, np.sqrt(at_stars) / total)


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


def _scatter(rest: FloatArray, fwhm: float) -> FloatArray:
    """Return the robust scatter of what each star leaves inside one FWHM."""
    core = radius_from_centre(rest.shape[-1]) <= fwhm
    return np.asarray(1.4826 * np.median(np.abs(rest[:, core]), axis=1))
