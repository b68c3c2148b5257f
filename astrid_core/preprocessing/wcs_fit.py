"""Fit a WCS to stars whose pixels and places on the sky are known."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from astropy.wcs import WCS, Sip

from astrid_core.preprocessing.astrometry import corrected_wcs, set_matrix
from astrid_core.preprocessing.pixel_map import PixelMap
from astrid_core.preprocessing.sources import FloatArray
from astrid_core.preprocessing.tangent_plane import pixel_scale_deg, plane_at, sky_of, to_plane, to_sky

_N_STEPS = 6
_SETTLED_DEG = 1e-11
"""A reference point that moves by less, 0.04 microarcseconds, has settled."""
_SAMPLED_PIX = 1000.0
_SAME_PIX = 1e-3


class Distortion(StrEnum):
    """How a fit may bend the pixels: nothing may change but shift and matrix, or also higher terms."""

    HEADER = "header as it is"
    KEPT = "linear, with the header's distortion"
    LINEAR = "linear"
    RADIAL = "radial distortion of third order"
    """About a centre that may lie anywhere: three numbers."""
    IRROTATIONAL = "irrotational distortion"
    """A gradient, as that of every camera which is symmetric about an axis, wherever that meets the sky."""
    FREE = "free distortion"


@dataclass(frozen=True, slots=True)
class WcsModel:
    """What a fit may change; ``order`` is that of the polynomials."""

    distortion: Distortion
    order: int = 1

    @property
    def n_free(self) -> int:
        """Free numbers, of both axes together."""
        return 0 if self.distortion is Distortion.HEADER else len(fields(self))

    def __str__(self) -> str:
        return f"{self.distortion} of order {self.order}" if self.distortion in _ORDERED else str(self.distortion)


_ORDERED = (Distortion.IRROTATIONAL, Distortion.FREE)


def fit_wcs(model: WcsModel, start: WCS, xy: FloatArray, sky: FloatArray, weights: FloatArray) -> WCS:
    """Return the WCS under ``model`` that brings pixels ``xy`` (n, 2; 0-based) onto ``sky`` (n, 2; degrees).

    Weighted least squares in the tangent plane: linear but for the place where the plane touches, which moves until it
    is where the reference pixel is seen. ``start`` must be right to some degrees and a tenth of the scale, and tells
    the distortion where that is kept. SIP: Shupe et al. 2005, ASP Conf. 347, 491.
    """
    if model.distortion is Distortion.HEADER:
        return start.deepcopy()
    if model.distortion is Distortion.KEPT and not is_tangent(start):
        return _linear_before(start, xy, sky, weights)
    terms, half = polynomial(model, start, xy)
    root = np.sqrt(weights)
    crpix = np.array(start.wcs.crpix)
    plane = plane_at(*sky_of(start, crpix[None] - 1.0)[0])
    basis = np.asarray(start.pixel_scale_matrix)
    for _ in range(_N_STEPS):
        solution = solve_fields(model, terms, to_plane(plane, sky) @ np.linalg.inv(basis).T, root) @ basis.T
        if np.abs(solution[0]).max() < _SETTLED_DEG:
            break
        # The matrix must belong to the place where it is fitted: near a pole the next one has another north.
        at = plane_at(*to_sky(plane, solution[:1])[0])
        basis = _turned(basis, plane, at)
        plane = at
    return _built(model, start, solution, half, plane)


def _turned(basis: FloatArray, before: WCS, after: WCS) -> FloatArray:
    """Return the matrix in the axes of another plane: near a pole north turns with the place."""
    step = 1e-4
    there = to_sky(before, np.array([[0.0, 0.0], [step, 0.0], [0.0, step]]))
    seen = to_plane(after, there)
    return np.asarray((seen[1:] - seen[:1]).T / step @ basis)


def polynomial(model: WcsModel, start: WCS, xy: FloatArray) -> tuple[FloatArray, float]:
    """Return the powers (n, n_terms) of pixels about the reference pixel, the constant first, then x and y, and the
    length in pixels they are scaled by. A kept distortion in sky coordinates (TPV) is linear in the pixels, nearly.
    """
    seen = np.asarray(start.pix2foc(xy, 0), dtype=float) if model.distortion is Distortion.KEPT else xy
    u = seen - (np.array(start.wcs.crpix) - 1.0)
    half = max(float(np.abs(u).max()), 1.0)
    # Products, not powers: a tenth of the time.
    rising = np.cumprod(
        np.concatenate([np.ones((1, *u.shape)), np.repeat((u / half)[None], model.order, axis=0)]), axis=0
    )
    of_x, of_y = powers(model.order).astype(int).T
    return np.asarray((rising[of_x, :, 0] * rising[of_y, :, 1]).T), half


def powers(order: int) -> FloatArray:
    """Return the exponents (n_terms, 2) of x and y."""
    return np.array([(total - q, q) for total in range(order + 1) for q in range(total + 1)], dtype=float)


def fields(model: WcsModel) -> FloatArray:
    """Return what may be added to the map, as coefficients (n_free, n_terms, 2) of both axes."""
    place = {(int(p), int(q)): index for index, (p, q) in enumerate(powers(model.order))}
    found = []

    def add(*parts: tuple[int, int, int, float]) -> None:
        one = np.zeros((len(place), 2))
        for p, q, axis, factor in parts:
            one[place[p, q], axis] = factor
        found.append(one)

    is_free = model.distortion is Distortion.FREE
    for p, q in place:
        if p + q < 2 or is_free:
            add((p, q, 0, 1.0))
            add((p, q, 1, 1.0))
    if model.distortion is Distortion.RADIAL:
        add((3, 0, 0, 1.0), (1, 2, 0, 1.0), (2, 1, 1, 1.0), (0, 3, 1, 1.0))
        add((2, 0, 0, 3.0), (0, 2, 0, 1.0), (1, 1, 1, 2.0))
        add((1, 1, 0, 2.0), (2, 0, 1, 1.0), (0, 2, 1, 3.0))
    if model.distortion is Distortion.IRROTATIONAL:
        for total in range(3, model.order + 2):
            for q in range(total + 1):
                p = total - q
                add(*((p - 1, q, 0, float(p)),) * (p > 0), *((p, q - 1, 1, float(q)),) * (q > 0))
    return np.array(found)


def solve_fields(model: WcsModel, terms: FloatArray, goal: FloatArray, root: FloatArray) -> FloatArray:
    """Return the coefficients (n_terms, 2) that bring ``terms`` (n, n_terms) nearest to ``goal`` (n, 2); ``root`` (n,)
    are roots of weights.
    """
    free = fields(model)
    design = field_design(free, terms) * np.repeat(root, 2)[:, None]
    solution, *_ = np.linalg.lstsq(design, (goal * root[:, None]).ravel(), rcond=None)
    return np.asarray(np.tensordot(solution, free, axes=1))


def field_design(free: FloatArray, terms: FloatArray) -> FloatArray:
    """Return the design matrix (2 n, n_free); rows are x and y of each star in turn."""
    per_axis = np.tensordot(terms, free, axes=(1, 1))
    return np.asarray(per_axis.transpose(0, 2, 1).reshape(2 * len(terms), len(free)))


def can_keep(wcs: WCS) -> bool:
    """Tell whether a WCS has a distortion that a fit may keep: its axes must be right ascension and declination."""
    is_equatorial = [str(kind)[:4] for kind in wcs.wcs.ctype] == ["RA--", "DEC-"]
    near_icrs = wcs.wcs.radesys in ("", "ICRS") or (wcs.wcs.radesys == "FK5" and wcs.wcs.equinox in (0.0, 2000.0))
    return is_equatorial and (wcs.has_distortion or (near_icrs and not is_tangent(wcs)))


def is_tangent(wcs: WCS) -> bool:
    """Tell whether a WCS is a tangent plane behind the distortion of its pixels: measured, as wcslib calls TPV a
    tangent plane, too.
    """
    off = _SAMPLED_PIX * np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, -1.0], [0.5, -0.5]])
    sky = np.asarray(wcs.wcs_pix2world(np.array(wcs.wcs.crpix) + off, 1), dtype=float)
    there = to_plane(plane_at(*wcs.wcs.crval), sky)
    return bool(np.abs(there - off @ wcs.pixel_scale_matrix.T).max() < _SAME_PIX * pixel_scale_deg(wcs))


def _linear_before(wcs: WCS, xy: FloatArray, sky: FloatArray, weights: FloatArray) -> WCS:
    """Correct a WCS of any projection (TPV, ZPN, ...) by a linear map of its pixels."""
    there = np.asarray(wcs.all_world2pix(sky, 0, quiet=True), dtype=float)
    known = np.isfinite(there).all(axis=1)
    root = np.sqrt(weights * known)[:, None]
    design = np.column_stack([xy, np.ones(len(xy))])
    solution, *_ = np.linalg.lstsq(design * root, np.nan_to_num(there) * root, rcond=None)
    found = PixelMap(matrix=solution[:2].T, shift=solution[2], rms_pix=0.0, n_matched=int(known.sum()))
    return _in_icrs(corrected_wcs(wcs, found))


def _built(model: WcsModel, start: WCS, solution: FloatArray, half: float, plane: WCS) -> WCS:
    exponents = powers(model.order)
    scaled = solution / (half ** exponents.sum(axis=1))[:, None]
    matrix = np.stack([scaled[1], scaled[2]], axis=1)
    if model.distortion is Distortion.KEPT:
        fitted = start.deepcopy()
    else:
        fitted = WCS(naxis=2)
        fitted.wcs.ctype = ["RA---TAN", "DEC--TAN"]
        fitted.wcs.crpix = start.wcs.crpix
        fitted.wcs.cd = matrix
    fitted.wcs.crval = plane.wcs.crval
    fitted.wcs.lonpole, fitted.wcs.latpole = plane.wcs.lonpole, np.nan
    set_matrix(fitted, matrix)
    if model.order > 1:
        fitted.sip = _sip(scaled, exponents, matrix, np.array(start.wcs.crpix), model.order)
        fitted.wcs.ctype = ["RA---TAN-SIP", "DEC--TAN-SIP"]
    return _in_icrs(fitted)


def _in_icrs(wcs: WCS) -> WCS:
    """Say that positions are ICRS, as those of the stars are."""
    wcs.wcs.radesys, wcs.wcs.equinox = "ICRS", np.nan
    wcs.wcs.set()
    return wcs


def _sip(scaled: FloatArray, exponents: FloatArray, matrix: FloatArray, crpix: FloatArray, order: int) -> Sip:
    """Return what must be added to the pixels before the matrix."""
    along = np.linalg.solve(matrix, scaled.T).T
    a, b = np.zeros((order + 1, order + 1)), np.zeros((order + 1, order + 1))
    for (p, q), (x, y) in zip(exponents.astype(int), along, strict=True):
        if p + q > 1:
            a[p, q], b[p, q] = x, y
    return Sip(a, b, None, None, crpix)
