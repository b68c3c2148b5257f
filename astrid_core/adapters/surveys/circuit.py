"""A fuse per service: after many failures in a row it is left alone for a while."""

import threading
from collections.abc import Callable

from astrid_core.shared.errors import ServicePaused


class Circuit:
    """Counts failures in a row; safe for threads.

    Closed, everything passes. Open, nothing does. Half open - when the pause is over - one request may try: its success
    closes the circuit, its failure opens it again.
    """

    def __init__(self, service: str, *, n_failures: int, open_s: float, clock: Callable[[], float]) -> None:
        self._service = service
        self._n_failures = n_failures
        self._open_s = open_s
        self._clock = clock
        self._lock = threading.Lock()
        self._n_in_a_row = 0
        self._opened_at: float | None = None
        self._trying = False

    def require_closed(self) -> None:
        """Let one request pass; raise ServicePaused, with the seconds to wait, if the service is left alone."""
        with self._lock:
            if self._opened_at is None:
                return
            wait_s = self._opened_at + self._open_s - self._clock()
            if wait_s > 0.0 or self._trying:
                raise ServicePaused(
                    "archive failed too often in a row and is left alone for a while",
                    service=self._service,
                    n_failures=self._n_in_a_row,
                    try_again_in_s=max(wait_s, 0.0),
                )
            self._trying = True

    def succeeded(self) -> None:
        """Note that the service answered, be it to refuse."""
        with self._lock:
            self._n_in_a_row = 0
            self._opened_at = None
            self._trying = False

    def failed(self) -> None:
        """Note that the service did not answer, or answered with a fault of its own."""
        with self._lock:
            self._n_in_a_row += 1
            if self._trying or self._n_in_a_row >= self._n_failures:
                self._opened_at = self._clock()
            self._trying = False

    def abandoned(self) -> None:
        """Note that a request ended without telling anything about the service."""
        with self._lock:
            self._trying = False
