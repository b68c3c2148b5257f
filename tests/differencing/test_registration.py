"""Frames without usable sky coordinates, tied by the patterns of their stars; every map is known."""

from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from astrid_core.differencing.config import DifferenceConfig
from astrid_core.differencing.pair import difference_pair
from astrid_core.preprocessing.astrometry import TiedFrame, tie_by_patterns
from astrid_core.preprocessing.config import PreprocessConfig
from astrid_core.preprocessing.prepare import Detector, PreparedImage, prepare
from astrid_core.preprocessing.sources import FloatArray, SourceList
from astrid_core.shared.errors import NotRegistered
from astrid_core.shared.images import FloatImage
from benchmarks.real_frames import REAL_DATA, prepared_file
from tests.synthetic.fields import Source, draw, observe, wcs

FRAME = (800, 900)
JITTER_PIX = 0.1
real = pytest.mark.skipif(not REAL_DATA.is_dir(), reason=f"the real data are not at {REAL_DATA}; set ASTRID_REAL_DATA")


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """From the reference's pixels to those of the science frame, about the middle of both."""

    degrees: float
    mirrored: bool = False
    scale: float = 1.0
    shift: tuple[float, float] = (0.0, 0.0)
    """In parts of the side of the frame."""

    @property
    def matrix(self) -> FloatArray:
        c, s = np.cos(np.radians(self.degrees)), np.sin(np.radians(self.degrees))
        return np.asarray(self.scale * np.array([[c, -s], [s, c]]) @ np.diag([-1.0 if self.mirrored else 1.0, 1.0]))

    def to_science(self, xy: FloatArray, frame: tuple[int, int] = FRAME) -> FloatArray:
        return np.asarray((xy - _middle(frame)) @ self.matrix.T + _middle(frame) + self._shift_pix(frame))

    def to_reference(self, xy: FloatArray, frame: tuple[int, int] = FRAME) -> FloatArray:
        moved = xy - _middle(frame) - self._shift_pix(frame)
        return np.asarray(moved @ np.linalg.inv(self.matrix).T + _middle(frame))

    def _shift_pix(self, frame: tuple[int, int]) -> FloatArray:
        return np.asarray(np.array(self.shift) * np.array(frame[::-1]))


def _middle(frame: tuple[int, int]) -> FloatArray:
    return (np.array(frame[::-1]) - 1.0) / 2.0


def _corners(frame: tuple[int, int] = FRAME) -> FloatArray:
    return np.array([[x, y] for x in (0.0, frame[1] - 1.0) for y in (0.0, frame[0] - 1.0)])


def _sky(rng: np.random.Generator, n_in_frame: int, reach: float = 2.2) -> tuple[FloatArray, FloatArray]:
    """Return positions in the reference's pixels, far beyond its edges, and fluxes N(>F) ~ F^-0.8."""
    half = reach * max(FRAME)
    n = int(n_in_frame * (2.0 * half) ** 2 / (FRAME[0] * FRAME[1]))
    return _middle(FRAME) + rng.uniform(-half, half, (n, 2)), rng.random(n) ** -1.25


def _seen(rng: np.random.Generator, xy: FloatArray, flux: FloatArray, wrong: float) -> SourceList:
    """Return what a frame lists: a part ``wrong`` of its stars is missing, and as many entries are no stars."""
    inside = ((xy >= 0.0) & (xy <= np.array(FRAME[::-1]) - 1.0)).all(axis=1) & (rng.random(len(xy)) >= wrong)
    n_stars = int(inside.sum())
    n_false = round(wrong * n_stars)
    place = np.concatenate([
        xy[inside] + rng.normal(0.0, JITTER_PIX, (n_stars, 2)), rng.random((n_false, 2)) * FRAME[::-1]
    ])  # fmt: skip
    light = np.concatenate([flux[inside] * np.exp(rng.normal(0.0, 0.1, n_stars)), rng.random(n_false) ** -1.25])
    order, n = np.argsort(-light), len(light)
    return SourceList(
        x_pix=place[order, 0], y_pix=place[order, 1], flux=light[order], snr=np.full(n, 50.0), peak=np.full(n, 10.0),
        half_light_pix=np.full(n, 2.0), ellipticity=np.zeros(n), clean=np.ones(n, dtype=bool),
    )  # fmt: skip


def _tied(move: Move, *, seed: int, n_stars: int, wrong: float) -> TiedFrame:
    rng = np.random.default_rng(seed)
    xy, flux = _sky(rng, n_stars)
    science, reference = _seen(rng, move.to_science(xy), flux, wrong), _seen(rng, xy, flux, wrong)
    return tie_by_patterns(science, FRAME, reference, wcs(FRAME))


def _error_pix(tied: TiedFrame, move: Move) -> float:
    """Return how far off the map is at the worst corner, in pixels of the science frame."""
    sky = tied.wcs.pixel_to_world(*_corners().T)
    found = np.column_stack(wcs(FRAME).world_to_pixel(sky))
    return float(np.hypot(*(move.to_science(found) - _corners()).T).max())


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(
    degrees=st.floats(0.0, 360.0),
    mirrored=st.booleans(),
    scale=st.floats(-1.0, 1.0).map(lambda power: 2.0**power),
    shift=st.tuples(st.floats(-0.5, 0.5), st.floats(-0.5, 0.5)).filter(lambda xy: abs(xy[0]) + abs(xy[1]) <= 0.5),
    seed=st.integers(0, 1000),
)
@example(degrees=0.0, mirrored=False, scale=0.5, shift=(0.0, 0.0), seed=1)
@example(degrees=0.0, mirrored=False, scale=2.0, shift=(0.0, 0.0), seed=1)
@example(degrees=180.0, mirrored=True, scale=1.0, shift=(0.5, 0.0), seed=1)
@example(degrees=90.0, mirrored=False, scale=1.0, shift=(0.0, -0.5), seed=1)
def test_any_rotation_mirror_image_scale_and_shift_is_found_with_a_third_of_the_sources_wrong(
    degrees: float, mirrored: bool, scale: float, shift: tuple[float, float], seed: int
) -> None:
    move = Move(degrees=degrees, mirrored=mirrored, scale=scale, shift=shift)
    tied = _tied(move, seed=seed, n_stars=250, wrong=0.3)
    assert tied.method == "stars"
    # Both lists err by a tenth of a pixel of their own.
    assert tied.rms_pix < 1.3 * JITTER_PIX * np.hypot(1.0, scale)
    assert _error_pix(tied, move) < 0.5 * max(1.0, scale)


@pytest.mark.parametrize("n_stars", [40, 100, 1500])
@pytest.mark.parametrize("degrees", [17.0, 251.0])
@pytest.mark.parametrize("mirrored", [False, True])
def test_sparse_and_crowded_fields_are_tied(n_stars: int, degrees: float, mirrored: bool) -> None:
    move = Move(degrees=degrees, mirrored=mirrored, shift=(0.1, -0.15))
    assert _error_pix(_tied(move, seed=5, n_stars=n_stars, wrong=0.3), move) < 0.6


@pytest.mark.parametrize("n_stars", [8, 40, 200, 1500])
@pytest.mark.parametrize("seed", range(6))
def test_unrelated_fields_are_refused(n_stars: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    one, other = (_seen(rng, *_sky(rng, n_stars), 0.0) for _ in range(2))
    with pytest.raises(NotRegistered):
        tie_by_patterns(one, FRAME, other, wcs(FRAME))


def _observed(xy: FloatArray, flux: FloatArray, shape: tuple[int, int], *, fwhm: float, seed: int) -> PreparedImage:
    stars = [Source(x_pix=float(x), y_pix=float(y), flux=float(f)) for (x, y), f in zip(xy, flux, strict=True)]
    raw = observe(draw(shape, stars, fwhm), sky=200.0, gain=2.0, read_noise=5.0, seed=seed).pixels + np.float32(200.0)
    detector = Detector(gain_e_count=2.0, read_noise_e=5.0)
    return prepare(raw.astype(np.float32), detector=detector, config=PreprocessConfig())


def test_a_transient_is_found_in_a_turned_and_mirrored_half_of_the_field_without_any_wcs() -> None:
    shape = (512, 512)
    rng = np.random.default_rng(11)
    xy = rng.uniform(-500.0, 1000.0, (1500, 2))
    flux = 400.0 * rng.random(len(xy)) ** -1.25
    flux = np.minimum(flux, 1e5)
    move = Move(degrees=63.0, mirrored=True, shift=(0.3, -0.25))
    new = np.array([[310.3, 205.6]])
    seen = np.concatenate([move.to_science(xy, shape), new])
    science = _observed(seen, np.append(flux, 6000.0), shape, fwhm=3.2, seed=1).image
    reference = _observed(xy, flux, shape, fwhm=2.8, seed=2).image
    assert science.wcs is None
    pair = difference_pair(science, reference, DifferenceConfig())
    assert pair.registration.method == "stars"
    assert pair.registration.rms_pix < 0.2
    covered = np.isfinite(pair.reference.pixels).mean()
    assert 0.3 < covered < 0.75
    assert (pair.peaks[0].x_pix, pair.peaks[0].y_pix) == pytest.approx((new[0, 0], new[0, 1]), abs=0.3)
    assert pair.peaks[0].flux == pytest.approx(6000.0, rel=0.05)
    assert len(pair.peaks) <= 3


def _sources_of(pixels: FloatImage) -> SourceList:
    return prepare(pixels, detector=Detector(), config=PreprocessConfig()).sources


@cache
def _real(name: str) -> PreparedImage:
    return prepared_file(REAL_DATA / "registration-goto" / name)[0]


@pytest.mark.real
@real
@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("quarter_turns", [0, 1, 2])
def test_real_frames_are_tied_however_they_are_turned(quarter_turns: int, mirrored: bool) -> None:
    three, four = _real("3.fits"), _real("4.fits")
    pixels = three.image.pixels[:, ::-1] if mirrored else three.image.pixels
    turned = np.ascontiguousarray(np.rot90(pixels, quarter_turns))
    tied = tie_by_patterns(_sources_of(turned), turned.shape, four.sources, wcs(four.image.shape))
    # Where the middle of frame 3 went, and where it lies in frame 4 (PROVENANCE.md).
    ny, nx = turned.shape
    x, y = wcs(four.image.shape).world_to_pixel(tied.wcs.pixel_to_world((nx - 1) / 2, (ny - 1) / 2))
    middle = _middle(three.image.shape)
    assert (float(x), float(y)) == pytest.approx((middle[0] + 0.47, middle[1] + 81.45), abs=0.3)
    assert tied.rms_pix < 0.25


@pytest.mark.real
@real
def test_real_frames_of_different_fields_are_refused() -> None:
    here = _real("3.fits")
    there, _ = prepared_file(REAL_DATA / "wcs-panoptes" / "unsolved.fits")
    with pytest.raises(NotRegistered):
        tie_by_patterns(here.sources, here.image.shape, there.sources, wcs(there.image.shape))
