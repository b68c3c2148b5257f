"""A survey of raw frames in memory: bias, darks and flats of one detector with known faults, and one exposure."""

import numpy as np
from astropy.time import Time

from astrid_core.observations.entities import Survey
from astrid_core.preprocessing.calibrate_config import CalibrateConfig
from astrid_core.simulate.raw import INSTRUMENT, RawDetector, draw_detector, even_light, expose_raw, raw_to_fits
from astrid_core.stages.preprocess import Preparation
from astrid_core.stages.services import Services
from tests.fakes.artifacts import MemoryArtifacts
from tests.fakes.models import MemoryModels
from tests.fakes.records import MemoryDatabase
from tests.fakes.surveys import MemorySurvey
from tests.synthetic.fields import draw, stars, wcs

SHAPE = (320, 300)
DETECTOR = draw_detector(5, SHAPE)
SKY = 2000.0
SCIENCE = "raw:2024-01-10/science.fits"
CALIBRATE = CalibrateConfig(linearity=((INSTRUMENT, *DETECTOR.coefficients),))
PREPARATION = Preparation(calibrate=CALIBRATE)


def light() -> np.ndarray:
    """What a perfect detector would show of the exposure, counts."""
    return draw(SHAPE, stars(SHAPE, seed=3, density=1 / 1600, faintest=5000.0, brightest=1e5), 3.0) + SKY


def cards(kind: str, night: str, number: int = 0, band: str = "r") -> dict[str, object]:
    begin = Time(f"{night}T22:00:00", scale="utc").mjd + number / 1440.0
    return {"IMAGETYP": kind, "MJD-OBS": float(begin), "FILTER": band}


def calibration_files(night: str, detector: RawDetector = DETECTOR, *, seed: int = 0) -> dict[str, bytes]:
    """Return five bias frames, three darks and five flats of one night."""
    files: dict[str, bytes] = {}
    for number in range(5):
        bias = expose_raw(detector, 0.0, exposure_s=0.0, seed=seed + number)
        files[f"{night}/bias{number}.fits"] = raw_to_fits(bias, cards("Bias Frame", night, number))
        glow = even_light(SHAPE, seed + number, level_adu=20000.0, n_stars=4)
        flat = expose_raw(detector, glow, exposure_s=5.0, seed=seed + 20 + number)
        files[f"{night}/flat{number}.fits"] = raw_to_fits(flat, cards("Sky Flat", night, 20 + number))
    for number in range(3):
        dark = expose_raw(detector, 0.0, exposure_s=300.0, seed=seed + 10 + number)
        files[f"{night}/dark{number}.fits"] = raw_to_fits(dark, cards("dark", night, 10 + number))
    return files


def science_file(night: str = "2024-01-10", **more: str) -> bytes:
    frame = expose_raw(DETECTOR, light(), exposure_s=120.0, seed=99)
    header = {**wcs(SHAPE).to_header(), **cards("object", night, 60), "MAGZERO": 25.0, **more}
    return raw_to_fits(frame, header)


def services(files: dict[str, bytes], *, calibrated: bool | None = None) -> Services:
    return Services(
        artifacts=MemoryArtifacts(),
        models=MemoryModels(),
        surveys={"raw": MemorySurvey(Survey(name="raw", calibrated=calibrated), files)},
        transaction=MemoryDatabase().transaction,
    )
