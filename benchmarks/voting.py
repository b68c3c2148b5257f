"""Many reviewers vote at once, each from a process of their own; some are killed on the way and begin again.

    python -m benchmarks.voting --reviewers 20 --each 500 --kills 2 [--database postgres]

Checks that no vote is lost or counted twice, that the consensus is right and the log whole; prints the pace.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from uuid import NAMESPACE_OID, uuid5

from astrid_core.adapters.db.migrate import migrate
from astrid_core.curation.access import Role
from astrid_core.curation.consensus import counted
from astrid_core.curation.entities import ReviewState, ValidationEvent, Verdict
from astrid_core.curation.verdicts import standing
from astrid_core.shared.events import verify_chain
from astrid_core.stages.access import grant_role
from astrid_core.stages.review import record_verdict
from astrid_core.stages.review_queue import claim_next, held_by
from tests.adapters.databases import PostgresServer, SqlDatabase
from tests.stages.voting import Voting, services_on, voting

N_NEEDED = 2
BATCH = 10


def vote(url: str, login: str) -> None:
    """Judge all there is for one reviewer, first what they held when they were killed."""
    services = services_on(SqlDatabase(url).transaction)
    while claims := held_by(services, login=login, at=datetime.now(UTC)) or claim_next(
        services, login=login, n=BATCH, lease_s=86_400.0, seed_fraction=0.0, at=datetime.now(UTC)
    ):
        for claim in claims:
            record_verdict(
                services,
                event_id=uuid5(NAMESPACE_OID, login + claim.detection_id),
                detection_id=claim.detection_id,
                login=login,
                verdict=Verdict.REAL,
                at=datetime.now(UTC),
            )


def start(url: str, login: str) -> "subprocess.Popen[bytes]":
    """Let a reviewer begin in a process of their own."""
    command = [sys.executable, "-m", "benchmarks.voting", "--vote", url, login]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL)


def run(url: str, *, n_reviewers: int, n_each: int, n_kills: int) -> None:
    """Let them vote, kill three at a time, and check what is on record in the end."""
    migrate(url)
    database = SqlDatabase(url)
    n_detections = n_reviewers * n_each // N_NEEDED
    night = voting(n_detections, transaction=database.transaction)
    logins = [f"reviewer {number}" for number in range(n_reviewers)]
    for login in logins:
        grant_role(night.services, login=login, role=Role.REVIEWER)
    at_work = {login: start(url, login) for login in logins}
    n_killed = 0
    while any(child.poll() is None for child in at_work.values()):
        time.sleep(1.0)
        if n_killed < n_kills and _n_votes(night) > (n_killed + 1) * n_detections * N_NEEDED // (n_kills + 1):
            for login in logins[n_killed * 3 : n_killed * 3 + 3]:
                at_work[login].kill()
                at_work[login].wait()
                at_work[login] = start(url, login)
            n_killed += 1
    _require({child.returncode for child in at_work.values()} == {0}, "every reviewer came to an end")
    votes_s = _check(night, n_detections)
    n_votes = n_detections * N_NEEDED
    print(
        f"{n_reviewers} reviewers, three of them killed {n_killed} times: {n_votes} votes in {votes_s:.0f} s, "
        f"{n_votes / votes_s:.1f} a second; none lost, none twice, the log whole"
    )
    database.close()


def _n_votes(night: Voting) -> int:
    with night.services.transaction() as records:
        return sum(item.n_given for item in records.review_queue.of(night.ids).values())


def _check(night: Voting, n_detections: int) -> float:
    """Return the seconds from the first vote to the last."""
    with night.services.transaction() as records:
        events = records.validation_events.all()
        items = records.review_queue.of(night.ids)
        log = list(records.events.all())
    _require(verify_chain(log) == len(log), "the log is whole")
    told = sorted(str(event.facts["digest"]) for event in log if event.name == "verdict.recorded")
    _require(told == sorted(event.digest for event in events), "the log tells of every vote once")
    _require(len(standing(events)) == len(events) == n_detections * N_NEEDED, "no vote is lost or given twice")
    states = Counter(item.state for item in items.values())
    _require(states == {ReviewState.AGREED: n_detections}, "all is agreed")
    by_detection: dict[str, list[ValidationEvent]] = {}
    for event in events:
        by_detection.setdefault(event.detection_id, []).append(event)
    is_counted = all(counted(items[one], said) == items[one] for one, said in by_detection.items())
    _require(is_counted, "what is counted is what was said")
    return (events[-1].at - events[0].at).total_seconds()


def _require(holds: bool, what: str) -> None:  # noqa: FBT001 - one condition, one sentence
    if not holds:
        message = f"it does not hold that {what}"
        raise RuntimeError(message)


def main() -> None:
    """Do as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reviewers", type=int, default=20)
    parser.add_argument("--each", type=int, default=500)
    parser.add_argument("--kills", type=int, default=2)
    parser.add_argument("--database", choices=("sqlite", "postgres"), default="sqlite")
    parser.add_argument("--vote", nargs=2, metavar=("URL", "LOGIN"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.vote:
        vote(*asked.vote)
        return
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="astrid-voting-")))
        url = f"sqlite:///{folder / 'astrid.sqlite'}"
        if asked.database == "postgres":
            (folder / "postgres").mkdir()
            server = PostgresServer(folder / "postgres")
            stack.callback(server.remove)
            url = server.create_database()
        run(url, n_reviewers=asked.reviewers, n_each=asked.each, n_kills=asked.kills)


if __name__ == "__main__":
    main()
