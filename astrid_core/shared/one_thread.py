"""Sums in one order, so that pixels are the same bytes on every machine."""

import importlib
from collections.abc import Iterator
from contextlib import contextmanager

from threadpoolctl import threadpool_limits


@contextmanager
def one_thread() -> Iterator[None]:
    """Let linear algebra use one thread of this process.

    Several add up in another order, which changes the last digits of a fit, and with them every pixel of a difference.
    Batches are what runs side by side.
    """
    # SciPy brings a BLAS of its own: only what is loaded can be limited.
    importlib.import_module("scipy.linalg")
    with threadpool_limits(limits=1, user_api="blas"):
        yield
