"""Whether the parts answer that the system stands on: each asked in a thread of its own, and not too often."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from astrid_core.detection.config import MODEL_NAME
from astrid_core.observations.ports import SurveyClient
from astrid_core.shared.errors import AstridError, UnknownModel, Unprocessable
from astrid_core.shared.runs import RunKey
from astrid_core.stages.services import Services

_NOTHING = RunKey("report-" + "0" * 32)
_PROOF = b"AstrID asks whether this store keeps what it is given\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What asking a part came to; ``problem`` names a kind of error, never an address."""

    problem: str = ""
    seconds: float
    at: float
    """When it was known, on the clock of ``time.monotonic``."""

    @property
    def is_up(self) -> bool:
        """Tell whether the part works."""
        return not self.problem


@dataclass(slots=True)
class _Question:
    thread: threading.Thread
    started: float
    answer: Answer | None = None


@dataclass(slots=True, kw_only=True)
class Parts:
    """Asks parts; an answer is good for ``keep_s``, and a part that hangs is not asked again before it has answered."""

    checks: Mapping[str, Callable[[], object]]
    timeout_s: float
    keep_s: float
    _asked: dict[str, _Question] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def look(self) -> dict[str, Answer]:
        """Ask every part at once, and return within the time-out; blocks meanwhile."""
        with self._lock:
            asked = {name: self._ask(name) for name in self.checks}
        deadline = time.monotonic() + self.timeout_s
        for question in asked.values():
            question.thread.join(max(0.0, deadline - time.monotonic()))
        return {name: self._answer(question) for name, question in asked.items()}

    def _ask(self, name: str) -> _Question:
        known = self._asked.get(name)
        if known is not None and (
            known.thread.is_alive() or (known.answer and time.monotonic() - known.answer.at < self.keep_s)
        ):
            return known
        # A daemon: what hangs must not keep the process from ending.
        thread = threading.Thread(target=self._run, args=(name,), name=f"health {name}", daemon=True)
        question = self._asked[name] = _Question(thread=thread, started=time.monotonic())
        thread.start()
        return question

    def _run(self, name: str) -> None:
        question, problem = self._asked[name], "unexpected error"
        try:
            self.checks[name]()
            problem = ""
        except AstridError as error:
            problem = type(error).__name__
        finally:
            now = time.monotonic()
            question.answer = Answer(problem=problem, seconds=now - question.started, at=now)

    def _answer(self, question: _Question) -> Answer:
        if question.answer is not None:
            return question.answer
        now = time.monotonic()
        return Answer(problem="no answer in time", seconds=now - question.started, at=now)


def own_parts(services: Services) -> dict[str, Callable[[], object]]:
    """Return how our database, artifact store and model registry are asked."""
    return {
        "database": lambda: _ask_database(services),
        "storage": lambda: _ask_storage(services),
        "models": lambda: _ask_models(services),
    }


def archives(services: Services) -> dict[str, Callable[[], object]]:
    """Return how every archive is asked: for the first file of its list."""
    return {name: partial(_ask_archive, client) for name, client in services.surveys.items()}


def _ask_archive(client: SurveyClient) -> None:
    next(iter(client.listing()), None)


def _ask_database(services: Services) -> None:
    # A table of ours: a database that answers and was never migrated is of no use.
    with services.transaction() as records:
        records.analytics.find(_NOTHING)


def _ask_storage(services: Services) -> None:
    services.artifacts.get(services.artifacts.put(_PROOF, media_type="text/plain").digest)


def _ask_models(services: Services) -> None:
    try:
        services.models.champion(MODEL_NAME)
    except (UnknownModel, Unprocessable):
        return  # it answers, and nobody has trained a network yet
