import numpy as np
import pytest

from astrid_core.preprocessing.picture_fits import fit_picture
from astrid_core.preprocessing.sources import FloatArray

MIDDLE = 6
WIDTH_PIX = 1.2


def _stars(dx: FloatArray, dy: FloatArray, light: FloatArray) -> FloatArray:
    rows, columns = np.indices((13, 13)) - MIDDLE
    squares = (columns - dx[:, None, None]) ** 2 + (rows - dy[:, None, None]) ** 2
    return light[:, None, None] * np.exp(-0.5 * squares / WIDTH_PIX**2)


PICTURE = _stars(np.zeros(1), np.zeros(1), np.ones(1))[0]


def test_every_star_is_found_at_its_own_place_with_its_own_light() -> None:
    rng = np.random.default_rng(1)
    dx, dy = rng.uniform(-0.9, 0.9, (2, 40))
    light = rng.uniform(50.0, 5000.0, 40)
    data = _stars(dx, dy, light)
    fits = fit_picture(data, np.ones(data.shape, dtype=bool), PICTURE, np.zeros(40), np.zeros(40))
    assert fits.found.all()
    assert np.abs(fits.dx - dx).max() < 0.02
    assert np.abs(fits.dy - dy).max() < 0.02
    assert np.abs(fits.model - data).max(axis=(1, 2)) == pytest.approx(0.0, abs=0.02 * light.max())
    assert fits.model.sum(axis=(1, 2)) == pytest.approx(data.sum(axis=(1, 2)), rel=0.01)


def test_what_is_not_known_does_not_count() -> None:
    data = _stars(np.array([0.3]), np.array([-0.2]), np.array([100.0]))
    known = np.ones(data.shape, dtype=bool)
    known[0, 5, 6] = known[0, 2, 2] = False
    spoiled = np.where(known, data, np.nan)
    fits = fit_picture(spoiled, known, PICTURE, np.zeros(1), np.zeros(1))
    assert fits.model == pytest.approx(data, abs=1.0)


def test_neither_darkness_nor_a_few_pixels_are_a_star() -> None:
    data = _stars(np.zeros(3), np.zeros(3), np.array([-100.0, 0.0, 100.0]))
    known = np.ones(data.shape, dtype=bool)
    known[2] = False
    known[2, MIDDLE, MIDDLE : MIDDLE + 3] = True
    fits = fit_picture(data, known, PICTURE, np.zeros(3), np.zeros(3))
    assert not fits.found.any()
    assert not fits.model.any()


def test_a_star_fits_alike_alone_and_among_others() -> None:
    data = _stars(np.array([0.4, -0.6, 0.0]), np.array([0.1, 0.2, 0.7]), np.array([10.0, -5.0, 3000.0]))
    known = np.ones(data.shape, dtype=bool)
    together = fit_picture(data, known, PICTURE, np.zeros(3), np.zeros(3))
    alone = fit_picture(data[2:], known[2:], PICTURE, np.zeros(1), np.zeros(1))
    assert together.model[2] == pytest.approx(alone.model[0])
    assert together.take(np.array([2])).dx == pytest.approx(alone.dx)


def test_no_stamps_have_no_fits() -> None:
    nothing = np.zeros((0, 13, 13))
    assert not len(fit_picture(nothing, nothing > 0.0, PICTURE, np.zeros(0), np.zeros(0)).found)
