import astroscrappy
import numpy as np
import pytest
from numpy.typing import NDArray

from astrid_core.preprocessing.laplacian import laplacian_hits
from astrid_core.preprocessing.mask import mask_empty
from astrid_core.shared.images import FloatImage
from tests.synthetic.fields import draw, stars

SHAPE = (420, 500)
NOISE = 9.0

Planes = tuple[FloatImage, NDArray[np.bool_], FloatImage]


def _frame(seed: int, *, n_hits: int, fwhm: float = 3.0) -> Planes:
    """Return stars, hits of one to nine pixels at any place, the edge included, and masked columns."""
    rng = np.random.default_rng(seed)
    light = draw(SHAPE, stars(SHAPE, seed=seed, density=1 / 4000), fwhm)
    variance = NOISE**2 + light / 2.0
    pixels = light + rng.normal(size=SHAPE) * np.sqrt(variance)
    for _ in range(n_hits):
        y, x = rng.integers(SHAPE[0]), rng.integers(SHAPE[1])
        pixels[y : y + rng.integers(1, 4), x : x + rng.integers(1, 4)] += rng.uniform(60.0, 4000.0)
    unusable = np.zeros(SHAPE, dtype=bool)
    unusable[:, 77:79] = unusable[200:230, 300:330] = True
    pixels[unusable] = 0.0
    return pixels.astype(np.float32), unusable, variance.astype(np.float32)


def _of_whole_frame(planes: Planes, *, sigma: float, contrast: float) -> NDArray[np.bool_]:
    pixels, unusable, variance = planes
    hits, _ = astroscrappy.detect_cosmics(
        pixels, inmask=unusable, inbkg=np.zeros_like(pixels), invar=variance, gain=1.0, readnoise=0.0, satlevel=np.inf,
        sigclip=sigma, sigfrac=0.3, objlim=contrast, niter=2, sepmed=True, fsmode="median", cleantype="medmask",
    )  # fmt: skip
    return np.asarray(hits)


@pytest.mark.parametrize(
    ("seed", "n_hits", "contrast", "fwhm"),
    [(1, 15, 5.0, 3.0), (2, 60, 5.0, 2.0), (3, 10, 1.5, 4.0), (4, 400, 5.0, 3.0)],
)
def test_windows_give_the_hits_of_the_whole_frame(seed: int, n_hits: int, contrast: float, fwhm: float) -> None:
    planes = _frame(seed, n_hits=n_hits, fwhm=fwhm)
    found = laplacian_hits(*planes, sigma=6.0, contrast=contrast)

    assert found.sum() > n_hits
    assert (found == _of_whole_frame(planes, sigma=6.0, contrast=contrast)).all()


def test_a_frame_of_noise_has_no_hits() -> None:
    assert not laplacian_hits(*_frame(5, n_hits=0), sigma=30.0, contrast=5.0).any()


def test_padding_of_whole_counts_is_found_and_quiet_noise_is_none() -> None:
    rng = np.random.default_rng(6)
    counts = np.rint(rng.normal(100.0, 0.4, (80, 90))).astype(np.float32)
    padded = counts.copy()
    padded[:, :12] = 0.0

    assert not mask_empty(np.rint(rng.normal(100.0, 5.0, (80, 90))).astype(np.float32)).any()
    assert mask_empty(padded)[:, :12].all()
    assert mask_empty(padded)[:, 14:].mean() < 0.02
