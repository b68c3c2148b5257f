"""Cut work into batches: a task costs about 0.3 CPU seconds, and 4 more where the network is loaded.

An exposure of 512 x 512 pixels costs about 2 (benchmarks/overhead.md).
"""

import math
from collections.abc import Iterator, Sequence

from include.messages import Batch

MAX_BATCHES = 100
"""Airflow refuses more than 1024 mapped tasks, and a grid of more than this nobody can read."""
_MAX_ITEMS = 25
"""More batches than parallel slots where a batch would hold more: a batch is what is retried."""


def batches(items: Sequence[str], *, n_slots: int, name: str, least: int = 1) -> list[Batch]:
    """Return the items in order, in as many even batches as can run at once, more where these would be large.

    ``least`` is how many items make a batch worth its start: there are fewer batches where they would hold less.
    """
    most = max(1, len(items) // least)
    n_batches = min(MAX_BATCHES, len(items), most, max(n_slots, math.ceil(len(items) / max(_MAX_ITEMS, least))))
    return [
        Batch(label=f"{name} {first + 1}-{first + len(some)}", items=some)
        for first, some in _parts(list(items), n_batches)
    ]


def _parts(items: list[str], n_parts: int) -> Iterator[tuple[int, list[str]]]:
    for number in range(n_parts):
        first, behind = len(items) * number // n_parts, len(items) * (number + 1) // n_parts
        yield first, items[first:behind]
