import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from astrid_core.detection.triplet_injection import HALF_PIX, inject_triplets

SIDE = 63
MIDDLE = SIDE // 2


def _star(y: float, x: float, flux: float, fwhm_pix: float = 2.5) -> NDArray[np.float64]:
    rows, columns = np.mgrid[:SIDE, :SIDE]
    width = fwhm_pix / 2.3548
    return np.asarray(
        flux * np.exp(-0.5 * ((rows - y) ** 2 + (columns - x) ** 2) / width**2) / (2.0 * np.pi * width**2)
    )


def _triplet(seed: int) -> NDArray[np.float64]:
    """A new source in the middle, and a constant star where a small triplet fits around it."""
    rng = np.random.default_rng(seed)
    star, new = _star(18.0, 31.0, 2e4), _star(MIDDLE, MIDDLE, 3e3)
    sky = rng.normal(0.0, 5.0, (2, SIDE, SIDE))
    science, reference = sky[0] + star + new, 0.3 * sky[1] + star
    return np.stack([science, reference, science - reference])


@pytest.fixture(scope="module")
def triplets() -> NDArray[np.float64]:
    return np.array([_triplet(seed) for seed in range(30)])


def test_every_triplet_gives_a_source_a_hit_and_what_a_shift_leaves(triplets: NDArray[np.float64]) -> None:
    made = inject_triplets(triplets, seed=1)
    assert made.is_real.sum() == 30
    assert np.bincount(made.number[~made.is_real]).max() == 2
    assert (~made.is_real).sum() > 45
    assert made.triplets.shape[1:] == (3, 2 * HALF_PIX + 1, 2 * HALF_PIX + 1)


def test_a_source_stands_in_science_and_difference_alike_and_not_in_the_reference(
    triplets: NDArray[np.float64],
) -> None:
    made = inject_triplets(triplets, seed=1)
    science, reference, difference = np.moveaxis(made.triplets[made.is_real], 1, 0)
    np.testing.assert_allclose(science - reference, difference, atol=1e-2)
    middle = slice(HALF_PIX - 1, HALF_PIX + 2)
    smooth = ndimage.gaussian_filter(difference, 1.06, axes=(1, 2))
    noise = 1.4826 * np.median(np.abs(smooth), axis=(1, 2))
    assert (smooth[:, middle, middle].max(axis=(1, 2)) > 3.0 * noise).mean() > 0.9
    for one, number in zip(reference, made.number[made.is_real], strict=True):
        assert np.isin(one, triplets[number, 1].astype(np.float32)).all()


def test_a_shift_leaves_both_signs(triplets: NDArray[np.float64]) -> None:
    made = inject_triplets(triplets, seed=1)
    flaws = made.triplets[~made.is_real][:, 2]
    inner = flaws[:, HALF_PIX - 4 : HALF_PIX + 5, HALF_PIX - 4 : HALF_PIX + 5]
    has_both = (inner.max(axis=(1, 2)) > 60.0) & (inner.min(axis=(1, 2)) < -60.0)
    assert has_both.sum() > 15


def test_equal_seeds_give_equal_triplets_and_masked_ones_none(triplets: NDArray[np.float64]) -> None:
    first, again = (inject_triplets(triplets, seed=3) for _ in range(2))
    np.testing.assert_array_equal(first.triplets, again.triplets)
    assert not np.array_equal(first.triplets, inject_triplets(triplets, seed=4).triplets)
    assert not len(inject_triplets(np.full((2, 3, SIDE, SIDE), np.nan), seed=1).number)


def test_nothing_is_put_where_a_small_triplet_does_not_fit() -> None:
    small = np.array([_triplet(seed)[:, 16:47, 16:47] for seed in range(5)])
    assert not len(inject_triplets(small, seed=1).number)
