"""Real star lists and frames; all of them: python -m benchmarks.astrometry."""

import numpy as np
import pytest

from benchmarks.astrometry_real import goto_pattern, hsc_ccds, panoptes_frames, unsolved_offset
from benchmarks.real_frames import REAL_DATA

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not REAL_DATA.is_dir(), reason=f"the real data are not at {REAL_DATA}; set ASTRID_REAL_DATA"),
]

CCDS = ("1180_0", "1180_33", "1180_49", "1180_79", "1180_95", "1180_101")
"""From the middle and the corners of the camera, with few stars and with many."""


def test_ccds_of_hsc_are_fitted_to_30_mas_from_raw_headers() -> None:
    solved = {one.name: one.solution for one in hsc_ccds(CCDS)}
    assert set(solved) == set(CCDS)
    for solution in solved.values():
        assert solution is not None
        assert max(solution.rms_x_mas, solution.rms_y_mas) <= 30.0
        assert max(solution.held_out_x_mas, solution.held_out_y_mas) <= 100.0
        assert solution.n_matched >= 10


def test_panoptes_frames_are_solved_by_their_stars_or_refused() -> None:
    frames = {one.name: one for one in panoptes_frames()}
    for name in ("unsolved", "tiny", "noheader"):
        assert frames[name].solution is not None, frames[name].reason
    assert frames["rotation"].solution is None
    assert frames["pole"].solution is None
    assert "n_sources" in frames["rotation"].reason
    unsolved = frames["unsolved"].solution
    assert unsolved is not None
    assert unsolved_offset(unsolved) == pytest.approx((0.50, 1.71), abs=0.2)


def test_frames_of_goto_are_brought_together_by_their_stars() -> None:
    found = goto_pattern()
    assert found is not None
    assert np.hypot(*(found.shift - [0.47, 81.45])) < 0.2
