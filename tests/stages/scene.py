"""A survey of one field in memory: two nights of references, and a third in which a star is new."""

import io
from dataclasses import dataclass, field

import numpy as np
from astropy.io import fits
from astropy.time import Time

from astrid_core.observations.entities import Survey
from astrid_core.stages.services import Services
from tests.fakes.artifacts import MemoryArtifacts
from tests.fakes.models import MemoryModels
from tests.fakes.records import MemoryDatabase
from tests.fakes.surveys import MemorySurvey
from tests.synthetic.fields import Source, draw, observe, stars, wcs

SHAPE = (320, 340)
GAIN, READ_NOISE, SKY = 2.0, 5.0, 300.0
NEW = Source(x_pix=170.3, y_pix=150.7, flux=4000.0)
CENTRE = (149.77, 2.39)
"""Near the middle of a cell of order 6: one reference holds the field."""
REFERENCE_NIGHTS = ("2024-01-10", "2024-01-11")
NIGHT = "2024-01-20"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Services on memory, with what stands behind them."""

    services: Services
    database: MemoryDatabase
    artifacts: MemoryArtifacts
    survey: MemorySurvey
    models: MemoryModels = field(default_factory=MemoryModels)


def scene(**files: bytes) -> Scene:
    """Return a scene whose survey ``demo`` holds the three nights, and ``files`` besides."""
    contents = {f"{night}/a.fits": exposure(night, seed=number) for number, night in enumerate(REFERENCE_NIGHTS)}
    contents[f"{NIGHT}/a.fits"] = exposure(NIGHT, seed=10, extra=[NEW], fwhm=3.3)
    survey = MemorySurvey(Survey(name="demo"), {**contents, **files})
    database, artifacts, models = MemoryDatabase(), MemoryArtifacts(), MemoryModels()
    services = Services(artifacts=artifacts, models=models, surveys={"demo": survey}, transaction=database.transaction)
    return Scene(services=services, database=database, artifacts=artifacts, survey=survey, models=models)


def exposure(
    night: str,
    *,
    seed: int,
    extra: list[Source] | None = None,
    fwhm: float = 3.0,
    centre: tuple[float, float] = CENTRE,
) -> bytes:
    """Return the FITS file of one exposure, taken at 22 h UTC."""
    light = draw(SHAPE, stars(SHAPE, seed=77, density=1 / 1200) + (extra or []), fwhm)
    pixels = observe(light, sky=SKY, gain=GAIN, read_noise=READ_NOISE, seed=seed).pixels + SKY
    header = wcs(SHAPE, centre=centre).to_header()
    header["DATE-OBS"] = f"{night}T22:00:00"
    header["MJD-OBS"] = float(Time(f"{night}T22:00:00", scale="utc").mjd)
    header["EXPTIME"] = 60.0
    header["FILTER"] = "r"
    header["GAIN"] = GAIN
    header["RDNOISE"] = READ_NOISE
    header["SATURATE"] = 60000.0
    header["MAGZERO"] = 25.0
    buffer = io.BytesIO()
    fits.PrimaryHDU(pixels.astype(np.float32), header=header).writeto(buffer)
    return buffer.getvalue()
