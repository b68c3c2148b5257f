"""Items of a task go through a stage, and somebody may watch."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from astrid_core.shared.runs import RunKey
from astrid_core.stages.batch import BatchResult, run_each, run_watched, succeeded
from astrid_core.stages.services import Services
from include.messages import Batch, Request
from include.nights import nights_of, plans_of

T = TypeVar("T")


def each_of(services: Services, name: str, batch: Batch, stage: Callable[[str], RunKey]) -> Batch:
    """Return the batch with the keys that the stage ``name`` gave for its items."""
    return answer(batch, run_each(stage, batch["items"], watch=services.watch(name)))


def answer(batch: Batch, result: BatchResult) -> Batch:
    """Return the runs of a batch under its label; Unprocessable or PermanentFailure where there are none."""
    return Batch(label=batch["label"], items=[*succeeded(result)])


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
