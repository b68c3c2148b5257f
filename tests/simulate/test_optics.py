import numpy as np
import pytest

from astrid_core.shared.images import stamp_fwhm_pix
from astrid_core.simulate.config import ConditionsConfig
from astrid_core.simulate.optics import Optics, Shape, draw_optics, integrate, reach_pix
from astrid_core.simulate.seeds import generator

ROUND = Optics(frame_shape=(101, 201), fwhm_pix=3.0, beta=3.0)
ORIGIN = np.zeros(1)


def brute_force(alpha: float, beta: float, dx: float, dy: float, reach: int, *, fine: int = 40) -> np.ndarray:
    steps = (np.arange((2 * reach + 1) * fine) + 0.5) / fine - reach - 0.5
    radius2 = (steps[None, :] - dx) ** 2 + (steps[:, None] - dy) ** 2
    light = (beta - 1) / (np.pi * alpha**2) * (1 + radius2 / alpha**2) ** -beta / fine**2
    side = 2 * reach + 1
    return np.asarray(light.reshape(side, fine, side, fine).sum(axis=(1, 3)))


@pytest.mark.parametrize(
    ("fwhm", "beta", "dx", "dy"), [(2.0, 3.0, 0.0, 0.0), (2.5, 4.5, 0.5, -0.3), (4.0, 2.5, -0.2, 0.4)]
)
def test_a_star_is_integrated_over_its_pixels(fwhm: float, beta: float, dx: float, dy: float) -> None:
    shape = Optics(frame_shape=(9, 9), fwhm_pix=fwhm, beta=beta).at(ORIGIN, ORIGIN)
    stamp = integrate(shape, beta, np.array([dx]), np.array([dy]), 12)[0]
    exact = brute_force(float(shape.alpha_pix[0]), beta, dx, dy, 12)
    assert np.abs(stamp / exact - 1.0).max() < 2e-3
    assert np.abs(stamp - exact).max() < 2e-4 * exact.max()


def test_a_stamp_holds_the_light_within_its_reach() -> None:
    stamp = ROUND.stamp(100.0, 50.0, 41).astype(float)
    alpha = float(ROUND.at(ORIGIN, ORIGIN).alpha_pix[0])
    y, x = np.mgrid[-20:21, -20:21]
    enclosed = 1.0 - (1.0 + (20.5 / alpha) ** 2) ** (1.0 - 3.0)
    assert stamp[np.hypot(x, y) <= 20.5].sum() == pytest.approx(enclosed, abs=1e-5)
    assert (stamp * x).sum() == pytest.approx(0.0, abs=1e-6)


def test_the_width_is_what_was_asked_for_and_changes_over_the_frame() -> None:
    tilted = Optics(frame_shape=(101, 201), fwhm_pix=6.0, beta=3.0, tilt=(0.1, 0.0), bowl=0.05)
    # Pixels blur a star a little.
    assert stamp_fwhm_pix(tilted.stamp(100.0, 50.0, 61)) == pytest.approx(6.0, abs=0.2)
    assert stamp_fwhm_pix(tilted.stamp(200.0, 50.0, 61)) == pytest.approx(6.0 * 1.15, abs=0.2)
    assert stamp_fwhm_pix(tilted.stamp(0.0, 50.0, 61)) == pytest.approx(6.0 * 0.95, abs=0.2)


def test_shear_stretches_along_its_axis_and_keeps_the_area() -> None:
    along_x = Optics(frame_shape=(9, 9), fwhm_pix=5.0, beta=3.0, shear=(0.1, 0.0)).stamp(4.0, 4.0, 61).astype(float)
    diagonal = Optics(frame_shape=(9, 9), fwhm_pix=5.0, beta=3.0, shear=(0.0, 0.1)).stamp(4.0, 4.0, 61).astype(float)
    y, x = np.mgrid[-30:31, -30:31]
    near = np.hypot(x, y) < 8.0
    assert (along_x * x**2)[near].sum() > 1.2 * (along_x * y**2)[near].sum()
    assert (diagonal * x * y)[near].sum() > 0.1 * (diagonal * x**2)[near].sum()
    assert along_x.sum() == pytest.approx(1.0, abs=2e-3)


def test_faint_sources_get_small_stamps() -> None:
    shape = ROUND.at(np.zeros(3), np.zeros(3))
    reach = reach_pix(np.array([50.0, 5e3, 5e6]), shape, 3.0)
    assert reach[0] < reach[1] < reach[2]
    # Beyond its reach a source is below a fiftieth of a count.
    for flux, far in zip((50.0, 5e3, 5e6), reach, strict=True):
        stamp = ROUND.stamp(0.0, 0.0, 2 * int(far) + 1)
        assert flux * stamp[0, stamp.shape[1] // 2] < 0.03


def test_drawn_optics_stay_within_the_conditions() -> None:
    config = ConditionsConfig(seeing_pix=(2.0, 3.0), ellipticity=0.1)
    drawn = [draw_optics(generator(1, number), config, (100, 100)) for number in range(50)]
    assert min(one.fwhm_pix for one in drawn) >= 2.0
    assert max(one.fwhm_pix for one in drawn) <= 3.0
    assert len({one.fwhm_pix for one in drawn}) == 50
    assert max(np.hypot(*one.shear) for one in drawn) <= 0.05
    fixed = draw_optics(generator(1, 0), config, (100, 100), fwhm_pix=9.0)
    assert fixed.fwhm_pix == 9.0


def test_a_shape_can_be_taken_apart() -> None:
    shape = Shape(alpha_pix=np.array([1.0, 2.0]), shear1=np.array([0.0, 0.1]), shear2=np.array([0.2, 0.3]))
    assert shape.take(np.array([1])).shear2.tolist() == [0.3]
