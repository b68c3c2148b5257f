"""Every item of a stage as a span, two figures, and facts that all log lines of it carry."""

import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

from structlog.contextvars import bound_contextvars

from astrid_core.shared.errors import AstridError, PermanentFailure, TemporaryFailure, Unprocessable
from astrid_core.shared.runs import RunKey
from astrid_core.stages.services import Records
from astrid_core.telemetry.failures import Tell
from astrid_core.telemetry.figures import GPU_MEMORY, ITEM_SECONDS, ITEMS
from astrid_core.telemetry.open import Telemetry, parent_of_process

_RUN = re.compile(r"([a-z_]+)-[0-9a-f]{32}")
_RECORDS = {"preprocess": "preprocess_runs", "difference": "difference_runs", "detect": "model_runs"}
_OUTCOMES = ((Unprocessable, "skipped"), (TemporaryFailure, "postponed"), (PermanentFailure, "failed"))
_BUG = "bug"


@dataclass(slots=True)
class ItemEnding:
    """What became of one item, as far as it has been told."""

    key: str = ""
    error: BaseException | None = None

    def succeeded(self, key: str) -> None:
        """Note the key of the run that came of it."""
        self.key = key

    def ended(self, error: AstridError) -> None:
        """Note an error that is dealt with inside of the block."""
        self.error = error

    @property
    def outcome(self) -> str:
        """One of few words: what a person looks for."""
        if self.error is None:
            return "succeeded"
        return next((word for family, word in _OUTCOMES if isinstance(self.error, family)), _BUG)

    @property
    def reason(self) -> str:
        """The kind of error; its text has numbers in it, and would be a series of its own each time."""
        return "" if self.error is None else type(self.error).__name__


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemWatch:
    """Watches the items of one stage; ``transaction`` reads which exposure a run is of."""

    stage: str
    transaction: Callable[[], AbstractContextManager[Records]]
    telemetry: Telemetry | None = None
    tell: Tell | None = None

    @contextmanager
    def item(self, name: str) -> Iterator[ItemEnding]:
        """Watch one item for as long as the block runs; what is raised passes through."""
        ending = ItemEnding()
        facts = {"stage": self.stage, "item": name, "observation": self._observation(name)}
        started = time.monotonic()
        with self._span(facts) as span, bound_contextvars(**facts, **_ids(span)):
            is_through = False
            try:
                yield ending
                is_through = True
            finally:
                if not is_through:
                    ending.error = sys.exception()
                self._finish(span, ending, facts, time.monotonic() - started)

    def _span(self, facts: dict[str, str]) -> AbstractContextManager[Any]:
        if self.telemetry is None:
            return _no_span()
        from opentelemetry.trace import get_current_span  # noqa: PLC0415 - where it is on only

        # The task of Airflow is open in this process; a pod is told of the one that started it.
        parent = None if get_current_span().get_span_context().is_valid else parent_of_process()
        attributes = {f"astrid.{name}": value for name, value in facts.items() if value}
        tracer = self.telemetry.tracer
        span: AbstractContextManager[Any] = tracer.start_as_current_span(
            f"stage.{self.stage}", context=parent, attributes=attributes, record_exception=False
        )
        return span

    def _finish(self, span: Any, ending: ItemEnding, facts: dict[str, str], seconds: float) -> None:
        outcome, reason = ending.outcome, ending.reason
        if self.telemetry is not None:
            self._measure(span, ending, seconds)
        if self.tell is not None and outcome in {"failed", _BUG} and ending.error is not None:
            self.tell(ending.error, {**facts, "outcome": outcome, "reason": reason, **_ids(span)})

    def _measure(self, span: Any, ending: ItemEnding, seconds: float) -> None:
        from opentelemetry.trace import Status, StatusCode  # noqa: PLC0415 - where it is on only

        telemetry, outcome = self.telemetry, ending.outcome
        if telemetry is None:
            return
        span.set_attribute("astrid.outcome", outcome)
        if ending.key:
            span.set_attribute("astrid.run", ending.key)
        if ending.error is not None:
            span.set_attribute("astrid.reason", str(ending.error))
            if outcome != "skipped":
                span.set_status(Status(StatusCode.ERROR, type(ending.error).__name__))
        telemetry.add(ITEMS, 1, stage=self.stage, outcome=outcome, reason=ending.reason)
        telemetry.record(ITEM_SECONDS, seconds, stage=self.stage, outcome=outcome)
        if (cupy := sys.modules.get("cupy")) is not None:
            free, total = cupy.cuda.runtime.memGetInfo()
            telemetry.record(GPU_MEMORY, total - free, state="used")
            telemetry.record(GPU_MEMORY, free, state="free")

    def _observation(self, item: str) -> str:
        """Return the exposure that an item is or belongs to; empty where it is none of them."""
        found = _RUN.fullmatch(item)
        if found is None:
            return item if ":" in item else ""
        if found[1] not in _RECORDS:
            return ""
        with self.transaction() as records:
            run = getattr(records, _RECORDS[found[1]]).find(RunKey(item))
        return "" if run is None else str(run.observation_id)


@contextmanager
def _no_span() -> Iterator[None]:
    yield None


def _ids(span: Any) -> dict[str, str]:
    if span is None:
        return {}
    context = span.get_span_context()
    return {"trace_id": f"{context.trace_id:032x}", "span_id": f"{context.span_id:016x}"}
