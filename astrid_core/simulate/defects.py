"""What spoils pixels: cosmic rays, satellite trails, and the faults of the detector itself."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from astrid_core.simulate.config import CameraConfig, ConditionsConfig
from astrid_core.simulate.optics import FloatArray

_STEP_PIX = 0.2
_DIFFUSION_PIX = 0.3
"""Standard deviation by which charge wanders before it is collected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A place that something other than the sky has spoilt, 0-based pixels."""

    kind: str
    number: int
    """Of the thing that did it, from 1; a trail has many marks of one number."""
    x_pix: float
    y_pix: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Hits:
    """Cosmic rays of one exposure: electrons that fall into pixels, which may be named more than once."""

    rows: NDArray[np.intp]
    columns: NDArray[np.intp]
    electrons: FloatArray
    marks: tuple[Mark, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trail:
    """A satellite that crossed the frame: a line with a Gaussian profile."""

    x_pix: float
    y_pix: float
    """A point of the line."""
    angle_rad: float
    fwhm_pix: float
    peak_adu: float

    def light(self, shape: tuple[int, int]) -> FloatArray:
        """Return its counts on a frame."""
        y, x = np.ogrid[: shape[0], : shape[1]]
        away = (x - self.x_pix) * np.sin(self.angle_rad) - (y - self.y_pix) * np.cos(self.angle_rad)
        return np.asarray(self.peak_adu * np.exp(-0.5 * (2.3548 * away / self.fwhm_pix) ** 2))

    def marks(self, shape: tuple[int, int], *, number: int, every_pix: float = 4.0) -> tuple[Mark, ...]:
        """Return points of the line inside the frame."""
        ny, nx = shape
        along = np.arange(-nx - ny, nx + ny, every_pix)
        x, y = self.x_pix + along * np.cos(self.angle_rad), self.y_pix + along * np.sin(self.angle_rad)
        inside = (x >= 0) & (x <= nx - 1) & (y >= 0) & (y <= ny - 1)
        return tuple(
            Mark(kind="trail", number=number, x_pix=float(at_x), y_pix=float(at_y))
            for at_x, at_y in zip(x[inside], y[inside], strict=True)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class BadColumn:
    """A column that is dim or bright from one row to the top of the frame."""

    x_pix: int
    from_row: int
    response: float
    """1 where it collects all light."""
    offset_adu: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectorFaults:
    """What is wrong with the detector in every exposure."""

    columns: tuple[BadColumn, ...]
    hot_x: NDArray[np.intp]
    hot_y: NDArray[np.intp]
    hot_electrons: FloatArray
    """Mean of the dark current in one exposure."""


def draw_faults(rng: np.random.Generator, camera: CameraConfig, shape: tuple[int, int]) -> DetectorFaults:
    """Draw the faults of a detector."""
    ny, nx = shape
    mpix = ny * nx / 1e6
    columns = tuple(
        BadColumn(
            x_pix=int(rng.integers(nx)),
            from_row=int(rng.uniform(0.0, 0.4) * ny) if rng.uniform() < 0.5 else 0,
            response=float(rng.uniform(0.0, 0.6)) if is_dim else 1.0,
            offset_adu=0.0 if is_dim else float(np.exp(rng.uniform(np.log(60.0), np.log(3000.0)))),
        )
        for is_dim in rng.uniform(size=rng.poisson(camera.bad_columns_per_mpix * mpix)) < 0.5
    )
    n_hot = int(rng.poisson(camera.hot_pixels_per_mpix * mpix))
    return DetectorFaults(
        columns=columns,
        hot_x=rng.integers(0, nx, n_hot),
        hot_y=rng.integers(0, ny, n_hot),
        hot_electrons=np.exp(rng.uniform(np.log(100.0), np.log(3e4), n_hot)),
    )


def draw_trails(
    rng: np.random.Generator, conditions: ConditionsConfig, shape: tuple[int, int], *, fwhm_pix: float
) -> tuple[Trail, ...]:
    """Draw the satellites that cross one exposure; they are nearer than the stars and a little out of focus."""
    ny, nx = shape
    return tuple(
        Trail(
            x_pix=float(rng.uniform(0, nx - 1)),
            y_pix=float(rng.uniform(0, ny - 1)),
            angle_rad=float(rng.uniform(0.0, np.pi)),
            fwhm_pix=fwhm_pix * float(rng.uniform(1.0, 1.6)),
            peak_adu=float(np.exp(rng.uniform(np.log(40.0), np.log(2000.0)))),
        )
        for _ in range(rng.poisson(conditions.trails_per_exposure))
    )


def draw_hits(rng: np.random.Generator, per_mpix: float, shape: tuple[int, int]) -> Hits:
    """Draw cosmic rays: spots of a few pixels, straight muon tracks, and the worms of slow electrons."""
    ny, nx = shape
    marks, x_pix, y_pix, deposits = [], [np.zeros(0)], [np.zeros(0)], [np.zeros(0)]
    for number in range(1, rng.poisson(per_mpix * ny * nx / 1e6) + 1):
        x, y, deposit = _track(rng)
        x, y = x + rng.uniform(0, nx - 1), y + rng.uniform(0, ny - 1)
        mark = Mark(kind="cosmic_ray", number=number, x_pix=float(np.median(x)), y_pix=float(np.median(y)))
        if 0 <= mark.x_pix <= nx - 1 and 0 <= mark.y_pix <= ny - 1:
            marks.append(mark)
        x_pix.append(x + rng.normal(0.0, _DIFFUSION_PIX, len(x)))
        y_pix.append(y + rng.normal(0.0, _DIFFUSION_PIX, len(y)))
        deposits.append(deposit)
    columns, rows = np.rint(np.concatenate(x_pix)).astype(int), np.rint(np.concatenate(y_pix)).astype(int)
    inside = (columns >= 0) & (columns < nx) & (rows >= 0) & (rows < ny)
    return Hits(
        rows=rows[inside],
        columns=columns[inside],
        electrons=np.concatenate(deposits)[inside],
        marks=tuple(marks),
    )


def _track(rng: np.random.Generator) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return points along one track that starts at (0, 0), and the electrons freed at each."""
    kind, angle = rng.uniform(), rng.uniform(0.0, 2.0 * np.pi)
    if kind < 0.45:
        length, wander, per_pix = rng.uniform(0.2, 1.5), 0.0, np.exp(rng.uniform(np.log(500.0), np.log(15000.0)))
    elif kind < 0.8:
        length, wander, per_pix = 2.0 + rng.exponential(9.0), 0.0, np.exp(rng.uniform(np.log(400.0), np.log(3000.0)))
    else:
        length, wander, per_pix = 4.0 + rng.exponential(12.0), 0.25, np.exp(rng.uniform(np.log(400.0), np.log(4000.0)))
    n = max(4, round(length / _STEP_PIX))
    heading = angle + np.cumsum(rng.normal(0.0, wander, n)) if wander else np.full(n, angle)
    deposit = per_pix * length / n * rng.gamma(4.0, 0.25, n)
    return np.cumsum(_STEP_PIX * np.cos(heading)), np.cumsum(_STEP_PIX * np.sin(heading)), deposit
