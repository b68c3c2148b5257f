from dataclasses import replace

import numpy as np
import pytest

from astrid_core.differencing.coadd import Coadd
from astrid_core.differencing.config import ReferenceConfig
from astrid_core.shared.errors import BadPixels
from astrid_core.shared.images import MaskPlane, SkyImage
from tests.synthetic.coadds import coadd_on_grid
from tests.synthetic.fields import Source
from tests.synthetic.pairs import Exposure, Sky, make_sky, prepared

SHAPE = (260, 280)
SKY = make_sky(SHAPE, seed=31, density=1 / 700)
BRIGHT = Source(x_pix=130.0, y_pix=120.0, flux=1.5e5)
CONFIG = ReferenceConfig()


@pytest.fixture(scope="module")
def three() -> list[SkyImage]:
    """Three exposures with other seeing and dithers; a bright star in all of them."""
    sky = Sky(shape=SHAPE, stars=[*SKY.stars, BRIGHT])
    seeing, dithers = (3.0, 3.5, 3.2), ((0.0, 0.0), (6.3, -4.6), (-3.5, 5.2))
    return [
        prepared(sky, Exposure(fwhm=fwhm, shift=shift), seed=seed)
        for seed, (fwhm, shift) in enumerate(zip(seeing, dithers, strict=True))
    ]


def _coadd(images: list[SkyImage], config: ReferenceConfig = CONFIG) -> Coadd:
    return coadd_on_grid(images, config)


def _at(found: Coadd, image: SkyImage, x_pix: float, y_pix: float) -> tuple[int, int]:
    """Return row and column on the coadd of a position on an input."""
    assert found.image.wcs is not None
    assert image.wcs is not None
    x, y = found.image.wcs.world_to_pixel(image.wcs.pixel_to_world(x_pix, y_pix))
    return round(float(y)), round(float(x))


def test_a_coadd_is_as_deep_as_its_inputs_together(three: list[SkyImage]) -> None:
    found = _coadd(three)
    assert found.used == (0, 1, 2)
    single = float(np.sqrt(np.median(three[0].variance[three[0].usable])))
    assert found.sky_rms == pytest.approx(single / np.sqrt(3.0), rel=0.1)
    assert 3.0 < found.fwhm_pix < 3.6
    row, column = _at(found, three[0], *(np.array(SHAPE[::-1]) / 2))
    quiet = found.image.pixels[row - 40 : row + 40, column - 40 : column + 40]
    assert np.isfinite(quiet).mean() > 0.95


def test_what_only_one_exposure_shows_is_left_out(three: list[SkyImage]) -> None:
    clean = _coadd(three)
    struck = three[2].pixels.copy()
    struck[60:64, 50] += 4000.0
    struck[200, 30:90] += 300.0
    found = _coadd([*three[:2], replace(three[2], pixels=struck)])
    for y_pix, x_pix in ((61, 50), (63, 50), (200, 40), (200, 80)):
        row, column = _at(found, three[2], x_pix, y_pix)
        change = found.image.pixels[row, column] - clean.image.pixels[row, column]
        assert abs(change) < 5.0 * clean.sky_rms


def test_bright_stars_keep_their_light_whatever_the_seeing(three: list[SkyImage]) -> None:
    found = _coadd(three)
    row, column = _at(found, three[0], BRIGHT.x_pix, BRIGHT.y_pix)
    box = found.image.pixels[row - 12 : row + 13, column - 12 : column + 13]
    assert found.image.usable[row, column]
    first = three[0].pixels[108:133, 118:143]
    assert box.sum() == pytest.approx(first.sum(), rel=0.02)


def test_a_cosmic_ray_on_a_star_is_left_out_too(three: list[SkyImage]) -> None:
    clean = _coadd(three)
    struck = three[2].pixels.copy()
    x, y = BRIGHT.x_pix - 3.5 + 1.0, BRIGHT.y_pix + 5.2
    struck[round(y), round(x)] += 20000.0
    found = _coadd([*three[:2], replace(three[2], pixels=struck)])
    row, column = _at(found, three[2], round(x), round(y))
    assert found.image.pixels[row, column] == pytest.approx(clean.image.pixels[row, column], rel=0.15)


def test_strips_that_one_exposure_covers_hold_no_data(three: list[SkyImage]) -> None:
    found = _coadd(three)
    row, column = _at(found, three[1], 2.0, 130.0)
    other = _coadd(three, replace(CONFIG, min_coverage=1))
    assert found.image.mask[row, column] & MaskPlane.NO_DATA
    assert not other.image.mask[row, column] & MaskPlane.NO_DATA


def test_an_exposure_alone_keeps_the_fluxes_of_its_stars(three: list[SkyImage]) -> None:
    found = _coadd([three[0]])
    assert found.used == (0,)
    row, column = _at(found, three[0], BRIGHT.x_pix, BRIGHT.y_pix)
    there = found.image.pixels[row - 12 : row + 13, column - 12 : column + 13]
    assert float(there.sum()) == pytest.approx(float(three[0].pixels[108:133, 118:143].sum()), rel=0.02)


def test_the_order_of_the_inputs_is_irrelevant(three: list[SkyImage]) -> None:
    first, second = _coadd(three), _coadd(three[::-1])
    np.testing.assert_array_equal(first.image.pixels, second.image.pixels)


def test_an_exposure_of_another_field_is_left_out(three: list[SkyImage]) -> None:
    stranger = prepared(make_sky(SHAPE, seed=99, density=1 / 700), Exposure(), seed=9)
    found = _coadd([*three, stranger])
    assert found.used == (0, 1, 2)


def test_a_frame_without_sky_coordinates_is_placed_by_its_stars(three: list[SkyImage]) -> None:
    found = _coadd([*three[:2], replace(three[2], wcs=None)])
    assert found.used == (0, 1, 2)


def test_no_more_than_the_wanted_number_goes_in(three: list[SkyImage]) -> None:
    assert len(_coadd(three, replace(CONFIG, min_inputs=2, max_inputs=2)).used) == 2


def test_a_reference_needs_sky_coordinates(three: list[SkyImage]) -> None:
    with pytest.raises(BadPixels, match="needs sky coordinates"):
        _coadd([replace(image, wcs=None) for image in three])


def test_a_star_that_saturates_in_one_exposure_stays_masked(three: list[SkyImage]) -> None:
    y, x = np.indices(three[0].shape)
    star = np.hypot(x - 120.0, y - 130.0) < 6.0
    flags = np.where(star, np.uint16(MaskPlane.SATURATED | MaskPlane.BRIGHT), np.uint16(0))
    result = _coadd([replace(three[0], mask=three[0].mask | flags), *three[1:]])
    there = (result.image.mask & MaskPlane.SATURATED) != 0
    assert 0.8 * star.sum() < there.sum() < 3.0 * star.sum()
    assert np.isfinite(result.image.pixels[there]).all()
