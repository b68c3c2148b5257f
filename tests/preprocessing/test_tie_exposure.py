from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from astropy.coordinates import SkyCoord

from astrid_core.observations.entities import WcsOrigin
from astrid_core.preprocessing.catalog_stars import CatalogStars
from astrid_core.preprocessing.config import AstrometryConfig, PreprocessConfig, ZeroPointConfig
from astrid_core.preprocessing.prepare import Detector, PreparedImage, prepare
from astrid_core.preprocessing.tie_exposure import CatalogBands, TiedExposure, tie_exposure
from astrid_core.shared.errors import NoAstrometricSolution
from benchmarks.simulated_exposures import Scenario, catalog_of, expose_field

ASTROMETRY, ZERO_POINT = AstrometryConfig(), ZeroPointConfig()
SCENARIO = Scenario(name="tie", side_pix=400)


@cache
def _field() -> tuple[PreparedImage, CatalogStars, float]:
    """Return an exposure, the catalog of its stars, and its true zero point."""
    exposed, field, plan = expose_field(SCENARIO, 5)
    _, _, stars = catalog_of(SCENARIO, field, plan, 5)
    prepared = prepare(
        exposed.counts,
        wcs=plan.true_wcs,
        detector=Detector(gain_e_count=plan.camera.gain_e_adu, read_noise_e=plan.camera.read_noise_e),
        config=PreprocessConfig(),
    )
    return prepared, stars, plan.zero_point_mag


def _tie(prepared: PreparedImage, stars: CatalogStars | None, **changed: object) -> TiedExposure:
    arguments: dict[str, object] = {
        "origin": WcsOrigin.HEADER, "bands": CatalogBands(band="r"), "airmass": 1.2,
        "astrometry": ASTROMETRY, "zero_point": ZERO_POINT,
    }  # fmt: skip
    return tie_exposure(prepared, stars, **(arguments | changed))  # type: ignore[arg-type]


def test_a_header_that_is_off_is_put_right_and_the_zero_point_measured() -> None:
    prepared, stars, zero_point = _field()
    assert prepared.image.wcs is not None
    off = prepared.image.wcs.deepcopy()
    off.wcs.crval = off.wcs.crval + np.array([4.0, -3.0]) / 3600.0
    found = _tie(replace(prepared, image=replace(prepared.image, wcs=off)), stars)
    assert found.untied == ()
    assert found.astrometry is not None
    assert found.photometry is not None
    assert found.astrometry.rms_pix < 0.3
    middle = (200.0, 200.0)
    assert found.image.wcs is not None
    truth, ours = (one.pixel_to_world(*middle) for one in (prepared.image.wcs, found.image.wcs))
    assert isinstance(truth, SkyCoord)
    assert truth.separation(ours).arcsec < 0.1
    # It is that of PSF fluxes: of so few stars the sum of the PSF is known to some hundredths.
    assert found.photometry.zero_point_mag == pytest.approx(zero_point, abs=0.06)
    assert found.quality.limiting_mag is not None
    assert found.quality.airmass == 1.2


def test_without_a_catalog_the_header_stays_and_the_reason_is_told() -> None:
    prepared, _, _ = _field()
    found = _tie(prepared, None, without="the catalog does not cover the exposure")
    assert found.image.wcs is prepared.image.wcs
    assert (found.astrometry, found.photometry) == (None, None)
    assert found.untied == ("the catalog does not cover the exposure",)
    assert found.quality.limiting_flux > 0.0
    assert found.quality.limiting_mag is None


def test_too_few_stars_leave_the_header_alone() -> None:
    prepared, stars, _ = _field()
    found = _tie(prepared, stars.take(np.arange(4)))
    assert found.astrometry is None
    assert "4 in the catalog, 6 needed" in found.untied[0]


def test_stars_of_another_place_are_no_solution() -> None:
    prepared, stars, _ = _field()
    scrambled = np.random.default_rng(1)
    elsewhere = replace(stars, ra_deg=scrambled.permutation(stars.ra_deg), dec_deg=scrambled.permutation(stars.dec_deg))
    with pytest.raises(NoAstrometricSolution):
        _tie(prepared, elsewhere)


@pytest.mark.parametrize(
    ("bands", "reason"),
    [(None, "no catalog magnitude"), (CatalogBands(band="K"), "K"), (CatalogBands(band="r", colour=("r", "z")), "z")],
)
def test_a_band_that_the_catalog_does_not_know_has_no_zero_point(bands: CatalogBands | None, reason: str) -> None:
    prepared, stars, _ = _field()
    found = _tie(prepared, stars, bands=bands)
    assert found.astrometry is not None
    assert found.photometry is None
    assert reason in found.untied[0]
