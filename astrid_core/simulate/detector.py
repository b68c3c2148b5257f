"""From light to counts: photons, charge, read-out."""

import numpy as np

from astrid_core.shared.images import FloatImage
from astrid_core.simulate.config import CameraConfig
from astrid_core.simulate.defects import DetectorFaults, Hits
from astrid_core.simulate.optics import FloatArray

_FULL_WELL = 1.02
"""In units of the level at which counts are clipped: full pixels read that level whatever the amplifier adds."""


def read_out(
    light_adu: FloatArray,
    hits: Hits,
    camera: CameraConfig,
    faults: DetectorFaults,
    rng: np.random.Generator,
) -> FloatImage:
    """Return whole counts from what falls on the detector (ny, nx), sky included, in counts.

    Photons come at random; charge beyond the full well runs along the columns; the amplifier adds noise and clips.
    """
    expected = light_adu * camera.gain_e_adu
    np.add.at(expected, (faults.hot_y, faults.hot_x), faults.hot_electrons)
    for column in faults.columns:
        expected[column.from_row :, column.x_pix] *= column.response
    electrons = rng.poisson(expected).astype(float)
    np.add.at(electrons, (hits.rows, hits.columns), hits.electrons)
    _bleed(electrons, _FULL_WELL * camera.saturation_adu * camera.gain_e_adu)
    electrons += rng.normal(0.0, camera.read_noise_e, electrons.shape)
    counts = electrons / camera.gain_e_adu
    for column in faults.columns:
        counts[column.from_row :, column.x_pix] += column.offset_adu
    return np.clip(np.rint(counts), 0.0, camera.saturation_adu).astype(np.float32)


def _bleed(electrons: FloatArray, full_well: float) -> None:
    """Let charge beyond ``full_well`` fill the next pixels of its column, half of it upwards and half downwards."""
    for column in np.flatnonzero((electrons > full_well).any(axis=0)):
        line = electrons[:, column]
        excess = np.maximum(line - full_well, 0.0)
        np.minimum(line, full_well, out=line)
        for part in (line, line[::-1]):
            _pour(part, excess[:: 1 if part is line else -1] / 2.0, full_well)


def _pour(line: FloatArray, excess: FloatArray, full_well: float) -> None:
    """Carry ``excess`` along ``line`` until there is room for it; what reaches the end is lost."""
    carried = 0.0
    start = int(np.flatnonzero(excess)[0])
    last = int(np.flatnonzero(excess)[-1])
    for row in range(start, len(line)):
        carried += float(excess[row])
        room = min(carried, max(0.0, full_well - float(line[row])))
        line[row] += room
        carried -= room
        if carried <= 0.0 and row >= last:
            return
