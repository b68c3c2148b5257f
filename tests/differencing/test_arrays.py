from dataclasses import replace
from importlib.util import find_spec

import array_api_strict
import numpy as np
import pytest

from astrid_core.differencing.arrays import irfft2, open_arrays, rfft2, to_host
from astrid_core.differencing.config import DifferenceConfig
from astrid_core.differencing.subtract import subtract
from astrid_core.shared.errors import BadConfiguration
from astrid_core.shared.images import MaskPlane, PsfModel, SkyImage
from tests.synthetic.pairs import Exposure, expose, make_sky, true_psf

SHAPE = (300, 260)


def _varying(psf: PsfModel) -> PsfModel:
    """Return a PSF that grows wider along x."""
    wider = true_psf(SHAPE, 3.6).coefficients[0] - psf.coefficients[0]
    return replace(psf, coefficients=np.stack([psf.coefficients[0], 0.3 * wider, 0.0 * wider]), degree=1)


def _pair() -> tuple[SkyImage, SkyImage]:
    sky = make_sky(SHAPE, seed=2, n_galaxies=10)
    science, _ = expose(sky, Exposure(fwhm=3.0), seed=3)
    reference, _ = expose(sky, Exposure(fwhm=2.6, sky=80.0), seed=4)
    mask, pixels = science.mask.copy(), science.pixels.copy()
    mask[100:104, 40:90], pixels[100:104, 40:90] = MaskPlane.BAD, np.nan
    return (
        replace(science, mask=mask, pixels=pixels, psf=_varying(true_psf(SHAPE, 3.0))),
        replace(reference, psf=true_psf(SHAPE, 2.6)),
    )


@pytest.mark.parametrize(
    "name",
    [
        array_api_strict.__name__,
        pytest.param("cupy", marks=pytest.mark.skipif(find_spec("cupy") is None, reason="CuPy is not installed")),
    ],
)
def test_another_array_library_gives_the_same_difference(name: str) -> None:
    science, reference = _pair()
    config = replace(DifferenceConfig(), tile_pix=128)
    ours = subtract(science, reference, config)
    theirs = subtract(science, reference, config, arrays=open_arrays(name))
    assert isinstance(theirs.score, np.ndarray)
    good = ours.mask == 0
    assert (theirs.mask == ours.mask).mean() > 0.9999
    assert np.abs(theirs.score - ours.score)[good].max() < 2e-3
    assert np.abs(theirs.flux_err / ours.flux_err - 1.0)[good].max() < 1e-3
    peak = np.nanmax(np.abs(ours.difference))
    assert np.nanmax(np.abs(theirs.difference - ours.difference)[good]) < 1e-4 * peak


@pytest.mark.parametrize("name", ["numpy", "array_api_strict"])
def test_transforms_return_what_they_were_given(name: str) -> None:
    library = open_arrays(name)
    image = np.random.default_rng(1).normal(size=(12, 15)).astype(np.float32)
    back = to_host(irfft2(rfft2(library.asarray(image)), image.shape))
    assert back.dtype == np.float32
    assert np.abs(back - image).max() < 1e-6


@pytest.mark.parametrize("name", ["no_such_library", "json"])
def test_a_library_that_cannot_compute_is_named(name: str) -> None:
    with pytest.raises(BadConfiguration, match=name):
        open_arrays(name)
