"""Sources of one image: where they are and how bright."""

from dataclasses import dataclass

import numpy as np
import sep
from numpy.typing import NDArray

from astrid_core.shared.images import FloatImage

FloatArray = NDArray[np.float64]

sep.set_extract_pixstack(3_000_000)
sep.set_sub_object_limit(4096)


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceList:
    """Sources, brightest first; arrays of one length, positions 0-based pixels, fluxes counts."""

    x_pix: FloatArray
    y_pix: FloatArray
    flux: FloatArray
    """Sum over the pixels above threshold."""
    snr: FloatArray
    peak: FloatArray
    half_light_pix: FloatArray
    ellipticity: FloatArray
    clean: NDArray[np.bool_]
    """Neither blended nor cut off nor next to masked pixels."""

    def __len__(self) -> int:
        return len(self.x_pix)

    def take(self, selection: NDArray[np.bool_] | NDArray[np.intp] | slice) -> "SourceList":
        """Return the selected sources, in the order of the selection."""
        return SourceList(**{name: getattr(self, name)[selection] for name in self.__slots__})


def detect_sources(
    pixels: FloatImage, noise: FloatImage, bad: NDArray[np.bool_], *, threshold_sigma: float
) -> SourceList:
    """Return the sources of a background-subtracted image, ``threshold_sigma`` per pixel (Bertin & Arnouts 1996)."""
    data = np.ascontiguousarray(np.where(bad, 0.0, pixels), dtype=np.float32)
    err = np.ascontiguousarray(np.where(bad, 1.0, noise), dtype=np.float32)
    found = sep.extract(data, threshold_sigma, err=err, mask=bad, minarea=5, deblend_cont=0.005)
    if not len(found):
        empty = np.empty(0)
        return SourceList(
            x_pix=empty, y_pix=empty, flux=empty, snr=empty, peak=empty, half_light_pix=empty, ellipticity=empty,
            clean=np.empty(0, dtype=bool),
        )  # fmt: skip
    reach = np.clip(6.0 * found["a"], 6.0, 40.0)
    half_light, _ = sep.flux_radius(data, found["x"], found["y"], reach, 0.5, subpix=5)
    err_at = err[found["ypeak"], found["xpeak"]]
    area = np.maximum(found["npix"], 1)
    order = np.argsort(-found["flux"], kind="stable")
    return SourceList(
        x_pix=found["x"].astype(float),
        y_pix=found["y"].astype(float),
        flux=found["flux"].astype(float),
        snr=found["flux"] / (err_at * np.sqrt(area)),
        peak=found["peak"].astype(float),
        half_light_pix=np.asarray(half_light, dtype=float),
        ellipticity=1.0 - found["b"] / np.maximum(found["a"], 1e-6),
        clean=(found["flag"] & (sep.OBJ_MERGED | sep.OBJ_TRUNC)) == 0,
    ).take(order)


def ring_fraction(pixels: FloatImage, x_pix: FloatArray, y_pix: FloatArray) -> FloatArray:
    """Return for the source at each place the mean of the eight pixels around its brightest, as a fraction of that one.

    A single hot pixel has nothing there; no star has less than the PSF puts there.
    """
    padded = np.pad(np.nan_to_num(pixels), 2)
    row, column = np.rint(y_pix).astype(int) + 2, np.rint(x_pix).astype(int) + 2
    steps = np.array([(dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)])
    around = padded[row[:, None] + steps[:, 0], column[:, None] + steps[:, 1]]
    best = steps[np.argmax(around, axis=1)]
    row, column = row + best[:, 0], column + best[:, 1]
    row, column = np.clip(row, 1, padded.shape[0] - 2), np.clip(column, 1, padded.shape[1] - 2)
    box = padded[row[:, None] + steps[:, 0], column[:, None] + steps[:, 1]].astype(float)
    peak = np.maximum(box[:, 4], 1e-12)
    return np.asarray((box.sum(axis=1) - box[:, 4]) / 8.0 / peak)
