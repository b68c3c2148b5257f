"""What an ordinary exposure of a survey can see: the yardstick for how bright things are made."""

import math
from dataclasses import dataclass

import numpy as np

from astrid_core.simulate.config import CameraConfig, ConditionsConfig
from astrid_core.simulate.optics import Optics

_REFERENCE_VARIANCE = 0.25
"""Of an ordinary reference, in units of that of an exposure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Depth:
    """Noise of an ordinary exposure, in counts."""

    variance_adu2: float
    """Of the flux of a faint point source in one exposure."""
    gain_e_adu: float
    peak_fraction: float
    """Of the light of a star in its brightest pixel."""

    @property
    def five_sigma_adu(self) -> float:
        """Flux of a star of S/N 5."""
        return self._flux(5.0, self.variance_adu2)

    def flux_of_change(self, snr: float) -> float:
        """Return the flux of a source that is new since an ordinary reference and has this S/N in the difference."""
        return self._flux(snr, self.variance_adu2 * (1.0 + _REFERENCE_VARIANCE))

    def _flux(self, snr: float, variance: float) -> float:
        own = snr * snr / self.gain_e_adu
        return 0.5 * (own + math.sqrt(own * own + 4.0 * snr * snr * variance))


def ordinary_depth(camera: CameraConfig, conditions: ConditionsConfig) -> Depth:
    """Return the depth under the middle of all conditions."""
    sky = sum(conditions.sky_adu) / 2.0
    noise2 = sky / camera.gain_e_adu + (camera.read_noise_e / camera.gain_e_adu) ** 2
    optics = Optics(frame_shape=(2, 2), fwhm_pix=sum(conditions.seeing_pix) / 2.0, beta=conditions.moffat_beta)
    psf = optics.stamp(0.5, 0.5, 61).astype(float)
    return Depth(
        variance_adu2=noise2 / float(np.sum(psf * psf)), gain_e_adu=camera.gain_e_adu, peak_fraction=float(psf.max())
    )


def adu_of(mag_ab: float, zero_point_mag: float) -> float:
    """Return counts in the whole exposure."""
    return float(10.0 ** (0.4 * (zero_point_mag - mag_ab)))


def mag_of(flux_adu: float, zero_point_mag: float) -> float:
    """Return the AB magnitude of counts in the whole exposure."""
    return zero_point_mag - 2.5 * math.log10(flux_adu)
