"""What verdicts cost the database: a page of them as many statements as one."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from uuid import UUID

import pytest
from sqlalchemy import Engine, event

from astrid_core.curation.entities import Verdict
from astrid_core.shared.errors import Conflict
from astrid_core.stages.review import record_many, withdraw
from astrid_core.stages.votes import Vote, Votes
from tests.adapters.databases import SqlDatabase
from tests.stages.voting import NOW, Voting, voting

BATCH = UUID(int=1)


@pytest.fixture
def night(sql_database: SqlDatabase) -> Voting:
    return voting(30, transaction=sql_database.transaction)


def votes(night: Voting, first: int, n: int) -> list[Vote]:
    ids = night.ids[first : first + n]
    return [
        Vote(event_id=UUID(int=100 + first + number), detection_id=one, verdict=Verdict.REAL)
        for number, one in enumerate(ids)
    ]


@contextmanager
def statements() -> Iterator[list[str]]:
    """Everything that is sent to a database meanwhile."""
    sent: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_told: object) -> None:
        sent.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    yield sent
    event.remove(Engine, "before_cursor_execute", note)


def test_many_verdicts_take_as_many_statements_as_one(night: Voting) -> None:
    with statements() as for_one:
        record_many(night.services, verdicts=votes(night, 0, 1), batch=None, login="ana", at=NOW)
    with statements() as for_many:
        record_many(night.services, verdicts=votes(night, 1, 24), batch=BATCH, login="ana", at=NOW)
    assert len(for_many) == len(for_one)
    assert all(night.item(number).n_given == 1 for number in range(25))

    with statements() as for_undoing:
        withdraw(night.services, batch=BATCH, login="ana", at=night.now)
    assert len(for_undoing) <= len(for_one) + 1
    assert [night.item(number).n_given for number in range(25)] == [1] + [0] * 24


def test_an_identity_that_somebody_else_just_took_loses_no_vote_silently(night: Voting) -> None:
    theirs = Vote(event_id=UUID(int=7), detection_id=night.ids[0], verdict=Verdict.REAL)
    ours = Vote(event_id=UUID(int=7), detection_id=night.ids[1], verdict=Verdict.BOGUS)
    record_many(night.services, verdicts=[theirs], batch=None, login="ana", at=NOW)
    with pytest.raises(Conflict):
        record_many(night.services, verdicts=[ours], batch=None, login="bo", at=NOW)
    assert night.item(1).n_given == 0

    late = Vote(event_id=UUID(int=8), detection_id=night.ids[1], verdict=Verdict.BOGUS)
    with night.services.transaction() as records:
        looked = Votes.read(records, "bo", [late.detection_id], event_ids=[late.event_id])
        said = looked.give(late, login="bo", batch=None, at=NOW)
        records.validation_events.add(replace(said, curator="ana", detection_id=night.ids[2]))
        with pytest.raises(Conflict, match="just recorded"):
            looked.publish()
