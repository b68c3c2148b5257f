from dataclasses import replace

import numpy as np
import pytest
from astropy.wcs import WCS

from astrid_core.preprocessing.register import resample
from astrid_core.shared.images import MaskPlane, SkyImage
from tests.synthetic.fields import Source, draw, wcs

SHAPE = (150, 180)
STARS = [Source(x_pix=60.0, y_pix=70.0, flux=1000.0), Source(x_pix=120.3, y_pix=90.6, flux=500.0)]


def _image(frame: WCS, *, shift: tuple[float, float] = (0.0, 0.0)) -> SkyImage:
    moved = [Source(x_pix=one.x_pix + shift[0], y_pix=one.y_pix + shift[1], flux=one.flux) for one in STARS]
    return SkyImage(
        pixels=draw(SHAPE, moved, 3.0).astype(np.float32),
        variance=np.ones(SHAPE, dtype=np.float32),
        mask=np.zeros(SHAPE, dtype=np.uint16),
        wcs=frame,
    )


def test_an_image_on_its_own_grid_stays_as_it_is() -> None:
    image = _image(wcs(SHAPE))
    same = resample(image, wcs(SHAPE), SHAPE)
    assert np.abs(same.pixels - image.pixels).max() < 1e-3
    assert same.usable.all()


def test_stars_land_where_the_sky_says() -> None:
    there = resample(_image(wcs(SHAPE, shift=(7.3, -4.6)), shift=(7.3, -4.6)), wcs(SHAPE), SHAPE)
    expected = _image(wcs(SHAPE)).pixels
    good = there.usable
    assert good.mean() > 0.9
    # A cubic spline through a star of three pixels is off by one or two per cent of its peak.
    assert np.abs(there.pixels - expected)[good].max() < 0.02 * expected.max()
    assert there.pixels[good].sum() == pytest.approx(expected[good].sum(), rel=1e-3)


def test_what_the_frame_does_not_cover_is_no_data_and_masks_grow_by_the_spline() -> None:
    image = _image(wcs(SHAPE))
    mask = np.zeros(SHAPE, dtype=np.uint16)
    mask[40, 50] = MaskPlane.COSMIC_RAY
    moved = resample(replace(image, mask=mask), wcs(SHAPE, shift=(20.0, 0.0)), SHAPE)
    assert (moved.mask[:, :19] & MaskPlane.NO_DATA).all()
    assert np.isnan(moved.pixels[:, :19]).all()
    assert not (moved.mask[:, 21:] & MaskPlane.NO_DATA).any()
    hit = (moved.mask & MaskPlane.COSMIC_RAY) != 0
    assert hit[40, 68:73].all()
    assert hit.sum() == 13


def test_a_grid_on_the_other_side_of_the_sky_is_not_covered() -> None:
    far = wcs(SHAPE)
    far.wcs.crval = [330.0, -2.0]
    far.wcs.set()
    assert not resample(_image(wcs(SHAPE)), far, SHAPE).usable.any()


def test_an_image_without_sky_coordinates_is_a_wrong_argument() -> None:
    with pytest.raises(ValueError, match="sky coordinates"):
        resample(replace(_image(wcs(SHAPE)), wcs=None), wcs(SHAPE), SHAPE)
