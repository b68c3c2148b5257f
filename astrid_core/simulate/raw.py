"""Raw frames of a detector whose every fault is known: bias, dark current, response, non-linearity, overscan."""

import io
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray
from scipy import ndimage

from astrid_core.shared.images import FloatImage
from astrid_core.simulate.defects import Hits
from astrid_core.simulate.optics import FloatArray
from astrid_core.simulate.seeds import generator

INSTRUMENT = "simulated raw CCD"


@dataclass(frozen=True, slots=True, kw_only=True)
class RawDetector:
    """A detector, arrays (ny, nx)."""

    pedestal_adu: float
    bias: FloatArray
    """Fixed pattern on top of the pedestal, counts."""
    dark_e_s: FloatArray
    response: FloatArray
    """Relative to the median pixel; 0 for a dead pixel."""
    bad: NDArray[np.bool_]
    """Dead and hot pixels."""
    gain_e_adu: float = 1.5
    read_noise_e: float = 6.0
    saturation_adu: float = 60000.0
    nonlinearity: float = 1.0e-6
    """Of x counts the amplifier shows x (1 - nonlinearity x)."""
    overscan_pix: int = 32
    drift_adu: float = 4.0
    """By how much the pedestal changes along the frame, and from frame to frame."""

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns that see light."""
        return (int(self.response.shape[0]), int(self.response.shape[1]))

    @property
    def coefficients(self) -> tuple[float, float, float, float]:
        """Power series that undoes the non-linearity: c1 x + c2 x^2 + ..."""
        a = self.nonlinearity
        return (1.0, a, 2.0 * a**2, 5.0 * a**3)


@dataclass(frozen=True, slots=True, kw_only=True)
class RawFrame:
    """Whole counts as read, overscan columns on the right, (ny, nx + overscan)."""

    counts: FloatImage
    exposure_s: float
    detector: RawDetector


def draw_detector(seed: int, shape: tuple[int, int], *, bad_fraction: float = 1e-3) -> RawDetector:
    """Draw a detector: stripes and glow in the bias, a warm corner, vignetting, dust and pixels unlike each other."""
    rng = generator(seed, "raw detector")
    ny, nx = shape
    y, x = np.mgrid[0:ny, 0:nx].astype(float)
    u, v = 2.0 * x / nx - 1.0, 2.0 * y / ny - 1.0
    bias = rng.normal(0.0, 1.5, nx)[None, :] + 6.0 * np.exp(-x / 40.0) + rng.normal(0.0, 0.8, shape)
    dark = 0.02 * (1.0 + 4.0 * np.exp(-((u - 1.0) ** 2 + (v - 1.0) ** 2) / 0.3)) * rng.gamma(20.0, 1.0 / 20.0, shape)
    response = (1.0 - 0.18 * (u**2 + v**2)) * (1.0 + rng.normal(0.0, 0.01, shape))
    for _ in range(6):
        at, radius = rng.uniform((0.0, 0.0), (ny, nx)), rng.uniform(6.0, 20.0)
        ring = np.hypot(y - at[0], x - at[1])
        response *= 1.0 - 0.08 * np.exp(-0.5 * ((ring - radius) / (0.25 * radius)) ** 2)
    bad = rng.uniform(size=shape) < bad_fraction
    is_hot = bad & (rng.uniform(size=shape) < 0.6)
    dark[is_hot] = np.exp(rng.uniform(np.log(20.0), np.log(500.0), int(is_hot.sum())))
    response[bad & ~is_hot] *= rng.uniform(0.0, 0.3, int((bad & ~is_hot).sum()))
    return RawDetector(pedestal_adu=1000.0, bias=bias, dark_e_s=dark, response=response / np.median(response), bad=bad)


def expose_raw(
    detector: RawDetector,
    light_adu: FloatArray | float,
    *,
    exposure_s: float,
    seed: int,
    hits: Hits | None = None,
) -> RawFrame:
    """Take one frame of ``light_adu``, the counts that a perfect detector would show; equal seeds give equal counts."""
    rng = generator(seed, "raw frame")
    expected = np.broadcast_to(light_adu, detector.shape) * detector.response * detector.gain_e_adu
    electrons = rng.poisson(np.maximum(expected + detector.dark_e_s * exposure_s, 0.0)).astype(float)
    if hits is not None:
        np.add.at(electrons, (hits.rows, hits.columns), hits.electrons)
    ny, nx = detector.shape
    counts = np.zeros((ny, nx + detector.overscan_pix))
    counts[:, :nx] = electrons / detector.gain_e_adu + detector.bias
    counts -= detector.nonlinearity * counts**2
    counts += rng.normal(0.0, detector.read_noise_e / detector.gain_e_adu, counts.shape)
    row = np.linspace(0.0, 1.0, ny)[:, None]
    counts += detector.pedestal_adu + detector.drift_adu * (rng.normal() + row**2)
    return RawFrame(
        counts=np.clip(np.rint(counts), 0.0, detector.saturation_adu).astype(np.float32),
        exposure_s=exposure_s,
        detector=detector,
    )


def raw_to_fits(frame: RawFrame, cards: Mapping[str, object]) -> bytes:
    """Return the frame as an observatory would write it: sections in the header; ``cards`` say what it shows."""
    ny, nx = frame.detector.shape
    width = nx + frame.detector.overscan_pix
    hdu = fits.PrimaryHDU(frame.counts.astype(np.uint16))
    for name, value in {
        "INSTRUME": INSTRUMENT,
        "EXPTIME": frame.exposure_s,
        "GAIN": frame.detector.gain_e_adu,
        "RDNOISE": frame.detector.read_noise_e,
        "SATURATE": frame.detector.saturation_adu,
        "DATASEC": f"[1:{nx},1:{ny}]",
        "BIASSEC": f"[{nx + 1}:{width},1:{ny}]",
        **cards,
    }.items():
        hdu.header[name] = value
    hdu.header.comments["GAIN"] = "[e-/ADU]"
    buffer = io.BytesIO()
    hdu.writeto(buffer)
    return buffer.getvalue()


def even_light(shape: tuple[int, int], seed: int, *, level_adu: float, n_stars: int = 0) -> FloatArray:
    """Return light for flats: even, with a few stars as twilight flats have them, counts."""
    light = np.full(shape, level_adu)
    if n_stars:
        rng = generator(seed, "stars of a flat")
        points = np.zeros(shape)
        rows, columns = rng.integers(0, shape[0], n_stars), rng.integers(0, shape[1], n_stars)
        np.add.at(points, (rows, columns), level_adu * 10.0 ** rng.uniform(0.0, 1.5, n_stars))
        light = light + ndimage.gaussian_filter(points, 1.4)
    return light
