"""How significant a change must be in the proper difference of an exposure and a reference, if nothing goes wrong."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from astrid_core.shared.sky import SkyPosition
from astrid_core.simulate.optics import FloatArray, FloatStamps

STAMP_PIX = 41
_FRAME_PIX = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """How an exposure saw one object; noise in counts of that exposure, without the noise of its read-out faults."""

    x_pix: float
    y_pix: float
    position: SkyPosition
    flux_adu: float
    """0 while it does not shine."""
    zero_point_mag: float
    psf: FloatStamps
    """(STAMP_PIX, STAMP_PIX), at its place."""
    sky_variance: float
    variance: FloatArray
    """True variance of the pixels around it, as large as ``psf``: sky, neighbours, host and its own light."""
    weight_noise: float
    """Noise of the sky in the middle of the frame."""
    fwhm_pix: float
    """In the middle of the frame."""


def predict_snr(science: Sight, references: Sequence[Sight]) -> float:
    """Return the signed S_corr that a change has at its place on average, against at least one reference exposure.

    This is F_S dF / sqrt(V(S)) with the true PSFs and the true variance of every pixel (Zackay, Ofek & Gal-Yam 2016,
    eqs. 26-31 and 42), the reference being the coadd with weights 1 / (sigma FWHM)^2.
    """
    # On the flux scale of the science exposure, as differencing compares them.
    scale = np.array([10.0 ** (0.4 * (science.zero_point_mag - one.zero_point_mag)) for one in references])
    weight = np.array(
        [1.0 / (one.weight_noise * by * one.fwhm_pix) ** 2 for one, by in zip(references, scale, strict=True)]
    )
    weight /= weight.sum()
    reference_psf = np.sum([w * one.psf for w, one in zip(weight, references, strict=True)], axis=0)
    spread = (weight * scale) ** 2
    reference_sky = float(spread @ np.array([one.sky_variance for one in references]))
    reference_variance = np.tensordot(spread, np.array([one.variance for one in references]), axes=1)
    change = science.flux_adu - float(weight @ (scale * np.array([one.flux_adu for one in references])))

    pn, pr = _transform(science.psf), _transform(reference_psf)
    pn2, pr2 = np.abs(pn) ** 2, np.abs(pr) ** 2
    power = science.sky_variance * pr2 + reference_sky * pn2
    power = np.maximum(power, 1e-10 * power.max())
    flux_scale = float(np.sum(pn2 * pr2 / power)) / _FRAME_PIX**2
    noise2 = _noise(np.conj(pn) * pr2 / power, science.variance) + _noise(np.conj(pr) * pn2 / power, reference_variance)
    return change * flux_scale / float(np.sqrt(noise2))


def _transform(stamp: FloatStamps | FloatArray) -> np.ndarray[tuple[int, ...], np.dtype[np.complex128]]:
    frame = np.zeros((_FRAME_PIX, _FRAME_PIX))
    frame[:STAMP_PIX, :STAMP_PIX] = stamp
    return np.fft.fft2(np.roll(frame, (-(STAMP_PIX // 2), -(STAMP_PIX // 2)), (0, 1)))


def _noise(kernel_spectrum: np.ndarray[tuple[int, ...], np.dtype[np.complex128]], variance: FloatArray) -> float:
    """Return the variance that pixels of these variances give to the score at the middle of the stamp."""
    kernel = np.fft.ifft2(kernel_spectrum).real
    # The score correlates: the pixel at +d counts with the kernel at -d.
    centred = np.roll(kernel[::-1, ::-1], (1 + STAMP_PIX // 2, 1 + STAMP_PIX // 2), (0, 1))[:STAMP_PIX, :STAMP_PIX]
    return float(np.sum(centred**2 * variance))
