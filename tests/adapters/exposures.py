"""Small files as surveys hold them, and what a look at a survey finds."""

from astropy.io import fits

from astrid_core.observations.entities import Observation, Rejection, UndeliveredFile
from astrid_core.observations.ports import SurveyClient
from tests.synthetic.broken import as_bytes, exposure


def frame(number: int, **cards: object) -> bytes:
    return as_bytes(exposure(mid_mjd=60800.0 + number, OBJECT=f"field {number}", **cards))  # type: ignore[arg-type]


def mosaic(*sound: bool) -> bytes:
    headers = [exposure().header if good else exposure(CTYPE1=None).header for good in sound]
    chips = [fits.ImageHDU(exposure().data, header, name=f"CCD{number}") for number, header in enumerate(headers)]
    return as_bytes(fits.PrimaryHDU(), *chips)


def look(survey: SurveyClient) -> dict[str, Observation | Rejection | UndeliveredFile]:
    found = list(survey.discover())
    assert len({one.archive_id for one in found}) == len(found)
    return {one.archive_id: one for one in found}


def reason(found: Observation | Rejection | UndeliveredFile) -> str:
    assert isinstance(found, Rejection)
    return found.reason
