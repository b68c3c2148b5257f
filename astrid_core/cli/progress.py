"""How far long work has come, on standard error."""

import sys
import time

_PAUSE_S = 2.0


class Progress:
    """Tells ``what`` at most every two seconds, and nothing about work that is over before."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._told_s = time.monotonic()

    def __call__(self, n_done: int, n_all: int) -> None:
        """Tell that ``n_done`` of ``n_all`` are done; of 0 where nobody knows how many there are."""
        if time.monotonic() - self._told_s >= _PAUSE_S:
            self._told_s = time.monotonic()
            print(f"{n_done} of {n_all} {self._what}" if n_all else f"{n_done} {self._what}", file=sys.stderr)
