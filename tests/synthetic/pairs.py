"""Seeded pairs of exposures of one sky: stars, galaxies and transients of known flux, with and without their noise."""

from dataclasses import dataclass, field

import numpy as np
from astropy.wcs import WCS
from scipy import fft

from astrid_core.preprocessing.config import PreprocessConfig
from astrid_core.preprocessing.prepare import Detector, prepare
from astrid_core.shared.images import FloatImage, PsfModel, SkyImage
from tests.synthetic.fields import FloatArray, Source, draw, moffat, observe, stars, wcs

GAIN = 2.0
READ_NOISE = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Galaxy:
    """An exponential disc seen face on."""

    x_pix: float
    y_pix: float
    flux: float
    scale_pix: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Sky:
    """What both exposures see."""

    shape: tuple[int, int]
    stars: list[Source] = field(default_factory=list)
    galaxies: list[Galaxy] = field(default_factory=list)

    def light(
        self, fwhm: float, extra: list[Source] | None = None, *, shift: tuple[float, float] = (0, 0)
    ) -> FloatArray:
        """Return the sky through a PSF of ``fwhm``, counts, everything moved by ``shift`` (x, y)."""
        points = [_moved(one, shift) for one in self.stars + (extra or [])]
        image = draw(self.shape, points, fwhm, reach=40)
        if not self.galaxies:
            return image
        discs = np.zeros(self.shape)
        y, x = np.indices(self.shape)
        for one in self.galaxies:
            radius = np.hypot(x - one.x_pix - shift[0], y - one.y_pix - shift[1])
            discs += one.flux / (2 * np.pi * one.scale_pix**2) * np.exp(-radius / one.scale_pix)
        return image + _convolved(discs, fwhm)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """How one exposure sees the sky."""

    fwhm: float = 3.0
    sky: float = 300.0
    depth: float = 1.0
    """Counts per count of the sky's fluxes."""
    shift: tuple[float, float] = (0.0, 0.0)


def make_sky(shape: tuple[int, int], *, seed: int, n_galaxies: int = 0, density: float = 1 / 2000) -> Sky:
    """Scatter unsaturated stars and galaxies with scale lengths of 1.5 to 5 pixels."""
    rng = np.random.default_rng(seed + 1000)
    galaxies = [
        Galaxy(
            x_pix=float(rng.uniform(0, shape[1] - 1)),
            y_pix=float(rng.uniform(0, shape[0] - 1)),
            flux=float(10 ** rng.uniform(3.3, 4.7)),
            scale_pix=float(rng.uniform(1.5, 5.0)),
        )
        for _ in range(n_galaxies)
    ]
    return Sky(shape=shape, stars=stars(shape, seed=seed, density=density) if density else [], galaxies=galaxies)


def expose(sky: Sky, exposure: Exposure, *, seed: int, extra: list[Source] | None = None) -> tuple[SkyImage, WCS]:
    """Return an exposure with its true variance, the sky level removed, and its true WCS."""
    light = exposure.depth * sky.light(exposure.fwhm, extra, shift=exposure.shift)
    frame = wcs(sky.shape, shift=exposure.shift)
    return observe(light, sky=exposure.sky, gain=GAIN, read_noise=READ_NOISE, seed=seed, frame=frame), frame


def prepared(
    sky: Sky, exposure: Exposure, *, seed: int, extra: list[Source] | None = None, raw: FloatImage | None = None
) -> SkyImage:
    """Return the exposure as preparation makes it from raw counts: nothing is known but the detector."""
    image, frame = expose(sky, exposure, seed=seed, extra=extra)
    pixels = (image.pixels + np.float32(exposure.sky)).astype(np.float32) if raw is None else raw
    detector = Detector(gain_e_count=GAIN, read_noise_e=READ_NOISE)
    return prepare(pixels, wcs=frame, detector=detector, config=PreprocessConfig()).image


def true_psf(shape: tuple[int, int], fwhm: float, *, size: int = 41) -> PsfModel:
    """Return the PSF that sources are drawn with."""
    half = size // 2
    y, x = np.mgrid[-half : half + 1, -half : half + 1].astype(float)
    steps = (np.arange(3) - 1.0) / 3.0
    stamp = np.sum([moffat(x + dx, y + dy, fwhm) for dx in steps for dy in steps], axis=0)
    return PsfModel(coefficients=(stamp / stamp.sum())[None], degree=0, frame_shape=shape)


def _moved(one: Source, shift: tuple[float, float]) -> Source:
    return Source(x_pix=one.x_pix + shift[0], y_pix=one.y_pix + shift[1], flux=one.flux)


def _convolved(image: FloatArray, fwhm: float) -> FloatArray:
    stamp = true_psf((1, 1), fwhm, size=61).coefficients[0]
    shape = (image.shape[0] + 64, image.shape[1] + 64)
    kernel = np.zeros(shape)
    kernel[:61, :61] = stamp
    kernel = np.roll(kernel, (-30, -30), (0, 1))
    padded = np.pad(image, ((0, 64), (0, 64)))
    return np.asarray(fft.irfft2(fft.rfft2(padded) * fft.rfft2(kernel), s=shape)[: image.shape[0], : image.shape[1]])
