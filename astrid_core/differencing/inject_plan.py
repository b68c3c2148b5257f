"""Where sources are injected, and how bright, so that their predicted S/N is known."""

from dataclasses import dataclass

import numpy as np
import sep
from numpy.typing import NDArray
from scipy import signal

from astrid_core.differencing.inject import PointSources
from astrid_core.differencing.inject_config import InjectConfig
from astrid_core.differencing.pair import PairDifference
from astrid_core.preprocessing.sources import FloatArray, detect_sources
from astrid_core.shared.images import FloatImage, PsfModel, SkyImage

_HOST_SIGMA = 5.0
_HOST_WIDTH = 1.3
"""Galaxies have half of their light within a radius larger than a star's by this factor."""
_HOST_REACH = 1.5
"""Host-like places lie within so many half-light radii."""
_TRIES = 60
"""Places that are drawn for each source before the frame counts as full."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Injection:
    """A source of known flux in one exposure."""

    number: int
    """From 1."""
    x_pix: float
    """0-based, on the science frame."""
    y_pix: float
    flux: float
    """Science counts; negative for a source in the reference only, which has faded."""
    predicted_snr: float
    """Flux over the noise of a PSF flux at its place, its own photons included; signed as the flux."""
    on_host: bool
    """Whether it was put into the light of a galaxy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gains:
    """Electrons per science count of what is injected into either image; None where nobody knows."""

    science: float | None
    reference: float | None
    takes_faded: bool
    """Whether sources can be put into the reference at all."""


def plan_injections(pair: PairDifference, config: InjectConfig, gains: Gains, *, seed: int) -> tuple[Injection, ...]:
    """Return injections into a pair, from its difference without any; equal arguments give equal plans.

    Places are uniform over the unmasked pixels, a fraction of them within the light of extended sources of the
    reference. None lies near what stands out already, or near another. Fluxes are log-uniform in predicted S/N: flux
    over ``Difference.flux_err`` at the place, with the photons of the source itself. Fewer are returned than
    ``n_sources`` where the frame is full.
    """
    rng = np.random.default_rng(seed)
    difference = pair.difference
    usable = (difference.mask == 0) & np.isfinite(difference.flux_err) & (difference.flux_err > 0.0)
    places = _Places(pair, usable, config, rng)
    costs = {+1: _photon_cost(pair, gains.science, +1), -1: _photon_cost(pair, gains.reference, -1)}
    found: list[Injection] = []
    for number in range(1, config.n_sources + 1):
        wants_host, is_faded = rng.random(2) < (config.host_fraction, config.faded_fraction)
        snr = float(np.exp(rng.uniform(*np.log(config.snr))))
        place = places.draw(on_host=bool(wants_host))
        if place is None:
            break
        x, y, on_host = place
        sign = -1 if is_faded and gains.takes_faded else 1
        flux = _flux_of(snr, float(difference.flux_err[round(y), round(x)]), costs[sign])
        found.append(
            Injection(
                number=number, x_pix=x, y_pix=y, flux=sign * flux, predicted_snr=sign * snr, on_host=on_host,
            )
        )  # fmt: skip
    return tuple(found)


def appeared(injections: tuple[Injection, ...]) -> PointSources:
    """Return what is put into the science image."""
    chosen = [one for one in injections if one.flux > 0.0]
    return PointSources(
        x_pix=np.array([one.x_pix for one in chosen], dtype=float),
        y_pix=np.array([one.y_pix for one in chosen], dtype=float),
        flux=np.array([one.flux for one in chosen], dtype=float),
    )


def faded(injections: tuple[Injection, ...], pair: PairDifference, reference: SkyImage) -> PointSources:
    """Return what is put into ``reference`` (on its own grid and flux scale): the same places on the sky.

    Raises ValueError where one of the frames does not know the sky.
    """
    chosen = [one for one in injections if one.flux < 0.0]
    if not chosen:
        return PointSources(x_pix=np.empty(0), y_pix=np.empty(0), flux=np.empty(0))
    if pair.science.wcs is None or reference.wcs is None:
        raise ValueError("sources fade only where both frames have sky coordinates")
    sky = pair.science.wcs.pixel_to_world([one.x_pix for one in chosen], [one.y_pix for one in chosen])
    x, y = reference.wcs.world_to_pixel(sky)
    flux = np.array([-one.flux for one in chosen]) / pair.flux_ratio
    return PointSources(x_pix=np.asarray(x, dtype=float), y_pix=np.asarray(y, dtype=float), flux=flux)


class _Places:
    """Draws places, each of which closes its surroundings to the next."""

    def __init__(
        self, pair: PairDifference, usable: NDArray[np.bool_], config: InjectConfig, rng: np.random.Generator
    ) -> None:
        self._rng = rng
        self._open = usable.copy()
        self._reach = config.separation_fwhm * max(pair.science_fwhm_pix, pair.reference_fwhm_pix)
        for peak in pair.peaks:
            self._close(peak.x_pix, peak.y_pix)
        self._pixels = np.argwhere(self._open)
        self._hosts = _extended(pair.reference)

    def draw(self, *, on_host: bool) -> tuple[float, float, bool] | None:
        """Return x, y and whether it lies in a host; None where no room is left."""
        on_host = on_host and len(self._hosts) > 0
        for _ in range(_TRIES):
            x, y = self._in_host() if on_host else self._anywhere()
            row, column = round(y), round(x)
            if 0 <= row < self._open.shape[0] and 0 <= column < self._open.shape[1] and self._open[row, column]:
                self._close(x, y)
                return x, y, on_host
        # Galaxies are fewer than empty sky: where they are taken, the sky still is not.
        return self.draw(on_host=False) if on_host else None

    def _anywhere(self) -> tuple[float, float]:
        if not len(self._pixels):
            return -1.0, -1.0
        row, column = self._pixels[self._rng.integers(len(self._pixels))]
        dx, dy = self._rng.uniform(-0.5, 0.5, 2)
        return float(column + dx), float(row + dy)

    def _in_host(self) -> tuple[float, float]:
        x, y, radius = self._hosts[self._rng.integers(len(self._hosts))]
        away = radius * _HOST_REACH * np.sqrt(self._rng.random())
        angle = self._rng.uniform(0.0, 2.0 * np.pi)
        return float(x + away * np.cos(angle)), float(y + away * np.sin(angle))

    def _close(self, x: float, y: float) -> None:
        top, left = max(0, int(y - self._reach)), max(0, int(x - self._reach))
        box = self._open[top : int(y + self._reach) + 2, left : int(x + self._reach) + 2]
        rows, columns = np.indices(box.shape)
        box &= np.hypot(columns + left - x, rows + top - y) > self._reach


def _extended(image: SkyImage) -> FloatArray:
    """Return x, y and half-light radius (n, 3) of the sources of an image that are wider than its stars."""
    bad = ~image.usable
    if image.psf is None or bad.all():
        return np.empty((0, 3))
    sky = float(np.sqrt(np.median(image.variance[~bad])))
    found = detect_sources(image.pixels, np.full(image.shape, sky, dtype=np.float32), bad, threshold_sigma=_HOST_SIGMA)
    wide = found.clean & (found.half_light_pix > _HOST_WIDTH * _half_light_pix(image.psf))
    chosen = found.take(wide)
    return np.stack([chosen.x_pix, chosen.y_pix, chosen.half_light_pix], axis=1)


def _half_light_pix(psf: PsfModel) -> float:
    middle = [psf.size // 2]
    radius, _ = sep.flux_radius(psf.middle, middle, middle, middle, 0.5, subpix=5)
    return float(radius[0])


def _photon_cost(pair: PairDifference, gain: float | None, sign: int) -> float:
    """Return the variance (counts^2) that each count of a source's own light adds to its PSF flux; 0 without gain.

    With K the weights of the image's pixels in the PSF flux at the middle (Zackay et al. 2016, eqs. 28-31: k over F_S),
    photons of P counts per count and a gain g, it is sum(K^2 P) / g.
    """
    image, pixel = (
        (pair.science, pair.difference.science_pixel) if sign > 0 else (pair.reference, pair.difference.reference_pixel)
    )
    if gain is None or image.psf is None:
        return 0.0
    ny, nx = image.shape
    psf = _as_large(image.psf.at((nx - 1) / 2, (ny - 1) / 2), pixel.shape[0])
    weights = signal.correlate(pair.difference.psf.astype(float), pixel.astype(float), mode="same")
    weights /= (weights * psf).sum()
    return float((weights**2 * np.maximum(psf, 0.0)).sum()) / gain


def _as_large(stamp: FloatImage, size: int) -> FloatArray:
    """Return a centred stamp on ``size`` (odd) pixels a side."""
    frame = np.zeros((size, size))
    half, middle = min(stamp.shape[0], size) // 2, size // 2
    own = stamp.shape[0] // 2
    frame[middle - half : middle + half + 1, middle - half : middle + half + 1] = stamp[
        own - half : own + half + 1, own - half : own + half + 1
    ]
    return frame


def _flux_of(snr: float, noise: float, photon_cost: float) -> float:
    """Return the flux F with F = snr sqrt(noise^2 + photon_cost F)."""
    half = 0.5 * snr**2 * photon_cost
    return float(half + np.sqrt(half**2 + (snr * noise) ** 2))
