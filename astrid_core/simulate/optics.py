"""The point-spread function of one exposure: an elliptical Moffat profile that changes over the frame."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from astrid_core.simulate.config import ConditionsConfig

FloatArray = NDArray[np.float64]
FloatStamps = NDArray[np.float32]

_CORE_PIX = 5
"""Within this of the centre a pixel is integrated with 3 x 3 nodes, beyond it with 2 x 2."""
_LEAST_PIX = 0.02
_REACHES = (8, 10, 13, 17, 22, 30, 40, 55, 80, 120, 180)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """Profiles at n places: r^2 = |m d|^2 in units of the Moffat radius, arrays (n,)."""

    alpha_pix: FloatArray
    shear1: FloatArray
    shear2: FloatArray

    def take(self, chosen: NDArray[np.intp]) -> "Shape":
        """Return the chosen profiles."""
        return Shape(alpha_pix=self.alpha_pix[chosen], shear1=self.shear1[chosen], shear2=self.shear2[chosen])


@dataclass(frozen=True, slots=True, kw_only=True)
class Optics:
    """How the PSF of one exposure depends on the place in the frame, whose edges lie at -1 and 1."""

    frame_shape: tuple[int, int]
    fwhm_pix: float
    beta: float
    tilt: tuple[float, float] = (0.0, 0.0)
    """Relative change of the FWHM from the centre to the edge, along x and y."""
    bowl: float = 0.0
    """Relative change of the FWHM from the centre to the middle of an edge."""
    shear: tuple[float, float] = (0.0, 0.0)
    """Of images at the centre; along x and along the diagonal."""
    radial_shear: float = 0.0
    """Stretches images away from the centre, at the middle of an edge."""

    def at(self, x_pix: FloatArray, y_pix: FloatArray) -> Shape:
        """Return the profiles at these places."""
        ny, nx = self.frame_shape
        u, v = 2.0 * x_pix / (nx - 1) - 1.0, 2.0 * y_pix / (ny - 1) - 1.0
        fwhm = self.fwhm_pix * (1.0 + self.tilt[0] * u + self.tilt[1] * v + self.bowl * (u * u + v * v))
        return Shape(
            alpha_pix=fwhm / (2.0 * np.sqrt(2.0 ** (1.0 / self.beta) - 1.0)),
            shear1=self.shear[0] + self.radial_shear * (u * u - v * v),
            shear2=self.shear[1] + self.radial_shear * 2.0 * u * v,
        )

    def stamp(self, x_pix: float, y_pix: float, size: int) -> FloatStamps:
        """Return the PSF at a place, centred on the middle pixel of (size, size), integrated over pixels."""
        middle = np.zeros(1)
        shape = self.at(np.array([x_pix]), np.array([y_pix]))
        stamp: FloatStamps = integrate(shape, self.beta, middle, middle, size // 2)[0]
        return stamp


def draw_optics(
    rng: np.random.Generator, config: ConditionsConfig, frame_shape: tuple[int, int], *, fwhm_pix: float | None = None
) -> Optics:
    """Draw the PSF of an exposure, with the given FWHM at the centre if there is one."""
    low, high = config.seeing_pix
    # Good seeing is rarer than bad: the square root of a uniform number leans to the upper end.
    fwhm = low + (high - low) * float(np.sqrt(rng.uniform())) if fwhm_pix is None else fwhm_pix
    stretch, angle = rng.uniform(0.0, config.ellipticity) / 2.0, rng.uniform(0.0, np.pi)
    return Optics(
        frame_shape=frame_shape,
        fwhm_pix=fwhm,
        beta=config.moffat_beta,
        tilt=(
            float(rng.uniform(-0.5, 0.5) * config.psf_variation),
            float(rng.uniform(-0.5, 0.5) * config.psf_variation),
        ),
        bowl=float(rng.uniform(0.0, 0.5) * config.psf_variation),
        shear=(float(stretch * np.cos(2.0 * angle)), float(stretch * np.sin(2.0 * angle))),
        radial_shear=float(rng.uniform(-0.1, 0.3) * config.psf_variation),
    )


def reach_pix(flux: FloatArray, shape: Shape, beta: float) -> NDArray[np.intp]:
    """Return how far from their centres sources of these fluxes stay above a fiftieth of a count per pixel."""
    peak = flux * (beta - 1.0) / (np.pi * shape.alpha_pix**2)
    far = shape.alpha_pix * np.maximum(peak / _LEAST_PIX, 1.0) ** (0.5 / beta)
    steps = np.array(_REACHES)
    return steps[np.minimum(np.searchsorted(steps, far), len(steps) - 1)]


def integrate(shape: Shape, beta: float, dx: FloatArray, dy: FloatArray, reach: int) -> FloatStamps:
    """Return n stamps (n, 2 reach + 1, 2 reach + 1) of unit flux with centres (dx, dy) off the middle pixel.

    Gauss-Legendre quadrature over every pixel: a Moffat profile is smooth, so 3 x 3 nodes in the core and 2 x 2 in the
    wings leave errors below 1e-4 of the pixel.
    """
    stamps = _quadrature(shape, beta, dx, dy, reach, n_nodes=2)
    core = min(_CORE_PIX, reach)
    inner = np.s_[reach - core : reach + core + 1]
    stamps[:, inner, inner] = _quadrature(shape, beta, dx, dy, core, n_nodes=3)
    return stamps


def _quadrature(shape: Shape, beta: float, dx: FloatArray, dy: FloatArray, reach: int, *, n_nodes: int) -> FloatStamps:
    nodes, weights = np.polynomial.legendre.leggauss(n_nodes)
    grid = np.arange(-reach, reach + 1)
    g1, g2 = shape.shear1, shape.shear2
    unit = 1.0 / (shape.alpha_pix**2 * (1.0 - g1**2 - g2**2))
    # r^2 of the sheared profile, written as xx x^2 + xy x y + yy y^2
    xx = (unit * ((1.0 - g1) ** 2 + g2**2))[:, None]
    yy = (unit * ((1.0 + g1) ** 2 + g2**2))[:, None]
    xy = (unit * -4.0 * g2)[:, None]
    power = np.float32(-beta)
    total = np.zeros((len(dx), len(grid), len(grid)), dtype=np.float32)
    part = np.empty_like(total)
    for node_y, weight_y in zip(nodes / 2.0, weights / 2.0, strict=True):
        y = grid[None, :] + node_y - dy[:, None]
        column = (1.0 + yy * y * y).astype(np.float32)[:, :, None]
        mixed = (xy * y).astype(np.float32)[:, :, None]
        for node_x, weight_x in zip(nodes / 2.0, weights / 2.0, strict=True):
            x = grid[None, :] + node_x - dx[:, None]
            np.multiply(mixed, x.astype(np.float32)[:, None, :], out=part)
            part += column
            part += (xx * x * x).astype(np.float32)[:, None, :]
            np.power(part, power, out=part)
            part *= np.float32(weight_x * weight_y)
            total += part
    total *= ((beta - 1.0) / (np.pi * shape.alpha_pix**2)).astype(np.float32)[:, None, None]
    return total
