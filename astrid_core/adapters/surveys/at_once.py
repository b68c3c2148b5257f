"""Some things at once, told in their order."""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

_AHEAD = 4
"""Things that are begun, per thread, before the first of them is asked for."""


def in_order(
    work: Callable[[T], R], items: Iterable[T], *, n_at_once: int
) -> Generator[tuple[T, Future[R]], None, None]:
    """Yield every item with what became of it, in their order, while up to ``n_at_once`` are worked on.

    Whoever stops in between waits for those that are being worked on; the others are never begun.
    """
    begun: deque[tuple[T, Future[R]]] = deque()
    executor = ThreadPoolExecutor(max_workers=n_at_once, thread_name_prefix="at-once")
    try:
        for item in items:
            begun.append((item, executor.submit(work, item)))
            if len(begun) >= _AHEAD * n_at_once:
                yield begun.popleft()
        while begun:
            yield begun.popleft()
    finally:
        executor.shutdown(wait=True, cancel_futures=True)
