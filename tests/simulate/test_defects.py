import numpy as np
import pytest
from scipy import ndimage

from astrid_core.simulate.config import CameraConfig, ConditionsConfig
from astrid_core.simulate.defects import Trail, draw_faults, draw_hits, draw_trails
from astrid_core.simulate.seeds import generator

SHAPE = (400, 500)


def test_cosmic_rays_come_at_their_rate_and_in_many_lengths() -> None:
    hits = draw_hits(generator(1, "hits"), 1000.0, SHAPE)
    assert len(hits.marks) == pytest.approx(200, abs=45)
    image = np.zeros(SHAPE)
    np.add.at(image, (hits.rows, hits.columns), hits.electrons)
    labels, n_groups = ndimage.label(image > 0.0, np.ones((3, 3)))
    sizes = np.bincount(labels.ravel())[1:]
    assert n_groups > 100
    assert sizes.min() <= 3
    assert sizes.max() >= 12
    assert image.max() > 1000.0


def test_every_mark_lies_on_its_hit() -> None:
    hits = draw_hits(generator(2, "hits"), 200.0, SHAPE)
    struck = np.zeros(SHAPE, dtype=bool)
    struck[hits.rows, hits.columns] = True
    near = ndimage.binary_dilation(struck, iterations=4)
    assert hits.marks
    assert all(near[round(mark.y_pix), round(mark.x_pix)] for mark in hits.marks)
    assert len({mark.number for mark in hits.marks}) == len(hits.marks)


def test_no_rate_means_no_hits_and_no_trails() -> None:
    hits = draw_hits(generator(1), 0.0, SHAPE)
    assert (len(hits.rows), hits.marks) == (0, ())
    assert draw_trails(generator(1), ConditionsConfig(trails_per_exposure=0.0), SHAPE, fwhm_pix=3.0) == ()


def test_a_trail_is_a_line_of_its_width() -> None:
    trail = Trail(x_pix=250.0, y_pix=200.0, angle_rad=0.5, fwhm_pix=5.0, peak_adu=100.0)
    light = trail.light(SHAPE)
    assert light[200, 250] == pytest.approx(100.0)
    away = 2.5
    x, y = 250.0 - away * np.sin(0.5), 200.0 + away * np.cos(0.5)
    half = ndimage.map_coordinates(light, [[y], [x]], order=3)[0]
    assert half == pytest.approx(50.0, abs=1.0)
    marks = trail.marks(SHAPE, number=3)
    assert {mark.number for mark in marks} == {3}
    assert len(marks) > 100
    assert min(light[round(mark.y_pix), round(mark.x_pix)] for mark in marks) > 90.0


def test_trails_come_at_their_rate() -> None:
    config = ConditionsConfig(trails_per_exposure=2.0)
    n = [len(draw_trails(generator(1, number), config, SHAPE, fwhm_pix=3.0)) for number in range(100)]
    assert np.mean(n) == pytest.approx(2.0, abs=0.5)


def test_faults_belong_to_the_detector() -> None:
    camera = CameraConfig(bad_columns_per_mpix=50.0, hot_pixels_per_mpix=500.0)
    faults = draw_faults(generator(1, "detector"), camera, SHAPE)
    again = draw_faults(generator(1, "detector"), camera, SHAPE)
    assert faults.columns == again.columns
    assert (faults.hot_x == again.hot_x).all()
    assert len(faults.hot_x) == pytest.approx(100, abs=35)
    assert all(0 <= column.x_pix < 500 and 0 <= column.from_row < 200 for column in faults.columns)
    # A column either loses light or adds some.
    assert all((column.response < 1.0) != (column.offset_adu > 0.0) for column in faults.columns)
