"""New sources and new flaws in real triplets: what was put in is known, and what it lies on is as real as can be."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from astrid_core.detection.triplets import SIGMA_OF_FWHM, read_in_parts
from astrid_core.shared.robust import sigma_of

HALF_PIX = 15
"""Of the small triplets that are cut around what was put in."""
_APART_PIX = 12.0
"""Nearer to the middle than this it would be mixed with what the triplet was sent for."""
_SNR = (5.0, 60.0)
"""Of sources and hits after the matched filter, log-uniform."""
_SHIFT_PIX = (0.25, 0.8)
_HIT_FWHM_PIX = 0.6
"""Of what a cosmic ray leaves: sharper than any star."""
_BETA = 3.0
"""Of the Moffat profile (Moffat 1969): its wings are those of a seeing disc, which a Gaussian has not."""
_QUIET, _LIT, _STRONG = (float(np.arcsinh(one)) for one in (4.0, 1.0, 8.0))
"""On the planes of a stamp: no candidate, light in the reference, surely a source."""

Images = NDArray[np.float64]
"""(3, ny, nx): science, reference, difference."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Injected:
    """Small triplets with what was put in, in the middle; arrays of equal length."""

    triplets: NDArray[np.float32]
    """(n, 3, side, side)."""
    number: NDArray[np.intp]
    """Of the triplet that each was made from."""
    is_real: NDArray[np.bool_]
    """A source; else a flaw."""

    @classmethod
    def nothing(cls) -> "Injected":
        """Return no triplet at all."""
        return cls(
            triplets=np.zeros((0, 3, 2 * HALF_PIX + 1, 2 * HALF_PIX + 1), dtype=np.float32),
            number=np.zeros(0, dtype=np.intp),
            is_real=np.zeros(0, dtype=bool),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """One triplet as the network would see it."""

    planes: NDArray[np.float32]
    """(ny, nx, channels)."""
    fwhm_pix: float


def inject_triplets(triplets: NDArray[np.floating], *, seed: int) -> Injected:
    """Put a source, a cosmic ray and a shift of the science image into every triplet (n, 3, ny, nx) with room for them.

    Each makes a small triplet of its own. Sources are as wide as what stands out most in these triplets, half of them
    on light of the reference where there is any; photons of their own are not drawn, because nobody has told the gain.
    A shift shows where a star stands in both epochs.
    """
    seen = dict(_seen(triplets))
    widths = [one.fwhm_pix for one in seen.values() if _peak(one) > _STRONG]
    boxes: list[Images] = []
    numbers: list[int] = []
    is_real: list[bool] = []
    for number, found in seen.items() if widths else ():
        images, rng = np.asarray(triplets[number], dtype=np.float64), np.random.default_rng((seed, number))
        width = float(rng.choice(widths))
        makers: tuple[Callable[[], Images | None], ...] = (
            lambda: _light(images, found, rng, fwhm_pix=width),  # noqa: B023 - called at once
            lambda: _light(images, found, rng, fwhm_pix=_HIT_FWHM_PIX),  # noqa: B023
            lambda: _shifted(images, found, rng),  # noqa: B023
        )
        for maker, real in zip(makers, (True, False, False), strict=True):
            box = maker()
            if box is not None:
                boxes.append(box)
                numbers.append(number)
                is_real.append(real)
    side = 2 * HALF_PIX + 1
    return Injected(
        triplets=np.array(boxes, dtype=np.float32).reshape(-1, 3, side, side),
        number=np.array(numbers, dtype=np.intp),
        is_real=np.array(is_real, dtype=bool),
    )


def _seen(triplets: NDArray[np.floating]) -> Iterator[tuple[int, _Seen]]:
    for part in read_in_parts(triplets):
        for at, number in enumerate(part.index.tolist()):
            yield number, _Seen(planes=part.planes[at], fwhm_pix=float(part.fwhm_pix[at]))


def _peak(found: _Seen) -> float:
    ny, nx = found.planes.shape[:2]
    return float(found.planes[ny // 2 - 2 : ny // 2 + 3, nx // 2 - 2 : nx // 2 + 3, 0].max())


def _has_room(found: _Seen) -> NDArray[np.bool_]:
    """Tell where a small triplet fits in whose middle nothing stands out so far."""
    ny, nx = found.planes.shape[:2]
    y, x = np.mgrid[:ny, :nx]
    room = (found.planes[..., 4] == 0.0) & (np.abs(found.planes[..., 0]) < _QUIET)
    room &= np.hypot(y - ny // 2, x - nx // 2) > _APART_PIX
    return np.asarray(room & (np.minimum(np.minimum(y, ny - 1 - y), np.minimum(x, nx - 1 - x)) >= HALF_PIX))


def _light(images: Images, found: _Seen, rng: np.random.Generator, *, fwhm_pix: float) -> Images | None:
    """Return a small triplet in which light was added to science and difference."""
    room = _has_room(found)
    if not room.any():
        return None
    lit = room & (found.planes[..., 3] > _LIT)
    rows, columns = np.nonzero(lit if lit.any() and rng.uniform() < 0.5 else room)
    chosen = int(rng.integers(len(rows)))
    row, column = int(rows[chosen]), int(columns[chosen])
    y, x = np.mgrid[: room.shape[0], : room.shape[1]]
    away = np.hypot(y - row - rng.uniform(-0.5, 0.5), x - column - rng.uniform(-0.5, 0.5))
    scale = fwhm_pix / (2.0 * np.sqrt(2.0 ** (1.0 / _BETA) - 1.0))
    light = (1.0 + (away / scale) ** 2) ** -_BETA
    width = max(fwhm_pix, found.fwhm_pix) * SIGMA_OF_FWHM
    known = np.isfinite(images[2])
    smooth = ndimage.gaussian_filter(np.where(known, images[2], 0.0), width)[known]
    noise = sigma_of(smooth - np.median(smooth))
    snr = float(np.exp(rng.uniform(*np.log(_SNR))))
    light *= snr * noise / float(ndimage.gaussian_filter(light, width).max())
    return _box(images + light * np.array([1.0, 0.0, 1.0])[:, None, None], row, column)


def _shifted(images: Images, found: _Seen, rng: np.random.Generator) -> Images | None:
    """Return a small triplet around the worst that a shift of the science image leaves of a star; None without one."""
    room = _has_room(found)
    is_star = room & (found.planes[..., 2] > _STRONG) & (found.planes[..., 3] > _LIT)
    if not is_star.any() or not np.isfinite(images).all():
        return None
    angle, shift = rng.uniform(0.0, 2.0 * np.pi), rng.uniform(*_SHIFT_PIX)
    science = ndimage.shift(images[0], (shift * np.sin(angle), shift * np.cos(angle)), order=3, mode="nearest")
    spoilt = np.stack([science, images[1], images[2] + science - images[0]])
    left = dict(_seen(spoilt[None]))
    if not left:
        return None
    height = np.where(ndimage.binary_dilation(is_star, iterations=3) & room, np.abs(left[0].planes[..., 0]), 0.0)
    row, column = (int(at) for at in np.unravel_index(int(np.argmax(height)), height.shape))
    return _box(spoilt, row, column) if height[row, column] > np.arcsinh(_SNR[0]) else None


def _box(images: Images, row: int, column: int) -> Images:
    return images[:, row - HALF_PIX : row + HALF_PIX + 1, column - HALF_PIX : column + HALF_PIX + 1]
