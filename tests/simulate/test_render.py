import numpy as np
import pytest

from astrid_core.simulate.optics import Optics
from astrid_core.simulate.render import GalaxyImages, add_galaxies, add_points

OPTICS = Optics(frame_shape=(121, 121), fwhm_pix=3.0, beta=3.0)


def galaxy(**changed: float) -> GalaxyImages:
    values = {
        "x_pix": 60.3,
        "y_pix": 59.8,
        "flux": 1e4,
        "disc_scale_pix": 3.0,
        "axis_ratio": 1.0,
        "angle_rad": 0.0,
        "bulge_fraction": 0.0,
        "bulge_radius_pix": 2.0,
    } | changed
    return GalaxyImages(**{name: np.array([value]) for name, value in values.items()})


def drawn(one: GalaxyImages, optics: Optics = OPTICS) -> np.ndarray:
    image = np.zeros((121, 121))
    add_galaxies(image, optics, one)
    return image


def moments(image: np.ndarray) -> tuple[float, float, float, float, float]:
    y, x = np.indices(image.shape)
    total = image.sum()
    mx, my = (image * x).sum() / total, (image * y).sum() / total
    return (
        mx,
        my,
        (image * (x - mx) ** 2).sum() / total,
        (image * (y - my) ** 2).sum() / total,
        (image * (x - mx) * (y - my)).sum() / total,
    )


def test_stars_have_their_flux_and_place() -> None:
    image = np.zeros((121, 121))
    add_points(image, OPTICS, np.array([60.25]), np.array([40.5]), np.array([1e5]))
    y, x = np.indices(image.shape)
    assert image.sum() == pytest.approx(1e5, rel=2e-3)
    assert (image * x).sum() / image.sum() == pytest.approx(60.25, abs=0.01)
    assert (image * y).sum() / image.sum() == pytest.approx(40.5, abs=0.01)


def test_many_stars_add_up_like_single_ones() -> None:
    rng = np.random.default_rng(1)
    x, y, flux = rng.uniform(-20, 140, 60), rng.uniform(-20, 140, 60), 10.0 ** rng.uniform(1, 6, 60)
    together, alone = np.zeros((121, 121)), np.zeros((121, 121))
    add_points(together, OPTICS, x, y, flux)
    for number in range(60):
        some = slice(number, number + 1)
        add_points(alone, OPTICS, x[some], y[some], flux[some])
    assert together == pytest.approx(alone, rel=1e-5, abs=1e-4)


def test_a_star_outside_of_the_frame_lights_its_edge_and_no_light_adds_nothing() -> None:
    image = np.zeros((121, 121))
    add_points(image, OPTICS, np.array([-3.0, 60.0]), np.array([60.0, 60.0]), np.array([1e6, 0.0]))
    assert image[60, 0] > image[60, 10] > 0.0
    assert image[60, 60] == 0.0


def test_galaxies_have_their_flux_and_place() -> None:
    image = drawn(galaxy(bulge_fraction=0.5, axis_ratio=0.4, angle_rad=0.7))
    mx, my, *_ = moments(image)
    assert image.sum() == pytest.approx(1e4, rel=5e-3)
    assert mx == pytest.approx(60.3, abs=0.03)
    assert my == pytest.approx(59.8, abs=0.03)
    assert image.min() > -0.05


def test_a_disc_through_the_psf_is_what_integration_gives() -> None:
    """Sum the PSF over the disc, point by point."""
    image = drawn(galaxy(axis_ratio=0.5, angle_rad=0.3))
    rng = np.random.default_rng(2)
    n = 20_000
    radius, angle = 3.0 * rng.gamma(2.0, 1.0, n), rng.uniform(0.0, 2.0 * np.pi, n)
    along, across = radius * np.cos(angle), 0.5 * radius * np.sin(angle)
    points = np.zeros((121, 121))
    add_points(
        points,
        OPTICS,
        60.3 + along * np.cos(0.3) - across * np.sin(0.3),
        59.8 + along * np.sin(0.3) + across * np.cos(0.3),
        np.full(n, 1e4 / n),
    )
    core = np.s_[50:70, 50:71]
    assert image[core].sum() == pytest.approx(points[core].sum(), rel=0.02)
    assert np.abs(image[core] - points[core]).max() < 0.08 * image.max()


def test_inclined_discs_are_long_along_their_angle() -> None:
    *_, xx, yy, xy = moments(drawn(galaxy(axis_ratio=0.3, angle_rad=0.0)))
    assert xx > 2.0 * yy
    assert abs(xy) < 0.05 * xx
    *_, xx, yy, xy = moments(drawn(galaxy(axis_ratio=0.3, angle_rad=np.pi / 4)))
    assert xx == pytest.approx(yy, rel=0.02)
    assert xy > 0.3 * xx


def test_half_of_a_bulge_lies_within_its_radius() -> None:
    sharp = Optics(frame_shape=(121, 121), fwhm_pix=1.5, beta=5.0)
    image = drawn(galaxy(x_pix=60.0, y_pix=60.0, bulge_fraction=1.0, bulge_radius_pix=8.0), sharp)
    y, x = np.indices(image.shape)
    # Wings are cut at eight radii, which takes about a tenth of the light from beyond the half-light radius.
    assert image[np.hypot(x - 60, y - 60) <= 8.0].sum() / image.sum() == pytest.approx(0.54, abs=0.04)


def test_galaxies_at_the_edge_are_cut_and_far_ones_cost_nothing() -> None:
    image = drawn(galaxy(x_pix=0.0))
    assert image.sum() == pytest.approx(5e3 + 1e4 * 0.07, rel=0.15)
    assert not drawn(galaxy(x_pix=5000.0)).any()
