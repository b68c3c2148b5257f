"""A watch that remembers."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from astrid_core.shared.errors import AstridError


@dataclass(kw_only=True)
class MemoryEnding:
    name: str
    told: str = ""

    def succeeded(self, key: str) -> None:
        self.told = key

    def ended(self, error: AstridError) -> None:
        self.told = type(error).__name__


@dataclass
class MemoryWatch:
    seen: list[MemoryEnding] = field(default_factory=list)
    open: int = 0

    @contextmanager
    def item(self, name: str) -> Iterator[MemoryEnding]:
        self.seen.append(MemoryEnding(name=name))
        self.open += 1
        try:
            yield self.seen[-1]
        except BaseException as error:
            self.seen[-1].told = f"raised {type(error).__name__}"
            raise
        finally:
            self.open -= 1
