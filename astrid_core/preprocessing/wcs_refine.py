"""From a first alignment to the best WCS and its numbers, or to the reason why there is none."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from astropy.wcs import WCS

from astrid_core.preprocessing.catalog_stars import CatalogStars
from astrid_core.preprocessing.config import AstrometryConfig
from astrid_core.preprocessing.sources import FloatArray
from astrid_core.preprocessing.star_pairs import StarPairs, chance_pairs, in_plane, log_chance, pair_up
from astrid_core.preprocessing.tangent_plane import pixel_scale_deg
from astrid_core.preprocessing.wcs_fit import Distortion, WcsModel, can_keep
from astrid_core.preprocessing.wcs_models import (
    ChosenModel,
    MatchedStars,
    choose_model,
    models_for,
    residuals_pix,
    scatter,
)
from astrid_core.preprocessing.wcs_quality import (
    AstrometricSolution,
    excess,
    map_residuals,
    middle_offset_arcsec,
    n_expected,
    rms,
)
from astrid_core.shared.errors import NoAstrometricSolution

_GROWING_PIX = (3.0, 15.0)
_WRONG_FRACTION = 0.1
_N_GROWING = 6
_N_SHARPENING = 3
_MIN_REACH_PIX = 0.8
_REACH_SIGMA = 5.0
_OUTLIER_SIGMA = 4.5
_LEAST_KEPT = 0.8
_FREE_MATCHES = 3
_FIRST_FLOOR_PIX = 0.3
_LEAST_FLOOR_PIX = 1e-4


@dataclass(frozen=True, slots=True, kw_only=True)
class Sky:
    """A frame's sources, brightest first, and the stars they may be."""

    xy: FloatArray
    err_pix: FloatArray
    errors_known: bool
    stars: CatalogStars
    shape: tuple[int, int]
    header: WCS | None

    @property
    def positions(self) -> FloatArray:
        """Of the stars (m, 2), degrees."""
        return np.column_stack([self.stars.ra_deg, self.stars.dec_deg])

    def matched(self, pairs: StarPairs, scale_deg: float) -> MatchedStars:
        """Return the pairs with their errors: those of source and star together."""
        star = np.column_stack([self.stars.ra_err_mas, self.stars.dec_err_mas])[pairs.star]
        star_pix = np.nan_to_num(star) / (3.6e6 * scale_deg)
        # Along which axis of the frame a star's error lies does not matter: they are nearly round.
        err = np.sqrt(self.err_pix[pairs.source] ** 2 + np.mean(star_pix**2, axis=1, keepdims=True))
        return MatchedStars(xy=self.xy[pairs.source], sky=self.positions[pairs.star], err_pix=err)


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """Where a solution may begin; ``n_tried`` counts the places that were looked at for it."""

    method: str
    wcs: WCS
    aligned: FloatArray
    """Sources in the plane of ``in_plane``, near their stars."""
    reach_pix: float
    """How near."""
    n_tried: float


def refine(sky: Sky, start: Start, config: AstrometryConfig) -> AstrometricSolution:
    """Match, choose a model, fit, and again: first within a wide reach, so that the fit grows over distortions, then
    within a short one. Raises NoAstrometricSolution where that leads nowhere.
    """
    plane = in_plane(start.wcs, sky.shape, sky.xy, sky.positions)
    growing = _reach_in(plane.stars, sky.shape)
    pairs = _require(pair_up(start.aligned, plane.stars, min(start.reach_pix, growing)), config)
    fitted = _fitted(sky, pairs, start.wcs, start.wcs, (_first_model(start.wcs),), config)
    reach = growing
    for step in range(_N_GROWING + _N_SHARPENING):
        if step >= _N_GROWING:
            reach = min(growing, max(_REACH_SIGMA * fitted.scatter_pix, _MIN_REACH_PIX))
        plane = in_plane(fitted.chosen.wcs, sky.shape, sky.xy, sky.positions)
        pairs = _require(pair_up(plane.sources, plane.stars, reach), config)
        models = models_for(
            start.wcs,
            len(pairs),
            max_order=config.max_order,
            is_header=start.method == "refined" and step >= _N_GROWING,
        )
        fitted = _fitted(sky, pairs, start.wcs, fitted.chosen.wcs, models, config)
    plane = in_plane(fitted.chosen.wcs, sky.shape, sky.xy, sky.positions)
    n_chance = chance_pairs(plane.sources, plane.stars, reach)
    chance = log_chance(len(fitted.pairs), n_chance, n_free=_FREE_MATCHES, n_tried=start.n_tried)
    solution = _measured(sky, fitted, start.method, chance)
    _require_certain(solution, config)
    return solution


def _first_model(start: WCS) -> WcsModel:
    return WcsModel(Distortion.KEPT if can_keep(start) else Distortion.LINEAR)


def _reach_in(stars: FloatArray, shape: tuple[int, int]) -> float:
    """Return the reach within which few sources have a wrong star, by how dense stars are in the frame."""
    inside = (np.abs(stars) < np.hypot(*shape) / 2.0).all(axis=1).sum()
    density = max(int(inside), 1) / float(shape[0] ** 2 + shape[1] ** 2)
    return float(np.clip(np.sqrt(_WRONG_FRACTION / (np.pi * density)), *_GROWING_PIX))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fitted:
    chosen: ChosenModel
    pairs: StarPairs
    """Those that were fitted, without outliers."""
    stars: MatchedStars
    n_outliers: int
    scatter_pix: float


def _require(pairs: StarPairs, config: AstrometryConfig) -> StarPairs:
    if len(pairs) < config.min_matched:
        raise NoAstrometricSolution(
            "too few sources fall onto catalog stars", n_matched=len(pairs), required=config.min_matched
        )
    return pairs


def _fitted(
    sky: Sky, pairs: StarPairs, start: WCS, current: WCS, models: Sequence[WcsModel], config: AstrometryConfig
) -> _Fitted:
    """Choose and fit a model, then once more with the scatter that is seen and without pairs that are too far off."""
    n_pairs, floor = len(pairs), _FIRST_FLOOR_PIX
    for is_last in (False, True):
        stars = sky.matched(pairs, pixel_scale_deg(current))
        chosen = choose_model(start, current, stars, floor, models)
        rest = chosen.studentised_pix
        floor = max(excess(rest.ravel(), stars.err_pix.ravel()), _LEAST_FLOOR_PIX)
        off = (np.abs(rest) / np.hypot(stars.err_pix, floor)).max(axis=1)
        near = off < max(_OUTLIER_SIGMA, float(np.quantile(off, _LEAST_KEPT)))
        if is_last:
            break
        pairs = _require(pairs.take(near), config)
    return _Fitted(chosen=chosen, pairs=pairs, stars=stars, n_outliers=n_pairs - len(pairs), scatter_pix=scatter(rest))


def _measured(sky: Sky, fitted: _Fitted, method: str, chance: float) -> AstrometricSolution:
    """Return the solution with its numbers."""
    chosen, stars = fitted.chosen, fitted.stars
    scale_mas = pixel_scale_deg(chosen.wcs) * 3.6e6
    rest, held_out, single, err = (
        residuals_pix(chosen.wcs, stars) * scale_mas,
        chosen.held_out_pix * scale_mas,
        chosen.studentised_pix * scale_mas,
        stars.err_pix * scale_mas,
    )
    matched = sky.stars.take(fitted.pairs.star)
    catalog_err = np.concatenate([matched.ra_err_mas, matched.dec_err_mas])
    n_terms = 0.5 * chosen.model.n_free
    return AstrometricSolution(
        wcs=chosen.wcs,
        method="header" if method == "refined" and chosen.model.distortion is Distortion.HEADER else method,
        model=str(chosen.model),
        catalog=sky.stars.catalog,
        rms_x_mas=rms(rest[:, 0], n_terms),
        rms_y_mas=rms(rest[:, 1], n_terms),
        held_out_x_mas=rms(held_out[:, 0], 0),
        held_out_y_mas=rms(held_out[:, 1], 0),
        excess_x_mas=excess(single[:, 0], err[:, 0]),
        excess_y_mas=excess(single[:, 1], err[:, 1]),
        measurement_err_mas=float(np.median(sky.err_pix[fitted.pairs.source])) * scale_mas
        if sky.errors_known
        else float("nan"),
        catalog_err_mas=float(np.nanmedian(catalog_err)) if np.isfinite(catalog_err).any() else float("nan"),
        pixel_scale_arcsec=scale_mas / 1000.0,
        n_matched=len(fitted.pairs),
        n_outliers=fitted.n_outliers,
        n_expected=n_expected(chosen.wcs, sky.shape, sky.stars, fitted.pairs.star),
        n_sources=len(sky.xy),
        log10_chance=chance,
        offset_arcsec=middle_offset_arcsec(sky.header, chosen.wcs, sky.shape),
        residual_map=map_residuals(stars.xy, rest, sky.shape),
    )


def _require_certain(solution: AstrometricSolution, config: AstrometryConfig) -> None:
    if solution.log10_chance > config.max_log_chance:
        raise NoAstrometricSolution(
            "sources match catalog stars no better than chance may",
            log10_chance=solution.log10_chance,
            required=config.max_log_chance,
            n_matched=solution.n_matched,
            n_sources=solution.n_sources,
            catalog=solution.catalog,
        )


def require_precise(solution: AstrometricSolution, config: AstrometryConfig) -> None:
    """Raise NoAstrometricSolution where the matched stars scatter more than is allowed."""
    limit_mas = config.max_rms_pix * solution.pixel_scale_arcsec * 1000.0
    if config.max_rms_mas > 0.0:
        limit_mas = min(limit_mas, config.max_rms_mas)
    if max(solution.rms_x_mas, solution.rms_y_mas) > limit_mas:
        raise NoAstrometricSolution(
            "stars scatter too much about the astrometric fit",
            rms_x_mas=solution.rms_x_mas,
            rms_y_mas=solution.rms_y_mas,
            allowed_mas=limit_mas,
            n_matched=solution.n_matched,
            catalog=solution.catalog,
        )
