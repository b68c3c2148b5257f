"""Trails of satellites and aircraft across one exposure, found before anything is subtracted."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from astrid_core.preprocessing.mask import BoolImage
from astrid_core.preprocessing.radon import Line, strongest_line
from astrid_core.preprocessing.spikes import is_spike, stars_along
from astrid_core.shared.images import FloatImage

_SIDE = 256
"""The frame is binned until its shorter side has less than twice so many pixels: trails are wide, and long."""
_CLIP_SIGMA = 3.0
"""No pixel counts for more: a trail lies in all of its pixels, a star in few."""
_THRESHOLD = 12.0
"""Significance of a line, in units of the noise of lines."""
_MOST = 6
_MIN_LENGTH = 0.25
"""Of the shorter side: shorter lines are galaxies and spikes of stars."""
_SEGMENTS = 24
_MIN_PRESENT = 0.7
"""Part of the segments of the line in which its light is seen: a row of stars has gaps, a spike ends."""
_MIN_SEEN = 8
_EVEN = 1.8
"""Light of the brightest fifth of the segments over the median one, its noise taken off: spikes and galaxies fade away
from their middle."""
_PROFILE_PIX = 25
_CLEAR_PIX = 8
_LEAST_SEEN = 0.25
_SWEPT_PIX = 12.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Along:
    """A line in full pixels: a point (row, column), its direction, and how far it runs in the frame."""

    point: tuple[float, float]
    direction: tuple[float, float]
    length: float

    def at(self, along: NDArray[np.float64], across: float) -> NDArray[np.float64]:
        """Return rows and columns (2, n) at lengths ``along`` the line and a distance ``across`` it."""
        dy, dx = self.direction
        return np.array([self.point[0] + along * dy + across * dx, self.point[1] + along * dx - across * dy])


def mask_trails(flat: FloatImage, rms: FloatImage, bad: BoolImage) -> BoolImage:
    """Return the pixels of straight trails across a background-subtracted frame; ``rms`` is the noise of its sky.

    The fast Radon transform finds the line of the highest significance, counts clipped so that no star counts for more
    than its pixels. It is a trail where its light is there along most of a quarter of the frame's side or more, and
    about as bright everywhere. Then the next line is looked for, without it.
    """
    found = np.zeros(flat.shape, dtype=bool)
    factor = max(1, min(flat.shape) // _SIDE)
    sigma = np.where(bad, np.float32(0.0), np.clip(flat / np.maximum(rms, 1e-12), -_CLIP_SIGMA, _CLIP_SIGMA))
    values, weights = _binned(sigma, factor), _binned((~bad).astype(np.float32), factor)
    for _ in range(_MOST):
        values = values - np.float32(_middle(values, weights)) * weights
        # Stars are noise, too: in a crowded field lines differ by far more than the sky makes them.
        known = weights > 0
        noise = float(np.std(values[known] / np.sqrt(weights[known]))) if known.any() else 1.0
        values = values / np.float32(max(noise, 1.0))
        line = strongest_line(values, weights, min_weight=_MIN_LENGTH * min(flat.shape) * factor)
        if line is None or line.snr < _THRESHOLD:
            break
        along = _in_pixels(line, factor, flat.shape)
        trail = None if along is None else _trail(flat, rms, bad, along)
        if along is not None and trail is not None:
            found |= trail
        # Whether trail or not, it must not be found again.
        swept = (
            _binned(_band(flat.shape, along, max(3.0 * factor, _SWEPT_PIX)).astype(np.float32), factor) > 0
            if along
            else values > 0
        )
        if trail is not None:
            swept |= _binned(trail.astype(np.float32), factor) > 0
        values, weights = np.where(swept, 0.0, values), np.where(swept, 0.0, weights)
        values, weights = values.astype(np.float32), weights.astype(np.float32)
    return found


def _binned(plane: FloatImage, factor: int) -> FloatImage:
    """Return sums over squares of ``factor`` pixels; what is left over at the end of rows and columns is cut off."""
    ny, nx = (side // factor * factor for side in plane.shape)
    cut = plane[:ny, :nx].reshape(ny // factor, factor, nx // factor, factor)
    return np.asarray(cut.sum(axis=(1, 3)), dtype=np.float32)


def _middle(values: FloatImage, weights: FloatImage) -> float:
    """Return the mean of a pixel in units of sigma: faint sources raise it everywhere."""
    known = weights > 0
    return float(np.median(values[known] / weights[known])) if known.any() else 0.0


def _in_pixels(line: Line, factor: int, shape: tuple[int, int]) -> _Along | None:
    """Return the part of a binned line that lies in the frame; None for one that only touches a corner."""
    (y0, x0), (y1, x1) = (tuple((place + 0.5) * factor - 0.5 for place in end) for end in (line.start, line.end))
    whole = float(np.hypot(y1 - y0, x1 - x0))
    if whole == 0.0:
        return None
    direction = ((y1 - y0) / whole, (x1 - x0) / whole)
    low, high = 0.0, whole
    for start, step, side in ((y0, direction[0], shape[0]), (x0, direction[1], shape[1])):
        if abs(step) < 1e-9:
            continue
        ends = sorted(((0.0 - start) / step, (side - 1.0 - start) / step))
        low, high = max(low, ends[0]), min(high, ends[1])
    if high - low < _MIN_LENGTH * min(shape):
        return None
    return _Along(point=(y0 + low * direction[0], x0 + low * direction[1]), direction=direction, length=high - low)


def _trail(flat: FloatImage, rms: FloatImage, bad: BoolImage, line: _Along) -> BoolImage | None:
    """Return the pixels of a trail along ``line``; None where what lies there is none."""
    line = _straightened(flat, rms, bad, line)
    steps = np.arange(0.0, line.length, 1.0)
    across = np.arange(-_PROFILE_PIX, _PROFILE_PIX + 1)
    strip = np.stack([_sample(flat / rms, bad, line.at(steps, float(one))) for one in across])
    beside = strip[np.abs(across) > _PROFILE_PIX // 2]
    if not np.isfinite(beside).any():
        return None
    strip = strip - np.nanmedian(beside)
    core, outside = np.abs(across) <= 2, np.abs(across) > _CLEAR_PIX
    pieces = np.array_split(np.arange(len(steps)), _SEGMENTS)
    light, error = np.full(_SEGMENTS, np.nan), np.ones(_SEGMENTS)
    for number, piece in enumerate(pieces):
        if np.isfinite(strip[core][:, piece]).mean() < _LEAST_SEEN:
            continue
        # Medians along the piece: a star covers few of its steps. Lines beside it tell what stars and noise leave.
        lines = np.convolve(_medians(strip[:, piece]), np.full(5, 0.2), mode="same")
        light[number] = lines[len(lines) // 2] - np.median(lines[outside])
        error[number] = max(float(np.std(lines[outside][2:-2])), 1.2533 / np.sqrt(5.0 * len(piece)))
    known = np.isfinite(light)
    present = known & (light > 2.0 * error)
    if present.sum() < _MIN_SEEN:
        return None
    first, last = int(np.argmax(present)), _SEGMENTS - 1 - int(np.argmax(present[::-1]))
    inside = known[first : last + 1]
    if present[first : last + 1].sum() < _MIN_PRESENT * inside.sum():
        return None
    if (last + 1 - first) / _SEGMENTS * line.length < _MIN_LENGTH * min(flat.shape):
        return None
    shown = np.sort(light[present])[::-1]
    is_uneven = shown[: max(1, len(shown) // 5)].mean() - 2.0 * np.median(error[present]) > _EVEN * np.median(shown)
    middle = np.array([piece.mean() for piece in pieces])
    if is_uneven or is_spike(light, error, middle, stars_along(strip, across)):
        return None
    profile = _medians(strip)
    half_width = _half_width(profile, 1.2533 / np.sqrt(line.length))
    margin = line.length / _SEGMENTS
    lowest = 0.0 if first <= 1 else first * margin - margin
    highest = line.length if last >= _SEGMENTS - 2 else (last + 2) * margin
    return _band(flat.shape, line, half_width, lowest=lowest, highest=highest)


def _straightened(flat: FloatImage, rms: FloatImage, bad: BoolImage, line: _Along) -> _Along:
    """Return the line moved and turned onto the middle of the light beside it: bins are coarse."""
    steps = np.arange(0.0, line.length, 1.0)
    across = np.arange(-8, 9)
    strip = np.stack([_sample(flat / rms, bad, line.at(steps, float(one))) for one in across])
    shifts = []
    for half in (slice(0, len(steps) // 2), slice(len(steps) // 2, None)):
        profile = _medians(strip[:, half])
        smooth = ndimage.gaussian_filter1d(profile - np.median(profile), 1.5)
        shifts.append(float(across[int(np.argmax(smooth))]))
    quarter = line.length / 4.0
    ends = [line.at(np.array([quarter]), shifts[0])[:, 0], line.at(np.array([3.0 * quarter]), shifts[1])[:, 0]]
    step = (ends[1] - ends[0]) / np.hypot(*(ends[1] - ends[0]))
    start = ends[0] - quarter * step
    return _Along(
        point=(float(start[0]), float(start[1])), direction=(float(step[0]), float(step[1])), length=line.length
    )


def _sample(plane: FloatImage, bad: BoolImage, places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the nearest pixels, NaN off the frame and where they are bad."""
    row, column = np.rint(places).astype(int)
    inside = (row >= 0) & (row < plane.shape[0]) & (column >= 0) & (column < plane.shape[1])
    row, column = np.where(inside, row, 0), np.where(inside, column, 0)
    return np.where(inside & ~bad[row, column], plane[row, column].astype(np.float64), np.nan)


def _medians(strip: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the median of every row, 0 where nothing of it is known."""
    known: BoolImage = np.asarray(np.isfinite(strip).any(axis=1))
    return np.asarray(np.nanmedian(np.where(known[:, None], strip, 0.0), axis=1))


def _half_width(profile: NDArray[np.float64], error: float) -> float:
    """Return how far from its middle a trail is seen: its profile stays above 3 errors, or a tenth of a sigma."""
    middle = len(profile) // 2
    limit = max(3.0 * error, 0.1)
    reach = 0
    for step in range(1, middle + 1):
        if max(profile[middle - step], profile[middle + step]) < limit:
            break
        reach = step
    return reach + 1.5


def _band(
    shape: tuple[int, int], line: _Along, half_width: float, *, lowest: float = 0.0, highest: float = np.inf
) -> BoolImage:
    y, x = np.ogrid[: shape[0], : shape[1]]
    dy, dx = line.direction
    away_y, away_x = y - line.point[0], x - line.point[1]
    along, across = away_y * dy + away_x * dx, away_y * dx - away_x * dy
    return np.asarray((np.abs(across) <= half_width) & (along >= lowest - half_width) & (along <= highest + half_width))
