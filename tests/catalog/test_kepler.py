"""Motion around the Sun alone, against Kepler's equation and against its own way back."""

import numpy as np
import pytest

from astrid_core.catalog.kepler import GAUSS, FloatArray, drift


def _at_perihelion(q: FloatArray, e: FloatArray) -> tuple[FloatArray, FloatArray]:
    position, velocity = np.zeros((len(q), 3)), np.zeros((len(q), 3))
    position[:, 0] = q
    velocity[:, 1] = GAUSS * np.sqrt((1.0 + e) / q)
    return position, velocity


def test_ellipses_are_those_of_kepler() -> None:
    rng = np.random.default_rng(1)
    q, e, days = rng.uniform(0.1, 5.0, 3000), rng.uniform(0.0, 0.98, 3000), rng.uniform(-2e4, 2e4, 3000)
    axis = q / (1.0 - e)
    mean = np.mod(GAUSS * axis**-1.5 * days + np.pi, 2.0 * np.pi) - np.pi
    low, high = np.full(3000, -np.pi), np.full(3000, np.pi)
    for _ in range(80):
        middle = 0.5 * (low + high)
        later = middle - e * np.sin(middle) > mean
        low, high = np.where(later, low, middle), np.where(later, middle, high)
    expected = np.stack([axis * (np.cos(low) - e), axis * np.sqrt(1.0 - e**2) * np.sin(low)], axis=1)

    found, _ = drift(*_at_perihelion(q, e), days)

    np.testing.assert_allclose(found[:, :2], expected, atol=1e-9)
    np.testing.assert_array_equal(found[:, 2], 0.0)


def test_a_parabola_follows_the_equation_of_barker() -> None:
    q, days = np.array([0.5, 1.0, 2.0]), np.array([40.0, 300.0, -1000.0])
    tangent = np.zeros(3)
    for _ in range(200):
        tangent -= (tangent + tangent**3 / 3.0 - GAUSS * days / np.sqrt(2.0) / q**1.5) / (1.0 + tangent**2)

    found, _ = drift(*_at_perihelion(q, np.ones(3)), days)

    np.testing.assert_allclose(found[:, 0], q * (1.0 - tangent**2), atol=1e-9)
    np.testing.assert_allclose(found[:, 1], 2.0 * q * tangent, atol=1e-9)


@pytest.mark.parametrize(("low", "high"), [(0.0, 0.9), (0.9, 1.0), (1.0, 1.0), (1.0, 3.0)])
def test_the_way_back_ends_where_it_began(low: float, high: float) -> None:
    rng = np.random.default_rng(2)
    q, e, days = rng.uniform(0.1, 5.0, 2000), rng.uniform(low, high, 2000), rng.uniform(-4e3, 4e3, 2000)
    position, velocity = _at_perihelion(q, e)

    back, speed = drift(*drift(position, velocity, days), -days)

    np.testing.assert_allclose(back, position, atol=1e-8)
    np.testing.assert_allclose(speed, velocity, atol=1e-9)


def test_no_time_changes_nothing() -> None:
    position, velocity = _at_perihelion(np.array([1.0]), np.array([0.3]))
    found, speed = drift(position, velocity, np.zeros(1))
    np.testing.assert_allclose(found, position, rtol=1e-15)
    np.testing.assert_allclose(speed, velocity, rtol=1e-15)


def test_what_is_no_orbit_is_refused() -> None:
    with pytest.raises(ValueError, match="1 orbits cannot be solved"), np.errstate(invalid="ignore"):
        drift(np.full((1, 3), np.nan), np.full((1, 3), 0.01), np.ones(1))
