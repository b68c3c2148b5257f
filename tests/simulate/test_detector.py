from dataclasses import replace

import numpy as np
import pytest

from astrid_core.shared.images import FloatImage
from astrid_core.simulate.config import CameraConfig
from astrid_core.simulate.defects import BadColumn, DetectorFaults, Hits
from astrid_core.simulate.detector import read_out
from astrid_core.simulate.seeds import generator
from tests.simulate.skies import NO_FAULTS

CAMERA = CameraConfig(gain_e_adu=2.0, read_noise_e=8.0, saturation_adu=5000.0)
NO_HITS = Hits(rows=np.zeros(0, int), columns=np.zeros(0, int), electrons=np.zeros(0), marks=())


def counts(
    light: np.ndarray, *, hits: Hits = NO_HITS, faults: DetectorFaults = NO_FAULTS, camera: CameraConfig = CAMERA
) -> FloatImage:
    return read_out(light, hits, camera, faults, generator(3, "noise"))


def test_noise_is_that_of_photons_and_of_the_amplifier() -> None:
    read = counts(np.full((400, 400), 300.0))
    assert read.mean() == pytest.approx(300.0, abs=0.2)
    # (photons / gain + (read noise / gain)^2 + rounding)
    assert read.var() == pytest.approx(300.0 / 2.0 + 16.0 + 1.0 / 12.0, rel=0.02)
    assert (read == np.rint(read)).all()


def test_the_same_seed_reads_the_same_counts_and_the_light_is_left_alone() -> None:
    light = np.full((50, 50), 100.0)
    hot = replace(NO_FAULTS, hot_x=np.array([3]), hot_y=np.array([4]), hot_electrons=np.array([900.0]))
    first, second = counts(light, faults=hot), counts(light, faults=hot)
    assert (first == second).all()
    assert (light == 100.0).all()
    assert first[4, 3] > first[3, 4] + 200.0


def test_charge_beyond_the_full_well_runs_along_the_column_and_none_is_lost() -> None:
    light = np.full((101, 21), 100.0)
    light[50, 10] = 60000.0
    read = counts(light)
    assert (read == 5000.0).sum() >= 10
    column = read[:, 10]
    full = np.flatnonzero(column > 4900.0)
    assert full.min() == pytest.approx(44, abs=1)
    assert full.max() == pytest.approx(56, abs=1)
    # Full pixels hold 2 % more than they read.
    assert column.sum() == pytest.approx(60000.0 + 100 * 100.0, rel=0.02)
    assert read[:, :10].max() < 300.0


def test_charge_that_reaches_the_edge_is_lost() -> None:
    light = np.full((21, 5), 100.0)
    light[1, 2] = 60000.0
    read = counts(light)
    assert read.max() == 5000.0
    assert read[:, 2].sum() < 60000.0
    assert read[20, 2] < 5000.0


def test_cosmic_rays_add_their_electrons_where_they_hit() -> None:
    hits = Hits(rows=np.array([7, 7]), columns=np.array([5, 5]), electrons=np.array([1000.0, 3000.0]), marks=())
    read = counts(np.full((20, 20), 100.0), hits=hits)
    assert read[7, 5] == pytest.approx(100.0 + 2000.0, abs=60.0)


def test_bad_columns_are_dim_or_bright_from_their_row_on() -> None:
    columns = (
        BadColumn(x_pix=3, from_row=40, response=0.0, offset_adu=0.0),
        BadColumn(x_pix=9, from_row=0, response=1.0, offset_adu=500.0),
    )
    read = counts(np.full((100, 20), 100.0), faults=replace(NO_FAULTS, columns=columns))
    assert read[:40, 3].mean() == pytest.approx(100.0, abs=8.0)
    assert read[40:, 3].mean() < 10.0
    assert read[:, 9].mean() == pytest.approx(600.0, abs=8.0)


def test_counts_stay_between_nothing_and_the_full_well() -> None:
    light = np.zeros((50, 50))
    light[10:20, 10:20] = 9000.0
    read = counts(light)
    assert (read.min(), read.max()) == (0.0, 5000.0)
