"""How well the stars of an image follow its PSF model, and how much of the field they can tell about."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from astrid_core.preprocessing.sources import FloatArray
from astrid_core.preprocessing.stars import MIN_STARS, Stamps, radius_from_centre
from astrid_core.shared.images import polynomial_terms

STAR_TO_STAR = 0.02
"""Stars differ from any smooth model by so much of their peak: the brightest must not be judged by photons alone."""
_STARS_FOR_DEGREE = {1: 25, 2: 80}
_MAX_ERROR = 0.025
"""Largest standard deviation of the model's peak anywhere in the image, relative to the peak."""
_GRID = 33


@dataclass(frozen=True, slots=True, kw_only=True)
class PsfStars:
    """The point sources that a PSF was to be measured from, and what came of each."""

    x_pix: FloatArray
    y_pix: FloatArray
    flux: FloatArray
    """Least-squares flux against the model, counts."""
    chi2: FloatArray
    """Reduced chi-square against the model within 1.5 FWHM; sky and photon noise only, so that bright stars tell how
    good the model is, not only how faint they are.
    """
    used: NDArray[np.bool_]
    """False for those that the model was fitted without: blends, galaxies, variable seeing."""
    n_edge: int
    n_masked: int
    n_crowded: int

    @property
    def n_outliers(self) -> int:
        """Stars that do not follow the model."""
        return int((~self.used).sum())

    @property
    def median_chi2(self) -> float:
        """Over the stars that were used; 1 for a perfect model."""
        return float(np.median(self.chi2[self.used]))


def chi2_of_stars(
    stamps: Stamps,
    psf: FloatArray,
    flux: FloatArray,
    own: NDArray[np.bool_],
    *,
    fwhm: float,
    allowed: FloatArray,
    terms_per_star: float,
) -> FloatArray:
    """Return the reduced chi-square of each star against ``flux`` times ``psf`` (n, size, size) within 1.5 FWHM.

    The model's own terms count as the stars share them; ``allowed`` (n,) is the error, relative to the flux, that a
    pixel may have beyond its noise.
    """
    inside = own & (radius_from_centre(psf.shape[-1]) <= 1.5 * fwhm)
    light = np.maximum(flux[:, None, None] * psf, 0.0)
    floor = (flux * allowed)[:, None, None]
    variance = stamps.noise**2 + stamps.photon_noise[:, None, None] * light + floor**2
    rest2 = (stamps.pixels - flux[:, None, None] * psf) ** 2
    total = np.where(inside, rest2 / variance, 0.0).sum(axis=(1, 2))
    free = inside.sum(axis=(1, 2)) * (1.0 - min(terms_per_star, 0.9)) - 1.0
    return np.asarray(total / np.maximum(free, 1.0))


def alike(chi2: FloatArray, before: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the stars whose root chi-square lies within 3 sigma (robust, over ``before``) of the middle, or below."""
    root = np.sqrt(chi2)
    middle = float(np.median(root[before]))
    now = root <= middle + 3.0 * 1.4826 * np.median(np.abs(root[before] - middle))
    return np.asarray(now if now.sum() >= MIN_STARS else before)


def degree_for(x: FloatArray, y: FloatArray, error: FloatArray, usable: NDArray[np.bool_]) -> int:
    """Return the highest degree of a polynomial over the field that stars at (x, y), -1 to 1, can tell.

    ``error`` is that of the peak of each star, relative to the peak. There must be enough stars, so bright and so
    spread that the polynomial is well known on all ``usable`` pixels (ny, nx) of the image: it is not to run away in
    corners that hold none, nor to follow three bright stars.
    """
    rows, columns = (np.rint(np.linspace(0, side - 1, _GRID)).astype(int) for side in usable.shape)
    v, u = np.meshgrid(np.linspace(-1.0, 1.0, _GRID), np.linspace(-1.0, 1.0, _GRID), indexing="ij")
    seen = usable[np.ix_(rows, columns)]
    for degree, n_required in sorted(_STARS_FOR_DEGREE.items(), reverse=True):
        if len(x) < n_required:
            continue
        design = terms_at(x, y, degree)
        normal = design.T @ (design / error[:, None] ** 2)
        # With a ridge far below any real spread: stars on one line know nothing beside it, and say so.
        inverse = np.linalg.inv(normal + 1e-9 * np.trace(normal) * np.eye(len(normal)))
        there = terms_at(u[seen], v[seen], degree)
        if variance_at(there, inverse).max(initial=0.0) <= _MAX_ERROR**2:
            return degree
    return 0


def variance_at(terms: FloatArray, covariance: FloatArray) -> FloatArray:
    """Return the variance of a polynomial at n places with ``terms`` (n, n_terms)."""
    return np.asarray(np.einsum("ni,ij,nj->n", terms, covariance, terms))


def terms_at(x: FloatArray, y: FloatArray, degree: int) -> FloatArray:
    """Return the terms of PsfModel's polynomial at n places, shape (n, n_terms)."""
    return np.array([polynomial_terms(one, other, degree) for one, other in zip(x, y, strict=True)])
