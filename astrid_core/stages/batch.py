"""Run one stage over the items of a batch, so that one bad item never costs the others."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

import structlog

from astrid_core.shared.errors import PermanentFailure, TemporaryFailure, Unprocessable
from astrid_core.shared.runs import RunKey
from astrid_core.shared.watching import Unwatched, Watch

T = TypeVar("T")
_NOBODY = Unwatched()

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchResult:
    """What became of the items of a batch."""

    keys: tuple[RunKey, ...]
    """Of those that succeeded, in the order of the items."""
    skipped: Mapping[str, str] = field(default_factory=dict)
    """Item to reason; the stage has recorded it."""
    failed: Mapping[str, str] = field(default_factory=dict)
    """Item to reason; nothing is recorded, and nothing but a person can mend it."""


def succeeded(result: BatchResult) -> tuple[RunKey, ...]:
    """Return the keys of a batch; where none is left, Unprocessable or PermanentFailure tells the first reason."""
    if result.keys:
        return result.keys
    if result.failed:
        item, reason = next(iter(result.failed.items()))
        raise PermanentFailure("nothing in the batch succeeded", n_failed=len(result.failed), item=item, reason=reason)
    item, reason = next(iter(result.skipped.items()))
    raise Unprocessable("nothing in the batch can be used", n_skipped=len(result.skipped), item=item, reason=reason)


def run_each(stage: Callable[[str], RunKey], items: Iterable[str], *, watch: Watch = _NOBODY) -> BatchResult:
    """Call ``stage`` for every item: skipped ones are noted, permanent failures logged and noted.

    A TemporaryFailure is raised when all items have been tried: repeating the batch then does only what is left.
    """
    keys: list[RunKey] = []
    skipped: dict[str, str] = {}
    failed: dict[str, str] = {}
    temporary: TemporaryFailure | None = None
    for item in items:
        with watch.item(item) as ending:
            try:
                keys.append(stage(item))
                ending.succeeded(keys[-1])
            except Unprocessable as error:
                skipped[item] = str(error)
                log.info("item.skipped", item=item, reason=str(error))
                ending.ended(error)
            except PermanentFailure as error:
                failed[item] = str(error)
                log.error("item.failed", item=item, reason=str(error))  # noqa: TRY400 - it says why; no bug to trace
                ending.ended(error)
            except TemporaryFailure as error:
                temporary = error
                log.warning("item.postponed", item=item, reason=str(error))
                ending.ended(error)
    if temporary is not None:
        raise temporary
    return BatchResult(keys=tuple(keys), skipped=skipped, failed=failed)


def run_watched(watch: Watch, item: str, work: Callable[[], T]) -> T:
    """Do the work of one item that is no part of a batch."""
    with watch.item(item):
        return work()
