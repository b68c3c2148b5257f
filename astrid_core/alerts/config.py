"""Who is told of objects, and how much at once."""

from dataclasses import dataclass, field

from astrid_core.alerts.entities import Channel
from astrid_core.shared.errors import BadConfiguration


@dataclass(frozen=True, slots=True, kw_only=True)
class TnsConfig:
    """What the Transient Name Server knows us by; needed where a channel has its format."""

    reporting_group: str = ""
    """Number of the group that reports."""
    data_source: str = ""
    """Number of the group whose data these are."""
    instrument: str = ""
    """Number of the instrument."""
    reporter: str = ""
    """Names of those who report, as they are to be printed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertsConfig:
    """Settings of what is said of objects to the outside; without a channel, nothing."""

    channels: tuple[Channel, ...] = field(default=(), metadata={"each": Channel})
    """One ``[[alerts.channels]]`` each: ``name``, ``format`` and what the channel wants to hear of."""
    tns: TnsConfig = field(default_factory=TnsConfig)
    max_per_run: int = 200
    """More alerts to a channel from one run wait for a person; retractions never do."""
    max_per_day: int = 1000
    """The same for what was raised for a channel within 24 hours."""
    jump: float = 5.0
    """So many times what is usual for the channel is a flood, too."""
    min_flood: int = 20
    """So many alerts are no flood, whatever is usual."""
    history: int = 30
    """What is usual is the median of the newest so many runs."""
    min_history: int = 5
    """With fewer runs nothing is usual yet."""
    batch: int = 50
    """So many alerts are sent before it is recorded that they arrived: a sender that dies repeats no more."""
    lease_s: float = 300.0
    """How long alerts are kept for the sender that took them."""
    first_pause_s: float = 30.0
    """Pause after the first failed attempt; it doubles with each."""
    longest_pause_s: float = 3600.0
    """Pauses do not grow beyond this."""
    max_failures: int = 3
    """After so many failures in a row nothing more is sent to a channel in this run."""

    def __post_init__(self) -> None:
        names = [one.name for one in self.channels]
        if len(set(names)) != len(names):
            raise BadConfiguration("two channels have one name", got=sorted(names))
        for name in ("max_per_run", "max_per_day", "min_history", "batch", "max_failures"):
            if getattr(self, name) < 1:
                raise BadConfiguration(f"{name} must be positive", got=getattr(self, name))
        if self.jump <= 1.0:
            raise BadConfiguration("jump must exceed 1", got=self.jump)
        if self.history < self.min_history:
            raise BadConfiguration(
                "history must not be less than min_history", history=self.history, min_history=self.min_history
            )
        if not 0.0 < self.first_pause_s <= self.longest_pause_s:
            raise BadConfiguration("first_pause_s must lie in (0, longest_pause_s]", got=self.first_pause_s)
        if not self.lease_s > 0.0:
            raise BadConfiguration("lease_s must be positive", got=self.lease_s)
