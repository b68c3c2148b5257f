import numpy as np
import pytest

from astrid_core.shared.errors import CorruptArtifact
from astrid_core.shared.fits_format import fits_to_image, image_to_fits
from astrid_core.shared.images import MaskPlane, PsfModel, SkyImage
from tests.synthetic.fields import wcs


def _image() -> SkyImage:
    rng = np.random.default_rng(3)
    pixels = rng.normal(0.0, 2.0, (40, 50)).astype(np.float32)
    pixels[3, 4] = np.nan
    mask = np.zeros((40, 50), dtype=np.uint16)
    mask[3, 4] = MaskPlane.NO_DATA | MaskPlane.COSMIC_RAY
    stamp = np.zeros((3, 11, 11))
    stamp[0, 5, 5], stamp[1, 5, 6] = 1.0, 0.25
    return SkyImage(
        pixels=pixels,
        variance=np.full((40, 50), 4.0, dtype=np.float32),
        mask=mask,
        wcs=wcs((40, 50)),
        psf=PsfModel(coefficients=stamp, degree=1, frame_shape=(40, 50)),
    )


def test_an_image_survives_storage_bit_for_bit() -> None:
    image = _image()
    back = fits_to_image(image_to_fits(image))
    np.testing.assert_array_equal(back.pixels, image.pixels)
    np.testing.assert_array_equal(back.variance, image.variance)
    np.testing.assert_array_equal(back.mask, image.mask)
    assert back.psf is not None
    assert image.psf is not None
    np.testing.assert_array_equal(back.psf.at(10, 20), image.psf.at(10, 20))
    there = back.wcs.pixel_to_world(12.0, 13.0)
    assert there.separation(image.wcs.pixel_to_world(12.0, 13.0)).arcsec < 1e-6


@pytest.mark.parametrize("quantize_level", [0.0, 16.0])
def test_the_same_pixels_give_the_same_bytes(quantize_level: float) -> None:
    first, second = (image_to_fits(_image(), quantize_level=quantize_level) for _ in range(2))
    assert first == second


def test_quantising_saves_bytes_and_stays_within_a_sixteenth_of_the_noise() -> None:
    image = SkyImage(
        pixels=np.random.default_rng(1).normal(0.0, 2.0, (200, 200)).astype(np.float32),
        variance=np.full((200, 200), 4.0, dtype=np.float32),
        mask=np.zeros((200, 200), dtype=np.uint16),
    )
    exact, packed = image_to_fits(image), image_to_fits(image, quantize_level=16.0)
    assert len(packed) < 0.6 * len(exact)
    assert np.abs(fits_to_image(packed).pixels - image.pixels).max() < 2.0 / 16.0


def test_bytes_that_are_no_image_are_corrupt() -> None:
    for content in (b"", b"hello", image_to_fits(_image())[:3000]):
        with pytest.raises(CorruptArtifact):
            fits_to_image(content)


def test_planes_of_different_shape_are_refused() -> None:
    with pytest.raises(ValueError, match="shape"):
        SkyImage(pixels=np.zeros((4, 4)), variance=np.zeros((4, 5)), mask=np.zeros((4, 4)))


def test_planes_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="read-only"):
        _image().pixels[0, 0] = 1.0


def test_a_pixel_is_usable_only_with_finite_value_positive_variance_and_no_mask() -> None:
    image = SkyImage(
        pixels=np.array([[1.0, np.nan, 1.0, 1.0]]),
        variance=np.array([[1.0, 1.0, 0.0, 1.0]]),
        mask=np.array([[0, 0, 0, int(MaskPlane.BAD)]]),
    )
    assert image.usable.tolist() == [[True, False, False, False]]
