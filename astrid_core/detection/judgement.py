"""What a network says of candidates, and the classes that follow from it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from astrid_core.detection.entities import Kind
from astrid_core.detection.pixel_classes import PixelClass
from astrid_core.shared.images import MaskPlane

LIKELY = 0.5
"""From this probability on a candidate is taken for real."""
_MIN_SHARE = 0.3
"""Part of the pixels around a candidate that must show a flaw before it is named as the cause."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What a network says of stamps; arrays of equal length."""

    score: NDArray[np.float32]
    """Probability of being new in the sky."""
    anomaly: NDArray[np.float32]
    """How unlike the candidates of the training: about 1 for those, more for stranger ones."""
    pixels: NDArray[np.float32]
    """(n, classes): mean probability of the learnt classes of PixelClass around the candidate."""
    has_old_source: NDArray[np.bool_]
    """A point of light lies at the place in the older epoch."""

    @property
    def uncertainty(self) -> NDArray[np.float32]:
        """Entropy of the probability, 0 (certain) to 1 bit (either)."""
        return entropy(self.score)


def entropy(probability: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return the binary entropy, bits."""
    p = np.clip(np.asarray(probability, dtype=float), 1e-12, 1.0 - 1e-12)
    return np.asarray(-(p * np.log2(p) + (1.0 - p) * np.log2(1.0 - p)), dtype=np.float32)


def classify(judged: Judged, flags: NDArray[np.integer] | None = None) -> tuple[Kind, ...]:
    """Return the class of every stamp; ``flags`` are the MaskPlane bits of the candidates, where they are known."""
    bits = np.zeros(len(judged.score), dtype=np.int64) if flags is None else np.asarray(flags, dtype=np.int64)
    return tuple(
        _real(int(bit), is_on_source=bool(on_source)) if score >= LIKELY else _false(int(bit), shares)
        for score, bit, shares, on_source in zip(judged.score, bits, judged.pixels, judged.has_old_source, strict=True)
    )


def _real(flags: int, *, is_on_source: bool) -> Kind:
    # A candidate that is itself a short streak carries the plane of trails.
    if flags & MaskPlane.TRAIL:
        return Kind.MOVING
    return Kind.VARIABLE if is_on_source else Kind.TRANSIENT


def _false(flags: int, shares: NDArray[np.float32]) -> Kind:
    for planes, kind in (
        (MaskPlane.TRAIL, Kind.TRAIL),
        (MaskPlane.SATURATED | MaskPlane.BRIGHT, Kind.SATURATION),
        (MaskPlane.COSMIC_RAY | MaskPlane.BAD, Kind.COSMIC_RAY),
        (MaskPlane.EDGE | MaskPlane.NO_DATA, Kind.EDGE),
        (MaskPlane.DIPOLE, Kind.DIPOLE),
    ):
        if flags & planes:
            return kind
    instrumental, residual = float(shares[PixelClass.INSTRUMENTAL]), float(shares[PixelClass.RESIDUAL])
    if max(instrumental, residual) < _MIN_SHARE:
        return Kind.NOISE
    return Kind.COSMIC_RAY if instrumental > residual else Kind.BAD_SUBTRACTION
