"""Which distortion the stars of a frame support: by how well stars that were not fitted are predicted."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from astropy.wcs import WCS

from astrid_core.preprocessing.sources import FloatArray
from astrid_core.preprocessing.tangent_plane import plane_at, sky_of, to_plane
from astrid_core.preprocessing.wcs_fit import Distortion, WcsModel, can_keep, field_design, fields, fit_wcs, polynomial
from astrid_core.shared.robust import sigma_of

_STARS_PER_NUMBER = 0.75
"""A model needs so many times more stars, of two coordinates each, than it has free numbers."""
_NEVER_SINGULAR = 1e-6
_CAP = 9.0
"""Squared residuals count up to this many variances: one wrong pair decides nothing."""
_HELPS_SIGMA = 1.0
"""A richer model must predict better by this many standard errors of the difference (the usual rule)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchedStars:
    """Stars of one frame that are known in both: pixels, sky in degrees, standard errors per axis in pixels (n, 2)."""

    xy: FloatArray
    sky: FloatArray
    err_pix: FloatArray

    def __len__(self) -> int:
        return len(self.xy)

    def take(self, selection: FloatArray) -> "MatchedStars":
        """Return the selected stars."""
        return MatchedStars(xy=self.xy[selection], sky=self.sky[selection], err_pix=self.err_pix[selection])

    def fit(self, model: WcsModel, start: WCS, floor_pix: float) -> WCS:
        """Return the WCS under ``model``; ``floor_pix`` is scatter per axis beyond the errors."""
        return fit_wcs(model, start, self.xy, self.sky, self.weights(floor_pix))

    def weights(self, floor_pix: float) -> FloatArray:
        """Return the weight of each star (n,) in a fit, 1 at most."""
        variance = np.mean(self.err_pix**2, axis=1) + floor_pix**2
        return np.asarray(variance.min() / variance)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenModel:
    """The model that was chosen, and the WCS fitted to all stars; residuals as in LeftOut."""

    model: WcsModel
    wcs: WCS
    held_out_pix: FloatArray
    studentised_pix: FloatArray


def residuals_pix(wcs: WCS, stars: MatchedStars) -> FloatArray:
    """Return star minus catalog along the axes of the frame (n, 2), pixels."""
    return _seen_from_frame(wcs, sky_of(wcs, stars.xy)) - _seen_from_frame(wcs, stars.sky)


def scatter(residuals: FloatArray) -> float:
    """Return the robust standard deviation per axis, about zero."""
    return sigma_of(residuals) if len(residuals) else float("nan")


def choose_model(
    start: WCS, current: WCS, stars: MatchedStars, floor_pix: float, models: Sequence[WcsModel]
) -> ChosenModel:
    """Fit the first of ``models`` that no later one beats at predicting stars that were left out of its fit.

    Distortions and the reference pixel are those of ``start``; ``current`` is right to about a pixel.
    """
    trials = [left_out(model, start, current, stars, floor_pix) for model in models]
    # Of one size for all, so that losses can be compared: the best model's.
    size = max(min(scatter(one.held_out_pix) for one in trials), 1e-6)
    variance = np.mean(stars.err_pix**2, axis=1) + size**2
    losses = [np.minimum((one.held_out_pix**2).mean(axis=1) / variance, _CAP) for one in trials]
    best = 0
    for other in range(1, len(models)):
        gain = losses[best] - losses[other]
        if float(gain.mean()) > _HELPS_SIGMA * float(np.std(gain, ddof=1)) / np.sqrt(len(gain)):
            best = other
    return ChosenModel(
        model=models[best],
        wcs=stars.fit(models[best], start, floor_pix),
        held_out_pix=trials[best].held_out_pix,
        studentised_pix=trials[best].studentised_pix,
    )


def models_for(start: WCS, n_stars: int, *, max_order: int, is_header: bool) -> tuple[WcsModel, ...]:
    """Return what so many stars can tell, the simplest first; a header's own distortion costs nothing."""
    header = [WcsModel(Distortion.HEADER)] if is_header else []
    kept = [WcsModel(Distortion.KEPT)] if can_keep(start) else []
    bent = [
        WcsModel(Distortion.RADIAL, 3),
        WcsModel(Distortion.FREE, 2),
        WcsModel(Distortion.IRROTATIONAL, 3),
        *(WcsModel(Distortion.FREE, order) for order in range(3, max_order + 1)),
    ]
    told = [one for one in bent if one.order <= max_order and n_stars >= _STARS_PER_NUMBER * one.n_free]
    return (*header, *kept, WcsModel(Distortion.LINEAR), *told)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """Residuals, star minus catalog (n, 2; pixels): of each star under the fit to all others, and in units in which all
    have the scatter of a single star.
    """

    held_out_pix: FloatArray
    studentised_pix: FloatArray


def left_out(model: WcsModel, start: WCS, current: WCS, stars: MatchedStars, floor_pix: float) -> LeftOut:
    """Return what cross-validation says of a model, in closed form (Allen 1974, Technometrics 16, 125)."""
    if model.distortion is Distortion.HEADER:
        rest = residuals_pix(start, stars)
        return LeftOut(held_out_pix=rest, studentised_pix=rest)
    terms, _ = polynomial(model, start, stars.xy)
    root = np.sqrt(stars.weights(floor_pix))
    q, _ = np.linalg.qr(field_design(fields(model), terms) * np.repeat(root, 2)[:, None])
    goal = (_seen_from_frame(current, stars.sky) * root[:, None]).ravel()
    rest = (q @ (q.T @ goal) - goal).reshape(-1, 2)
    per_star = q.reshape(len(stars), 2, -1)
    # Both coordinates of a star are left out together.
    told = np.eye(2) - np.einsum("naf,nbf->nab", per_star, per_star) + _NEVER_SINGULAR * np.eye(2)
    held_out = np.linalg.solve(told, rest[..., None])[..., 0]
    share = np.sqrt(np.maximum(np.einsum("naa->na", told), _NEVER_SINGULAR))
    return LeftOut(held_out_pix=held_out / root[:, None], studentised_pix=rest / share / root[:, None])


def _seen_from_frame(wcs: WCS, sky: FloatArray) -> FloatArray:
    """Return positions in the tangent plane at the reference pixel, along the axes of the frame, in its pixels:
    those of a frame without distortion.
    """
    plane = plane_at(*sky_of(wcs, np.array([wcs.wcs.crpix]) - 1.0)[0])
    return np.asarray(np.linalg.solve(wcs.pixel_scale_matrix, to_plane(plane, sky).T).T)
