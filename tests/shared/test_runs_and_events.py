from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest

from astrid_core.shared.errors import PermanentFailure, TooLittleOverlap, Unprocessable
from astrid_core.shared.events import GENESIS, DomainEvent, chain_digest, verify_chain
from astrid_core.shared.runs import RunKey, RunStatus, run_key, settled


@dataclass(frozen=True)
class Config:
    threshold_sigma: float = 5.0


KEY = RunKey("difference-0")


@dataclass(frozen=True)
class Run:
    key: RunKey = KEY
    status: RunStatus = RunStatus.SUCCEEDED
    reason: str = ""


def test_a_key_depends_on_everything_that_went_in_and_on_nothing_else() -> None:
    key = run_key("difference", 1, Config(), ["a", "b"])
    assert key == run_key("difference", 1, Config(), ["a", "b"])
    others = {
        run_key("preprocess", 1, Config(), ["a", "b"]),
        run_key("difference", 2, Config(), ["a", "b"]),
        run_key("difference", 1, Config(threshold_sigma=6.0), ["a", "b"]),
        run_key("difference", 1, Config(), ["b", "a"]),
        run_key("difference", 1, Config(), ["ab"]),
    }
    assert len(others) == 5
    assert key not in others


def test_a_key_needs_a_frozen_record_of_settings() -> None:
    with pytest.raises(TypeError, match="dataclass"):
        run_key("difference", 1, {"threshold": 5}, [])


def test_a_settled_run_gives_its_key_and_a_skipped_one_skips_again() -> None:
    assert settled(Run()) == "difference-0"
    with pytest.raises(Unprocessable, match="too dark"):
        settled(Run(status=RunStatus.SKIPPED, reason="too dark"))


def test_an_error_shows_the_numbers_that_decided_it() -> None:
    assert str(TooLittleOverlap("too little", overlap=0.42, required=0.8)) == "too little (overlap=0.42, required=0.8)"


def _chain(n: int) -> list[DomainEvent]:
    events: list[DomainEvent] = []
    previous = GENESIS
    for sequence in range(1, n + 1):
        at = datetime(2026, 1, 1, 0, 0, sequence, tzinfo=UTC)
        facts = {"n": sequence}
        digest = chain_digest(
            sequence=sequence, name="run.recorded", subject="x", actor="me", at=at, facts=facts, previous=previous
        )
        events.append(
            DomainEvent(
                sequence=sequence, name="run.recorded", subject="x", actor="me", at=at, facts=facts,
                previous=previous, digest=digest,
            )
        )  # fmt: skip
        previous = digest
    return events


def test_an_untouched_log_verifies() -> None:
    assert verify_chain(_chain(5)) == 5
    assert verify_chain([]) == 0


def test_a_log_with_an_altered_lost_or_moved_event_does_not_verify() -> None:
    chain = _chain(5)
    altered = [*chain[:2], replace(chain[2], actor="somebody"), *chain[3:]]
    lost = [*chain[:2], *chain[3:]]
    moved = [chain[1], chain[0], *chain[2:]]
    for broken in (altered, lost, moved):
        with pytest.raises(PermanentFailure, match="does not verify"):
            verify_chain(broken)
