"""Several people vote from processes of their own, and one of them is killed: no vote is lost or counted twice."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from astrid_core.curation.consensus import counted
from astrid_core.curation.entities import ReviewItem, ReviewState, Verdict
from astrid_core.curation.verdicts import standing
from astrid_core.shared.events import verify_chain
from tests.adapters.databases import SqlDatabase
from tests.stages.voting import REVIEWERS, Voting, voting

N_DETECTIONS = 24
N_NEEDED = 2

VOTER = """
import sys, uuid
from datetime import UTC, datetime
from astrid_core.curation.entities import Verdict
from astrid_core.stages.review import record_verdict
from astrid_core.stages.review_queue import claim_next
from tests.adapters.databases import SqlDatabase
from tests.stages.voting import services_on
url, login, n_to_give = sys.argv[1], sys.argv[2], int(sys.argv[3])
services = services_on(SqlDatabase(url).transaction)
print("ready", flush=True)
input()
n_given = 0
while claims := claim_next(services, login=login, n=3, seed_fraction=0.0, at=datetime.now(UTC)):
    for claim in claims:
        # As the page does: whoever gets no answer asks once more with the same identity.
        event_id = uuid.uuid5(uuid.NAMESPACE_OID, login + claim.detection_id)
        for _ in range(2):
            record_verdict(
                services, event_id=event_id, detection_id=claim.detection_id, login=login, verdict=Verdict.REAL,
                at=datetime.now(UTC),
            )
        n_given += 1
        if n_given == n_to_give:
            print("enough", flush=True)
            input()
"""


@pytest.fixture
def database(sql_url: str) -> Iterator[SqlDatabase]:
    opened = SqlDatabase(sql_url)
    yield opened
    opened.close()


def voters(stack: ExitStack, url: str, *, n_to_give: int) -> list["subprocess.Popen[str]"]:
    children = [
        stack.enter_context(
            subprocess.Popen(
                [sys.executable, "-W", "error", "-c", VOTER, url, login, str(n_to_give if login == "ana" else -1)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                bufsize=1,
            )
        )
        for login in REVIEWERS
    ]
    for child in children:
        assert child.stdout is not None
        while child.stdout.readline() not in {"ready\n", ""}:
            pass
    return children


def go(children: list["subprocess.Popen[str]"]) -> None:
    for child in children:
        assert child.stdin is not None
        child.stdin.write("go\n")
        child.stdin.flush()


def items(night: Voting) -> dict[str, ReviewItem]:
    with night.services.transaction() as records:
        return dict(records.review_queue.of(night.ids))


def assert_whole(night: Voting) -> int:
    """Check that what is counted is what was said, and that the log tells all of it; return how many votes stand."""
    with night.services.transaction() as records:
        events = records.validation_events.all()
        log = list(records.events.all())
    assert verify_chain(log) == len(log)
    told = [str(event.facts["digest"]) for event in log if event.name == "verdict.recorded"]
    assert sorted(told) == sorted(event.digest for event in events)
    stand = standing(events)
    assert len({(event.detection_id, event.curator) for event in stand}) == len(events) == len(stand)
    for one, item in items(night).items():
        assert counted(item, [event for event in events if event.detection_id == one]) == item
    return len(stand)


def test_each_detection_gets_just_the_votes_that_it_needs_also_when_a_voter_is_killed(
    sql_url: str, database: SqlDatabase
) -> None:
    night = voting(N_DETECTIONS, transaction=database.transaction)
    with ExitStack() as stack:
        children = voters(stack, sql_url, n_to_give=2)
        go(children)
        first = children[0]
        assert first.stdout is not None
        line = first.stdout.readline()
        while line not in {"enough\n", ""}:
            line = first.stdout.readline()
        first.kill()
        for child in children[1:]:
            # Read on, so that nobody waits for a full pipe.
            child.communicate(timeout=300.0)
    assert [child.returncode for child in children[1:]] == [0, 0]
    n_votes = assert_whole(night)
    found = items(night)
    # What the one who was killed still held has one vote less, until the lease ends.
    open_ones = [one for one in found.values() if one.state is ReviewState.OPEN]
    assert all(item.verdict is Verdict.REAL for item in found.values() if item not in open_ones)
    assert n_votes == sum(item.n_given for item in found.values())
    assert n_votes >= N_NEEDED * N_DETECTIONS - 3
    assert max(item.n_given for item in found.values()) == N_NEEDED
