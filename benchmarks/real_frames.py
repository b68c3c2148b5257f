"""Real exposures made by others, read and prepared as ingest and preparation do it."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
from astropy.io import fits

from astrid_core.observations.entities import WcsOrigin
from astrid_core.observations.frames import read_frame
from astrid_core.observations.headers import read_facts
from astrid_core.preprocessing.config import PreprocessConfig
from astrid_core.preprocessing.prepare import Detector, PreparedImage, prepare
from astrid_core.shared.errors import UnusableFile
from astrid_core.shared.images import FloatImage

REAL_DATA = Path(os.environ.get("ASTRID_REAL_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
"""Where the sets of real data lie; each has its PROVENANCE.md."""


def prepared_file(path: Path, *, noise: Path | None = None) -> tuple[PreparedImage, bool]:
    """Return the prepared first image of a file, and whether its WCS may be trusted.

    ``noise`` is a file with the standard deviation of each pixel.
    """
    content = path.read_bytes()
    facts = next(iter(read_facts(content, name=path.name)), None)
    if facts is None:
        raise UnusableFile("file holds no image", file=path.name)
    frame = read_frame(content, extension=facts.extension, name=path.name)
    if noise is not None:
        frame = replace(frame, variance=np.square(_noise_map(noise)))
    image = prepare(
        frame.pixels,
        mask=frame.mask,
        variance=frame.variance,
        wcs=frame.wcs,
        detector=Detector(
            gain_e_count=facts.gain_e_adu,
            read_noise_e=facts.read_noise_e,
            saturation=facts.saturation_adu,
            zero_point_mag=facts.zero_point_mag,
        ),
        config=PreprocessConfig(),
    )
    return image, frame.wcs_origin is WcsOrigin.HEADER


def _noise_map(path: Path) -> FloatImage:
    """Read a plane that is no exposure: ingest would refuse it."""
    with fits.open(path, memmap=False) as hdus:
        return np.asarray(hdus[0].data, dtype=np.float32)
