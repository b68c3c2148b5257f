"""Where an operator acts on what the page of a night tells."""

from dataclasses import dataclass
from urllib.parse import quote

from astrid_core.catalog.exposure_facts import UNFINISHED, ExposureFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """Addresses outside the page; empty where there is no such place, or nobody knows it."""

    stage: str = ""
    """Of the work that stopped: its log and its buttons; ``{stage}`` is filled in."""
    observation: str = ""
    """Of what is on record of an exposure; ``{observation}`` is filled in."""

    def __post_init__(self) -> None:
        # They become links that somebody clicks.
        if any(one and not one.startswith(("https://", "http://")) for one in (self.stage, self.observation)):
            raise ValueError("a link begins with https:// or http://")

    def of(self, exposure: ExposureFacts) -> str:
        """Return where to act on an exposure: on what stopped where it failed, else on the exposure itself."""
        if exposure.outcome == UNFINISHED and self.stage:
            return self.stage.replace("{stage}", quote(exposure.stage, safe=""))
        return self.observation.replace("{observation}", quote(exposure.observation_id))
