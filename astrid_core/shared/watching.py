"""Somebody who watches how items go through a stage; what is watched does not know who, or whether at all."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from astrid_core.shared.errors import AstridError


class Ending(Protocol):
    """Takes what became of one item; of an item of which nothing is told, the end of the block tells."""

    def succeeded(self, key: str) -> None:
        """Note the key of the run that came of it."""
        ...

    def ended(self, error: AstridError) -> None:
        """Note an error that is dealt with inside of the block."""
        ...


class Watch(Protocol):
    """Watches the items of one stage."""

    def item(self, name: str) -> AbstractContextManager[Ending]:
        """Watch one item for as long as the block runs; what is raised passes through."""
        ...


class Unwatched:
    """Nobody watches."""

    def succeeded(self, key: str) -> None:
        """Note nothing."""

    def ended(self, error: AstridError) -> None:
        """Note nothing."""

    @contextmanager
    def item(self, name: str) -> Iterator["Unwatched"]:  # noqa: ARG002 - of the port
        """Watch nothing."""
        yield self


_NOBODY = Unwatched()


def unwatched(_stage: str) -> Watch:
    """Return a watch that sees nothing."""
    return _NOBODY
