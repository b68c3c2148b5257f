import io
from dataclasses import replace

import numpy as np
import pytest
from astropy.io import fits

from astrid_core.shared.errors import CorruptArtifact
from astrid_core.shared.fits_format import fits_to_image, image_to_fits
from astrid_core.shared.images import MaskPlane, PsfModel, SkyImage
from tests.synthetic.fields import wcs

SHAPE = (60, 70)


def _image(seed: int = 1) -> SkyImage:
    rng = np.random.default_rng(seed)
    mask = np.zeros(SHAPE, dtype=np.uint16)
    mask[3:5, 7] = MaskPlane.SATURATED | MaskPlane.BRIGHT
    pixels = rng.normal(0.0, 3.0, SHAPE).astype(np.float32)
    pixels[10, 10] = np.nan
    psf = PsfModel(coefficients=rng.random((3, 5, 5)), degree=1, frame_shape=SHAPE)
    return SkyImage(pixels=pixels, variance=np.full(SHAPE, 9.0, dtype=np.float32), mask=mask, wcs=wcs(SHAPE), psf=psf)


def test_an_image_comes_back_as_it_was() -> None:
    image = _image()
    back = fits_to_image(image_to_fits(image))
    np.testing.assert_array_equal(back.pixels, image.pixels)
    np.testing.assert_array_equal(back.variance, image.variance)
    np.testing.assert_array_equal(back.mask, image.mask)
    assert back.psf is not None
    assert image.psf is not None
    np.testing.assert_array_equal(back.psf.coefficients, image.psf.coefficients)
    assert (back.psf.degree, back.psf.frame_shape) == (1, SHAPE)
    assert back.wcs is not None
    assert back.wcs.pixel_to_world(5.0, 6.0).separation(wcs(SHAPE).pixel_to_world(5.0, 6.0)).arcsec < 1e-6


def test_equal_pixels_give_equal_bytes_and_others_do_not() -> None:
    assert image_to_fits(_image()) == image_to_fits(_image())
    assert image_to_fits(_image(), quantize_level=16) == image_to_fits(_image(), quantize_level=16)
    assert image_to_fits(_image()) != image_to_fits(_image(seed=2))


def test_the_time_of_writing_is_not_in_the_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", lambda: 1.6e9)
    earlier = image_to_fits(_image(), quantize_level=16)  # a constant variance cannot be quantised: it becomes gzip
    monkeypatch.setattr("time.time", lambda: 1.7e9)
    assert image_to_fits(_image(), quantize_level=16) == earlier
    np.testing.assert_array_equal(fits_to_image(earlier).variance, _image().variance)


def test_quantised_floats_are_within_a_fraction_of_the_noise_and_smaller() -> None:
    rng = np.random.default_rng(3)
    shape = (400, 400)
    image = SkyImage(
        pixels=rng.normal(0.0, 3.0, shape).astype(np.float32),
        variance=np.full(shape, 9.0, dtype=np.float32),
        mask=np.zeros(shape, dtype=np.uint16),
    )
    exact, small = image_to_fits(image), image_to_fits(image, quantize_level=16)
    assert len(small) < 0.5 * len(exact)
    assert np.abs(fits_to_image(small).pixels - image.pixels).max() < 3.0 / 16
    np.testing.assert_array_equal(fits_to_image(small).mask, image.mask)


def test_the_mask_is_stored_without_loss_by_rice_coding() -> None:
    with fits.open(io.BytesIO(image_to_fits(_image())), disable_image_compression=True) as hdus:
        assert hdus["MASK"].header["ZCMPTYPE"] == "RICE_1"


def test_an_image_without_sky_or_psf_has_neither_afterwards() -> None:
    back = fits_to_image(image_to_fits(replace(_image(), wcs=None, psf=None)))
    assert back.wcs is None
    assert back.psf is None


@pytest.mark.parametrize("harm", [lambda b: b[:3000], lambda b: b"garbage" + b[7:], lambda _: b""])
def test_bytes_that_are_no_image_are_reported_as_corrupt(harm) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    with pytest.raises(CorruptArtifact, match="not an AstrID image"):
        fits_to_image(harm(image_to_fits(_image())))
