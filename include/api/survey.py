"""A survey of the sky beside the finder chart: Aladin Lite from where the settings say, in a frame of no origin."""

import base64
import hashlib
import re
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import BaseModel

from astrid_core.settings import Settings

FRAME = "survey.html"
_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)


class SurveyShape(BaseModel):
    """What the page hands to the frame."""

    library: str
    survey: str


def survey_of(settings: Settings) -> SurveyShape | None:
    """Return what is shown and by what; None where nothing is to be loaded from elsewhere."""
    if not (settings.aladin_url and settings.aladin_survey):
        return None
    return SurveyShape(library=settings.aladin_url, survey=settings.aladin_survey)


def frame_policy(shape: SurveyShape, frame: Path) -> str:
    """Return what the frame may load: its own script, the library and the survey, and nothing of ours.

    Without an origin (``sandbox``) neither cookies nor the page around are within its reach.
    """
    (script,) = _SCRIPT.findall(frame.read_text())
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    library, survey = _origin(shape.library), _origin(shape.survey)
    return (
        f"sandbox allow-scripts; default-src 'none'; script-src 'sha256-{digest}' {library} 'wasm-unsafe-eval'; "
        f"style-src 'unsafe-inline'; img-src data: blob: {library} {survey}; connect-src data: {library} {survey}; "
        "worker-src blob:; font-src data:; frame-ancestors 'self'; base-uri 'none'; form-action 'none'"
    )


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
