import numpy as np
import pytest

from astrid_core.shared.robust import sigma_of


def test_the_scatter_of_gaussian_noise_is_found_whatever_a_few_values_do() -> None:
    noise = np.random.default_rng(3).normal(0.0, 2.5, 20_000)
    noise[:500] = 1e6
    assert sigma_of(noise) == pytest.approx(2.5, rel=0.05)
