"""The simulated sky as a catalog of reference stars has it: not too deep, and with errors that it knows."""

from collections.abc import Sequence

import numpy as np
from mocpy import MOC

from astrid_core.preprocessing.catalog_stars import CatalogStars
from astrid_core.shared.sky import Region
from astrid_core.simulate.config import SurveyConfig
from astrid_core.simulate.depth import mag_of
from astrid_core.simulate.population import Canvas, draw_constant_sky
from astrid_core.simulate.schedule import field_names
from astrid_core.simulate.survey import canvas_of

EPOCH_YR = 2016.0
_COVERED_DEG = 1.5
"""Around each field the catalog is complete: beyond the frame this sky has no stars."""
_COVER_ORDER = 10
_LEAST_ERR_MAS, _LEAST_ERR_MAG = 0.05, 0.002
_DOUBLES_MAG = 1.5
"""Errors double with every so many magnitudes from the brightest star on; fainter stars are fewer photons."""


def reference_stars(config: SurveyConfig) -> CatalogStars:
    """Return the constant stars of all fields that one exposure shows at 5 sigma, displaced by the catalog's errors."""
    parts = [_of_field(config, canvas_of(config, name)) for name in field_names(config)]
    return CatalogStars(
        catalog=parts[0].catalog,
        epoch_yr=EPOCH_YR,
        ra_deg=np.concatenate([part.ra_deg for part in parts]),
        dec_deg=np.concatenate([part.dec_deg for part in parts]),
        ra_err_mas=np.concatenate([part.ra_err_mas for part in parts]),
        dec_err_mas=np.concatenate([part.dec_err_mas for part in parts]),
        pm_ra_mas_yr=np.concatenate([part.pm_ra_mas_yr for part in parts]),
        pm_dec_mas_yr=np.concatenate([part.pm_dec_mas_yr for part in parts]),
        mags={config.band: np.concatenate([part.mags[config.band] for part in parts])},
        mag_errs={config.band: np.concatenate([part.mag_errs[config.band] for part in parts])},
    )


def covered_sky(config: SurveyConfig) -> Region:
    """Return where ``reference_stars`` is complete."""
    cones: Sequence[MOC] = [
        Region.cone(canvas_of(config, name).centre, radius_deg=_COVERED_DEG).moc.degrade_to_order(_COVER_ORDER)
        for name in field_names(config)
    ]
    whole = cones[0] if len(cones) == 1 else cones[0].union(*cones[1:])
    return Region.parse(f"moc({whole.to_string()})")


def _of_field(config: SurveyConfig, canvas: Canvas) -> CatalogStars:
    stars, rng = draw_constant_sky(canvas, config.sky).stars, canvas.rng("catalog")
    seen = stars.mag_ab < mag_of(canvas.depth.five_sigma_adu, config.camera.zero_point_mag)
    ra, dec, mag = stars.ra_deg[seen], stars.dec_deg[seen], stars.mag_ab[seen]
    growth = 2.0 ** ((mag - mag.min(initial=np.inf)) / _DOUBLES_MAG)
    err_mas, err_mag = _LEAST_ERR_MAS * growth, _LEAST_ERR_MAG * growth
    off = rng.normal(0.0, 1.0, (3, len(mag)))
    none = np.zeros(len(mag))
    return CatalogStars(
        catalog="simulated sky",
        epoch_yr=EPOCH_YR,
        ra_deg=(ra + off[0] * err_mas / 3.6e6 / np.cos(np.radians(dec))) % 360.0,
        dec_deg=dec + off[1] * err_mas / 3.6e6,
        ra_err_mas=err_mas,
        dec_err_mas=err_mas,
        pm_ra_mas_yr=none,
        pm_dec_mas_yr=none,
        mags={config.band: mag + off[2] * err_mag},
        mag_errs={config.band: err_mag},
    )
