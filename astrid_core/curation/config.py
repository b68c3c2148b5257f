"""What curation may choose."""

from dataclasses import dataclass

from astrid_core.shared.errors import BadConfiguration

REVIEW_CHANNEL = "review"
"""The queue of the curators."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CurateConfig:
    """Settings of the queue of detections that people should see."""

    min_score: float = 0.5
    """Detections with this score or a better one wait for a verdict; those without a score do not."""
    channel: str = REVIEW_CHANNEL
    """The queue that detections are announced in."""

    def __post_init__(self) -> None:
        if not 0.0 <= self.min_score <= 1.0:
            raise BadConfiguration("min_score must lie in [0, 1]", got=self.min_score)
        if not self.channel.strip():
            raise BadConfiguration("channel must have a name", got=repr(self.channel))
