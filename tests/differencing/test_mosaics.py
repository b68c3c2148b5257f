"""Coadds of exposures that do not all look at the same place."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from astrid_core.differencing import coadd as coadding
from astrid_core.differencing.coadd import Coadd
from astrid_core.differencing.config import ReferenceConfig
from astrid_core.differencing.pixel_grid import Box, cut
from astrid_core.shared.images import SkyImage
from tests.synthetic.coadds import coadd_on_grid
from tests.synthetic.pairs import Exposure, make_sky, prepared

SKY = make_sky((260, 700), seed=12, density=1 / 500)
CONFIG = ReferenceConfig(min_coverage=1)
FIRST, MIDDLE, LAST = (Box(x=x, y=0, nx=300, ny=260) for x in (0, 200, 400))


@pytest.fixture(scope="module")
def nights() -> list[SkyImage]:
    """Two exposures of a long field, the first the sharper one."""
    return [prepared(SKY, Exposure(fwhm=fwhm), seed=seed) for seed, fwhm in ((1, 3.0), (2, 3.3))]


def _part(image: SkyImage, box: Box, *, scale: float = 1.0) -> SkyImage:
    """Return part of an exposure as a telescope that looks there would take it."""
    found = cut(image, box)
    assert image.psf is not None
    psf = replace(image.psf, coefficients=image.psf.coefficients[:1], degree=0, frame_shape=found.shape)
    return replace(
        found, pixels=found.pixels * np.float32(scale), variance=found.variance * np.float32(scale**2), psf=psf
    )


def _whole_flux(found: Coadd) -> float:
    return float(np.nansum(found.image.pixels[found.image.usable]))


def test_an_exposure_that_does_not_meet_the_base_is_tied_to_one_between(nights: list[SkyImage]) -> None:
    parts = [_part(nights[0], FIRST), _part(nights[1], LAST, scale=2.0), _part(nights[1], MIDDLE, scale=1.5)]
    found = coadd_on_grid(parts, CONFIG)
    assert found.used == (0, 1, 2)
    alone = coadd_on_grid([nights[0]], CONFIG)
    # Whatever scale the others had, the field has that of the base from one end to the other.
    assert _whole_flux(found) == pytest.approx(_whole_flux(alone), rel=0.05)


def test_without_one_between_zero_points_tell_its_scale(nights: list[SkyImage]) -> None:
    parts = [_part(nights[0], FIRST), _part(nights[1], LAST, scale=0.5)]
    assert len(coadd_on_grid(parts, CONFIG).used) == 1
    dim = 25.0 + 2.5 * np.log10(0.5)
    found = coadd_on_grid(parts, CONFIG, zero_points=[25.0, dim])
    assert found.used == (0, 1)
    assert found.base == 0
    same = coadd_on_grid([parts[0], _part(nights[1], LAST)], CONFIG, zero_points=[25.0, 25.0])
    assert _whole_flux(found) == pytest.approx(_whole_flux(same), rel=1e-3)


def test_no_more_than_the_best_so_many_are_taken_of_each_place(nights: list[SkyImage]) -> None:
    once = replace(CONFIG, max_inputs=1, min_inputs=1)
    parts = [_part(nights[0], FIRST), _part(nights[1], FIRST), _part(nights[1], MIDDLE)]
    assert coadd_on_grid(parts, once).used == (0, 2)


def test_a_coadd_is_the_same_in_one_piece_and_in_strips(
    nights: Sequence[SkyImage], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = coadd_on_grid(nights, CONFIG)
    monkeypatch.setattr(coadding, "_STRIP_ROWS", 100)
    strips = coadd_on_grid(nights, CONFIG)
    np.testing.assert_array_equal(strips.image.mask, whole.image.mask)
    np.testing.assert_array_equal(strips.image.pixels, whole.image.pixels)
    np.testing.assert_array_equal(strips.coverage, whole.coverage)


def test_the_psf_of_an_exposure_is_known_in_the_pixels_of_a_finer_grid(nights: list[SkyImage]) -> None:
    found = coadd_on_grid([nights[0]], CONFIG, finer=1.3)
    (placed,) = found.placed
    assert nights[0].psf is not None
    assert placed.image.psf is not None
    assert placed.image.psf.fwhm_pix == pytest.approx(1.3 * nights[0].psf.fwhm_pix, rel=0.02)
    assert found.fwhm_pix == pytest.approx(placed.image.psf.fwhm_pix, rel=0.04)
