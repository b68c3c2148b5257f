from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from astrid_core.differencing.extract import Peak, extract
from astrid_core.differencing.subtract import Difference
from astrid_core.shared.images import MaskPlane
from tests.synthetic.differences import make_difference, moffat_psf

SHAPE = (420, 420)
FWHM = 3.0
SourceList = list[tuple[float, float, float]]


def _grid(flux: float, *, seed: int, step: int = 30) -> SourceList:
    rng = np.random.default_rng(seed)
    return [
        (x + float(rng.uniform(-0.5, 0.5)), y + float(rng.uniform(-0.5, 0.5)), flux)
        for x in range(30, SHAPE[1] - 30, step)
        for y in range(30, SHAPE[0] - 30, step)
    ]


def _with(sources: SourceList, *, seed: int = 1, photons: bool = False, noise: float = 1.0) -> Difference:
    return make_difference(SHAPE, sources, fwhm=FWHM, noise=noise, seed=seed, photons=photons)


def _peaks(difference: Difference, threshold: float = 5.0) -> tuple[Peak, ...]:
    return extract(difference, threshold_sigma=threshold, limit=20000)


def _near(peaks: tuple[Peak, ...], x: float, y: float, reach: float = 2.0) -> list[Peak]:
    return [one for one in peaks if np.hypot(one.x_pix - x, one.y_pix - y) < reach]


def _flux_of(snr: float) -> float:
    """The flux that white noise of 1 gives this signal-to-noise ratio."""
    return snr / float(np.sqrt((moffat_psf(FWHM) ** 2).sum()))


@pytest.mark.parametrize(("snr", "photons"), [(12.0, False), (60.0, False), (60.0, True), (-20.0, False)])
def test_position_errors_are_honest(snr: float, photons: bool) -> None:
    sources = _grid(_flux_of(snr) * (4.0 if photons else 1.0), seed=2, step=20)
    peaks = _peaks(_with(sources, photons=photons))
    pulls = []
    for x, y, _ in sources:
        (peak,) = _near(peaks, x, y)
        pulls += [(peak.x_pix - x) / peak.x_err_pix, (peak.y_pix - y) / peak.y_err_pix]
    assert len(pulls) > 600
    assert np.mean(pulls) == pytest.approx(0.0, abs=0.15)
    assert np.std(pulls) == pytest.approx(1.0, abs=0.15)


def test_fluxes_are_those_between_the_pixels() -> None:
    flux = _flux_of(80.0)
    peaks = _peaks(_with(_grid(flux, seed=3)))
    assert np.mean([one.flux for one in peaks]) == pytest.approx(flux, rel=0.005)


@pytest.mark.parametrize("photons", [False, True])
def test_chi_square_is_one_for_point_sources(photons: bool) -> None:
    peaks = _peaks(_with(_grid(_flux_of(40.0), seed=4), photons=photons))
    assert len(peaks) > 100
    assert np.mean([one.chi2 for one in peaks]) == pytest.approx(1.0, abs=0.06)
    assert max(one.chi2 for one in peaks) < 2.5


def test_chi_square_is_large_for_what_is_extended() -> None:
    y, x = np.indices(SHAPE)
    disc = 40.0 * np.exp(-np.hypot(x - 200.0, y - 210.0) / 5.0)
    result = make_difference(SHAPE, [], fwhm=FWHM, noise=1.0, seed=5, extra=disc.astype(np.float32))
    assert _peaks(result)[0].chi2 > 5.0


def test_what_resampling_correlated_has_chi_square_one() -> None:
    plain = _with(_grid(_flux_of(30.0), seed=6))
    # The score was calibrated by a variance twice as large as single pixels have.
    result = replace(plain, variance=2.0 * plain.variance)
    assert np.mean([one.chi2 for one in _peaks(result)]) == pytest.approx(1.0, abs=0.06)


def test_a_star_that_moved_is_a_dipole_of_two_candidates() -> None:
    for shift in (0.2, 0.6, 1.5, 3.0):
        flux = _flux_of(40.0) / min(1.0, shift / 2.0)
        peaks = _peaks(_with([(200.3 + shift / 2, 200.1, flux), (200.3 - shift / 2, 200.1, -flux)]))
        assert len(peaks) == 2, shift
        assert {np.sign(one.flux) for one in peaks} == {-1.0, 1.0}
        assert all(one.flags == MaskPlane.DIPOLE for one in peaks), shift


@pytest.mark.parametrize("snr", [6.0, 30.0, -30.0, 300.0])
def test_a_source_that_came_went_or_varies_is_no_dipole(snr: float) -> None:
    peaks = _peaks(_with(_grid(_flux_of(snr), seed=7), seed=8))
    assert len(peaks) > 80
    assert sum(bool(one.flags & MaskPlane.DIPOLE) for one in peaks) == 0


def test_a_variable_on_a_slightly_misplaced_star_is_no_dipole() -> None:
    star, change, off = _flux_of(600.0), _flux_of(40.0), 0.02
    (peak, *_) = _peaks(_with([(200.2 + off, 200.4, star), (200.2, 200.4, change - star)]))
    assert peak.score > 30.0
    assert peak.flags == 0


def test_a_faint_opposite_neighbour_makes_no_dipole() -> None:
    peaks = _peaks(_with([(200.2, 200.4, _flux_of(60.0)), (206.2, 200.4, -_flux_of(16.0))]))
    assert [one.flags for one in peaks] == [0] * len(peaks)
    assert len(peaks) == 2


def test_a_streak_is_flagged_and_two_neighbours_are_not() -> None:
    along = [(150.0 + 0.5 * i, 180.0 + 0.3 * i, _flux_of(12.0)) for i in range(45)]
    streak = _peaks(_with(along))
    assert streak
    assert all(one.flags & MaskPlane.TRAIL for one in streak if one.score > 0.5 * streak[0].score)
    pair = _peaks(_with([(200.0, 200.0, _flux_of(30.0)), (208.0, 200.0, _flux_of(30.0))]))
    assert [one.flags for one in pair] == [0, 0]


def test_blends_are_taken_apart() -> None:
    peaks = _peaks(_with([(200.0, 200.0, _flux_of(50.0)), (207.0, 200.0, _flux_of(25.0))]))
    assert [round(one.x_pix) for one in peaks] == [200, 207]


def test_a_candidate_beside_a_trail_carries_its_flag() -> None:
    plain = _with([(200.0, 200.0, _flux_of(30.0))])
    mask: NDArray[np.uint16] = plain.mask.copy()
    mask[203:] = MaskPlane.TRAIL
    assert [one.flags for one in _peaks(replace(plain, mask=mask))] == [MaskPlane.TRAIL]


def test_no_candidate_lies_on_a_masked_pixel() -> None:
    plain = _with(_grid(_flux_of(20.0), seed=9))
    mask = (np.random.default_rng(1).random(SHAPE) < 0.3).astype(np.uint16)
    peaks = _peaks(replace(plain, mask=mask))
    assert peaks
    assert not any(mask[round(one.y_pix), round(one.x_pix)] for one in peaks)


def test_nothing_to_find_gives_nothing() -> None:
    plain = _with(_grid(_flux_of(20.0), seed=10))
    assert _peaks(replace(plain, mask=np.ones(SHAPE, dtype=np.uint16))) == ()
    assert _peaks(plain, threshold=1e6) == ()
    assert _peaks(replace(plain, score=np.full(SHAPE, np.nan, dtype=np.float32))) == ()


def test_a_flooded_frame_gives_one_candidate_and_others_stay_apart() -> None:
    sources = [(350.0, 350.0, _flux_of(30.0)), (370.0, 350.0, _flux_of(40.0))]
    plain = _with(sources)
    score = plain.score.copy()
    score[:300, :300] += 50.0
    peaks = _peaks(replace(plain, score=score))
    assert len([one for one in peaks if max(one.x_pix, one.y_pix) < 305.0]) <= 1
    assert sorted(round(one.x_pix) for one in peaks if one.x_pix > 310.0) == [350, 370]


def test_the_strongest_come_first_and_no_more_than_asked_for() -> None:
    result = _with(
        [*_grid(_flux_of(15.0), seed=11), *((x + 15.0, y, -f) for x, y, f in _grid(_flux_of(25.0), seed=12))]
    )
    peaks = _peaks(result)
    assert list(peaks) == sorted(peaks, key=lambda one: -abs(one.score))
    assert extract(result, threshold_sigma=5.0, limit=7) == peaks[:7]
