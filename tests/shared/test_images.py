import numpy as np
import pytest

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


def test_planes_of_different_shape_are_refused() -> None:
    with pytest.raises(ValueError, match="shape"):
        SkyImage(
            pixels=np.zeros((4, 4), dtype=np.float32),
            variance=np.zeros((4, 5), dtype=np.float32),
            mask=np.zeros((4, 4), dtype=np.uint16),
        )


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
