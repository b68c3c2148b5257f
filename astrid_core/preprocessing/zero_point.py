"""The photometric zero point of an exposure, from stars of a reference catalog."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from astrid_core.preprocessing.catalog_stars import CatalogStars
from astrid_core.preprocessing.config import ZeroPointConfig
from astrid_core.preprocessing.entities import PhotometricSolution
from astrid_core.preprocessing.frame_terms import terms_of_no_mean
from astrid_core.preprocessing.psf_flux import PsfFluxes
from astrid_core.preprocessing.scatter_fit import Noisy, ScatterFit, chance_of_gain, fit_with_scatter
from astrid_core.preprocessing.sources import FloatArray
from astrid_core.shared.errors import NoZeroPoint

ZERO_POINT_VERSION = 2
"""Raise when the same stars should give a different result."""

_MAG = 2.5 / np.log(10.0)
"""Magnitudes per relative error."""
_ROUNDS = 3


@dataclass(frozen=True, slots=True)
class _Stars:
    """Stars that may tell the zero point; arrays (n,)."""

    places: FloatArray
    """(n, 2): 0-based pixels."""
    value: FloatArray
    """Catalog magnitude + 2.5 log10(flux)."""
    variance: FloatArray
    colour: FloatArray
    colour_variance: FloatArray
    covariance: FloatArray
    """Between the errors of colour and value."""

    def take(self, which: NDArray[np.bool_]) -> "_Stars":
        return _Stars(**{name: getattr(self, name)[which] for name in self.__slots__})


@dataclass(frozen=True, slots=True)
class _Chosen:
    """The stars that were fitted, and the fit."""

    stars: _Stars
    colour_mag: float | None
    fit: ScatterFit
    has_colour: bool
    no_colour_term: str


def measure_zero_point(
    seen: PsfFluxes,
    stars: CatalogStars,
    *,
    band: str,
    colour: tuple[str, str] | None,
    shape: tuple[int, int],
    config: ZeroPointConfig,
) -> PhotometricSolution:
    """Return the zero point from n stars that were seen on a frame of ``shape`` (ny, nx), and the same stars of the
    catalog, row by row.

    Stars are chosen by the flux that the catalog expects of them, not by the flux that was measured, and weighted by
    it: a star that noise made brighter is neither preferred nor trusted more, which is what biases fluxes near a limit
    (Eddington 1913). The logarithm of a noisy flux is too small by half of its relative variance; that is given
    back. The intrinsic scatter (flat field, PSF, variables) is measured and part of all errors (``scatter_fit``).
    A colour term is fitted where number and colours of the stars tell it, whatever its value; without one the zero
    point is that of stars of their mean colour. A polynomial over the frame is kept where chance hardly explains it;
    the zero point is that of the mean over the frame with or without it.
    Raises NoZeroPoint with too few stars, ValueError for arrays that differ in length and bands not in the catalog.
    """
    lengths = {len(one) for one in (seen.x_pix, seen.y_pix, seen.flux, seen.flux_err, stars)}
    missing = sorted({band, *(colour or ())} - (set(stars.mags) & set(stars.mag_errs)))
    if len(lengths) != 1 or missing:
        raise ValueError(f"stars do not fit together: lengths {sorted(lengths)}, bands not in the catalog {missing}")
    pool = _pool(seen, stars, band=band, colour=colour, config=config)
    chosen = _with_colour(pool, asked=colour is not None, config=config)
    fit = _over_frame(chosen, shape, config)
    n_used, n_flat = int(fit.kept.sum()), 2 if chosen.has_colour else 1
    return PhotometricSolution(
        catalog=stars.catalog,
        band=band,
        zero_point_mag=float(fit.solution[0]),
        zero_point_err_mag=float(np.sqrt(fit.covariance[0, 0])),
        colour=colour,
        colour_mag=chosen.colour_mag,
        colour_term=float(fit.solution[1]) if chosen.has_colour else None,
        colour_term_err=float(np.sqrt(fit.covariance[1, 1])) if chosen.has_colour else None,
        no_colour_term=chosen.no_colour_term,
        spatial_mag=tuple(float(one) for one in fit.solution[n_flat:]),
        frame_shape=shape,
        n_used=n_used,
        n_rejected=len(fit.kept) - n_used,
        n_left_out=len(stars) - len(fit.kept),
        scatter_mag=1.4826 * float(np.median(np.abs(fit.rest))),
        intrinsic_mag=fit.intrinsic,
        chi2=fit.chi2,
    )


def _pool(
    seen: PsfFluxes, stars: CatalogStars, *, band: str, colour: tuple[str, str] | None, config: ZeroPointConfig
) -> _Stars:
    """Return the stars that are bright enough by the catalog; raise NoZeroPoint where they are too few."""
    mag, flux, flux_err = stars.mags[band], seen.flux, seen.flux_err
    places = np.column_stack([seen.x_pix, seen.y_pix])
    known = np.isfinite(places).all(axis=1) & np.isfinite(flux) & (flux_err > 0.0) & np.isfinite(mag)
    bright, expected = known.copy(), np.ones(len(mag))
    for _ in range(_ROUNDS):
        lit = bright & (flux > 0.0)
        _require_stars(int(lit.sum()), config)
        zero_point = float(np.median(mag[lit] + 2.5 * np.log10(flux[lit])))
        expected = np.where(known, 10.0 ** (0.4 * (zero_point - mag)), np.nan)
        bright = known & (expected > config.min_snr * flux_err)
    chosen = bright & (flux > 0.0)
    _require_stars(int(chosen.sum()), config)
    relative = flux_err[chosen] / expected[chosen]
    mag_variance = _variance(stars, band)[chosen]
    hue, hue_variance, covariance = _colours(stars, band, colour)
    return _Stars(
        places=places[chosen],
        value=mag[chosen] + 2.5 * np.log10(flux[chosen]) + 0.5 * _MAG * relative**2,
        variance=mag_variance + (_MAG * relative) ** 2,
        colour=hue[chosen],
        colour_variance=hue_variance[chosen],
        covariance=covariance[chosen],
    )


def _require_stars(n: int, config: ZeroPointConfig) -> None:
    if n < config.min_stars:
        raise NoZeroPoint("too few catalog stars for a zero point", n_stars=n, required=config.min_stars)


def _variance(stars: CatalogStars, band: str) -> FloatArray:
    """Return the variance of catalog magnitudes; where the catalog is silent the scatter has to tell."""
    return np.asarray(np.nan_to_num(stars.mag_errs[band]) ** 2)


def _colours(
    stars: CatalogStars, band: str, colour: tuple[str, str] | None
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return colours, NaN where unknown, their variance, and its covariance with magnitudes of ``band``."""
    if colour is None:
        none = np.zeros(len(stars))
        return np.full(len(stars), np.nan), none, none
    blue, red = colour
    sign = float(band == blue) - float(band == red)
    return (
        stars.mags[blue] - stars.mags[red],
        _variance(stars, blue) + _variance(stars, red),
        sign * _variance(stars, band),
    )


def _with_colour(pool: _Stars, *, asked: bool, config: ZeroPointConfig) -> _Chosen:
    """Return the fit with a colour term, or that of all stars without one and why."""
    known = np.isfinite(pool.colour)
    n = int(known.sum())
    why = "none was asked for"
    if asked and n < config.min_stars_for_colour:
        why = f"{n} stars of known colour, {config.min_stars_for_colour} required"
    elif asked:
        coloured = pool.take(known)
        spread = float(np.sqrt(max(coloured.colour.var() - coloured.colour_variance.mean(), 0.0)))
        why = f"colours spread by {spread:.3f} mag, {config.min_colour_spread_mag} required"
        if spread >= config.min_colour_spread_mag:
            middle = float(np.median(coloured.colour))
            rough = _fit(coloured, _design(coloured, middle), config, has_colour=True)
            middle = _mean_colour(coloured, rough)
            fit = _fit(coloured, _design(coloured, middle), config, has_colour=True)
            error = float(np.sqrt(fit.covariance[1, 1]))
            if error <= config.max_colour_error:
                return _Chosen(coloured, middle, fit, has_colour=True, no_colour_term="")
            why = f"known to {error:.3f} mag per mag, {config.max_colour_error} required"
    fit = _fit(pool, _design(pool, None), config, has_colour=False)
    mean = _mean_colour(pool, fit) if (fit.kept & known).any() else None
    return _Chosen(pool, mean, fit, has_colour=False, no_colour_term=why)


def _mean_colour(stars: _Stars, fit: ScatterFit) -> float:
    used = fit.kept & np.isfinite(stars.colour)
    return float(np.average(stars.colour[used], weights=fit.weight[used]))


def _design(stars: _Stars, colour_mag: float | None) -> FloatArray:
    """Return the terms (n, 1 or 2) of a zero point that is one for the whole frame."""
    one = np.ones(len(stars.value))
    return one[:, None] if colour_mag is None else np.column_stack([one, stars.colour - colour_mag])


def _fit(stars: _Stars, design: FloatArray, config: ZeroPointConfig, *, has_colour: bool) -> ScatterFit:
    noisy = Noisy(column=1, variance=stars.colour_variance, covariance=stars.covariance) if has_colour else None
    return fit_with_scatter(design, stars.value, stars.variance, clip_sigma=config.clip_sigma, noisy=noisy)


def _over_frame(chosen: _Chosen, shape: tuple[int, int], config: ZeroPointConfig) -> ScatterFit:
    """Return the fit with the richest polynomial over the frame that chance does not explain."""
    stars, best = chosen.stars, chosen.fit
    flat = design = _design(stars, chosen.colour_mag if chosen.has_colour else None)
    for degree, required in enumerate(config.stars_per_degree, start=1):
        if len(stars.value) < required:
            break
        spatial = np.array([terms_of_no_mean(x, y, degree, shape) for x, y in stars.places])
        wide = np.hstack([flat, spatial])
        fit = _fit(stars, wide, config, has_colour=chosen.has_colour)
        if chance_of_gain(design, fit, stars.value) < config.max_chance:
            best, design = fit, wide
    return best
