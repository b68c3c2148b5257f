"""Items of a task go through a stage, and somebody may watch."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from astrid_core.shared.errors import PermanentFailure, Unprocessable
from astrid_core.shared.runs import RunKey
from astrid_core.stages.batch import BatchResult, run_each, run_watched
from astrid_core.stages.services import Services
from include.messages import Batch, Request
from include.nights import nights_of, plans_of

T = TypeVar("T")


def each_of(services: Services, name: str, batch: Batch, stage: Callable[[str], RunKey]) -> Batch:
    """Return the batch with the keys that the stage ``name`` gave for its items; see ``succeeded``."""
    return Batch(label=batch["label"], items=[*succeeded(run_each(stage, batch["items"], watch=services.watch(name)))])


def night_by_night(
    services: Services, request: Request, name: str, stage: Callable[[str, str, Sequence[RunKey]], T]
) -> list[T]:
    """Call the stage ``name`` for every survey and night, with the keys of what is scored of it."""
    return [
        run_watched(services.watch(name), f"{survey} {night}", partial(stage, survey, night, plan.scored))
        for (survey, night), plan in zip(nights_of(request), plans_of(services, request), strict=True)
    ]


def watched(services: Services, name: str, stage: Callable[[str], T]) -> Callable[[str], T]:
    """Return what does one item of the stage ``name``."""
    return lambda item: run_watched(services.watch(name), item, lambda: stage(item))


def succeeded(result: BatchResult) -> tuple[RunKey, ...]:
    """Return the keys of a batch; where none is left, Unprocessable or PermanentFailure tells the first reason."""
    if result.keys:
        return result.keys
    if result.failed:
        item, reason = next(iter(result.failed.items()))
        raise PermanentFailure("nothing in the batch succeeded", n_failed=len(result.failed), item=item, reason=reason)
    item, reason = next(iter(result.skipped.items()))
    raise Unprocessable("nothing in the batch can be used", n_skipped=len(result.skipped), item=item, reason=reason)
