"""The digest of a verdict is the same before it is stored and after it was read again."""

from dataclasses import fields, replace
from datetime import timedelta, timezone
from typing import Any

from astrid_core.curation.access import Role
from astrid_core.curation.entities import Verdict
from tests.adapters.invented import verdict


def test_a_whole_number_of_seconds_and_another_time_zone_say_the_same() -> None:
    said = replace(verdict(1), seconds=2.0)
    assert replace(said, seconds=2).digest == said.digest
    assert replace(said, at=said.at.astimezone(timezone(timedelta(hours=2)))).digest == said.digest


def test_everything_that_a_verdict_says_is_in_its_digest() -> None:
    said, other = verdict(1), verdict(2)
    changes: dict[str, Any] = {
        "id": other.id,
        "detection_id": "other",
        "curator": "eve",
        "verdict": Verdict.BOGUS,
        "reason": "other",
        "vocabulary": 7,
        "comment": "other",
        "confidence": 3,
        "seconds": 1.5,
        "is_blind": True,
        "score_shown": False,
        "role": Role.ARBITER,
        "is_seed": True,
        "batch": other.id,
        "at": said.at + timedelta(microseconds=1),
        "supersedes": other.id,
    }
    assert set(changes) == {one.name for one in fields(said)}
    digests = {replace(said, **{name: value}).digest for name, value in changes.items()}
    assert len(digests | {said.digest}) == len(changes) + 1
