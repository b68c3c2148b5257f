"""How patient we are with a service on the network, and how much we take from it."""

import math
from dataclasses import dataclass

from astrid_core.shared.errors import BadConfiguration


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpPolicy:
    """Limits of the client of one service. The defaults suit archives that are done within a minute when well."""

    connect_s: float = 10.0
    """Longest wait for a connection."""
    read_s: float = 60.0
    """Longest silence within an answer."""
    answer_s: float = 300.0
    """Longest time for one attempt at a whole answer, however steadily it drips."""
    file_s: float = 3600.0
    """The same for one attempt at a file; the next attempt goes on where it ended."""
    n_attempts: int = 5
    """Attempts at one request, the first one included."""
    first_pause_s: float = 1.0
    """Mean pause behind the first failed attempt; it doubles with every further one."""
    longest_pause_s: float = 60.0
    """No pause is longer. A service that asks for more (Retry-After) is left alone: the caller is told to come back."""
    n_concurrent: int = 4
    """Requests at once from this process."""
    n_failures_open: int = 10
    """Failed attempts in a row after which nothing is sent for a while."""
    open_s: float = 120.0
    """How long that is; behind it one request tries whether the service is back."""
    max_answer_bytes: int = 64 * 2**20
    """Longest answer that is held in memory, also after decompression."""
    max_file_bytes: int = 2**31
    """Longest file that is downloaded."""

    def __post_init__(self) -> None:
        for name in ("connect_s", "read_s", "answer_s", "file_s", "longest_pause_s"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0.0):
                raise BadConfiguration(f"{name} must be positive", got=value)
        for name in ("first_pause_s", "open_s"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0.0):
                raise BadConfiguration(f"{name} must not be negative", got=value)
        for name in ("n_attempts", "n_concurrent", "n_failures_open", "max_answer_bytes", "max_file_bytes"):
            if getattr(self, name) < 1:
                raise BadConfiguration(f"{name} must be at least 1", got=getattr(self, name))
