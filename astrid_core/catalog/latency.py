"""How long things took."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """Durations of one kind; None without any."""

    n: int
    p50_s: float | None
    p95_s: float | None

    @classmethod
    def of(cls, seconds: Iterable[float]) -> "Latency":
        """Return median and 95th percentile, linear between neighbours."""
        values = sorted(seconds)
        if not values:
            return cls(n=0, p50_s=None, p95_s=None)
        p50, p95 = np.percentile(values, [50.0, 95.0])
        return cls(n=len(values), p50_s=float(p50), p95_s=float(p95))


def describe_duration(seconds: float | None) -> str:
    """Return a duration in the unit that suits it."""
    if seconds is None:
        return "–"
    size = abs(seconds)
    for limit, unit, unit_s in ((120.0, "s", 1.0), (7200.0, "min", 60.0), (172800.0, "h", 3600.0)):
        if size < limit:
            return f"{seconds / unit_s:.1f} {unit}"
    return f"{seconds / 86400.0:.1f} d"
