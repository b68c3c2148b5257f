import numpy as np
import pytest

from astrid_core.detection.entities import Kind
from astrid_core.detection.judgement import Judged, classify, entropy
from astrid_core.detection.pixel_classes import N_LEARNT, PixelClass
from astrid_core.shared.images import MaskPlane


def _judged(score: float, *, shows: PixelClass = PixelClass.BACKGROUND, is_on_source: bool = False) -> Judged:
    shares = np.zeros((1, N_LEARNT), dtype=np.float32)
    shares[0, shows] = 1.0
    return Judged(
        score=np.array([score], dtype=np.float32),
        anomaly=np.ones(1, dtype=np.float32),
        pixels=shares,
        has_old_source=np.array([is_on_source]),
    )


def test_entropy_is_one_bit_in_the_middle_and_none_at_the_ends() -> None:
    assert entropy(np.array([0.5, 0.0, 1.0, 0.1])).tolist() == pytest.approx([1.0, 0.0, 0.0, 0.469], abs=1e-3)


def test_what_is_real_is_new_or_varies_or_moves() -> None:
    assert classify(_judged(0.9)) == (Kind.TRANSIENT,)
    assert classify(_judged(0.9, is_on_source=True)) == (Kind.VARIABLE,)
    assert classify(_judged(0.9), np.array([MaskPlane.TRAIL])) == (Kind.MOVING,)


@pytest.mark.parametrize(
    ("plane", "kind"),
    [
        (MaskPlane.TRAIL, Kind.TRAIL),
        (MaskPlane.SATURATED, Kind.SATURATION),
        (MaskPlane.BRIGHT, Kind.SATURATION),
        (MaskPlane.COSMIC_RAY, Kind.COSMIC_RAY),
        (MaskPlane.EDGE, Kind.EDGE),
        (MaskPlane.DIPOLE, Kind.DIPOLE),
    ],
)
def test_a_flag_names_the_cause_of_what_is_false(plane: MaskPlane, kind: Kind) -> None:
    assert classify(_judged(0.1), np.array([int(plane)])) == (kind,)


def test_without_a_flag_the_pixels_name_it() -> None:
    assert classify(_judged(0.1, shows=PixelClass.INSTRUMENTAL)) == (Kind.COSMIC_RAY,)
    assert classify(_judged(0.1, shows=PixelClass.RESIDUAL)) == (Kind.BAD_SUBTRACTION,)
    assert classify(_judged(0.1)) == (Kind.NOISE,)
