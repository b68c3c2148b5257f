"""What people see."""

import sys
import time

_STARTED = time.monotonic()


def tell(text: str) -> None:
    """Print a result."""
    print(text, flush=True)  # noqa: T201 - a command prints


def say(text: str) -> None:
    """Print what happens now, with the time since the start."""
    tell(f"[{time.monotonic() - _STARTED:6.1f} s] {text}")


def complain(text: str) -> None:
    """Print what went wrong."""
    print(text, file=sys.stderr, flush=True)  # noqa: T201 - a command prints
