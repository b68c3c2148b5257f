"""How many requests one person may send: a bucket of tokens each, filled again by the second."""

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: float


@dataclass(slots=True, kw_only=True)
class RateLimit:
    """Lets ``burst`` requests through at once and ``per_s`` a second afterwards; counts in this process only."""

    per_s: float
    burst: int
    clock: Callable[[], float] = time.monotonic
    max_names: int = 10_000
    """Names that are remembered; whoever was not seen for longest is forgotten first."""
    _buckets: OrderedDict[str, _Bucket] = field(default_factory=OrderedDict)

    def wait_s(self, name: str) -> int:
        """Take a token of ``name``; return 0, or after how many whole seconds there will be one."""
        now = self.clock()
        bucket = self._buckets.setdefault(name, _Bucket(tokens=float(self.burst), at=now))
        self._buckets.move_to_end(name)
        if len(self._buckets) > self.max_names:
            self._buckets.popitem(last=False)
        bucket.tokens = min(float(self.burst), bucket.tokens + (now - bucket.at) * self.per_s)
        bucket.at = now
        if bucket.tokens >= 1.0:
            bucket.tokens -= 1.0
            return 0
        return max(1, math.ceil((1.0 - bucket.tokens) / self.per_s))
