"""Many reviewers vote at once over HTTP, each from a process of their own; the API is killed on the way.

    python -m benchmarks.voting --reviewers 20 --each 500 --kills 2 [--database postgres] [--page]

With every SIGKILL of the API three reviewers are killed, too; all begin again. Checks that no vote is lost or counted
twice, that the consensus is right and the log whole; prints the pace. ``--page`` writes benchmarks/voting.md.
"""

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from astrid_core.adapters.db.migrate import migrate
from astrid_core.curation.access import Permission, Role
from astrid_core.curation.entities import ReviewState, Verdict
from astrid_core.curation.verdicts import standing
from astrid_core.settings import Settings
from astrid_core.shared.events import verify_chain
from astrid_core.stages.access import grant_role
from astrid_core.stages.keys import create_key
from benchmarks.served import ROOT, Served
from benchmarks.voter import is_real
from tests.adapters.databases import PostgresServer, SqlDatabase
from tests.stages.voting import Voting, voting

PAGE = ROOT / "benchmarks" / "voting.md"
N_NEEDED = 2
CONTRARY = "reviewer 0"
"""Says the opposite of what is true: whatever they have voted on is disputed."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it."""

    n_reviewers: int
    n_kills: int
    n_votes: int
    """Counted ones; those on seeds come on top."""
    n_on_seeds: int
    n_asked_again: int
    """Votes that were sent more than once."""
    elapsed_s: float
    """From the first confirmed vote to the last, the time without the API included."""
    median_s: float
    p95_s: float

    def __str__(self) -> str:
        n_all = self.n_votes + self.n_on_seeds
        return (
            f"{self.n_reviewers} reviewers, API and three of them killed {self.n_kills} times: {n_all} votes, "
            f"{self.n_on_seeds} of them on seeds, in {self.elapsed_s:.0f} s, {n_all / self.elapsed_s:.1f} a second; "
            f"an answer in {self.median_s * 1e3:.0f} ms (median), {self.p95_s * 1e3:.0f} ms (95 %); "
            f"{self.n_asked_again} sent again; none lost, none twice, the consensus right, the log whole"
        )


def run(url: str, folder: Path, *, n_reviewers: int, n_each: int, n_kills: int) -> Outcome:
    """Let them vote, kill on the way, and check what is on record in the end."""
    migrate(url)
    n_detections = n_reviewers * n_each // N_NEEDED
    with ExitStack() as stack:
        database = SqlDatabase(url)
        stack.callback(database.close)
        night = voting(n_detections, transaction=database.transaction)
        keys = {login: _key(night, login) for login in (f"reviewer {number}" for number in range(n_reviewers))}
        api = stack.enter_context(Served(Settings(home=folder / "home", database_url=url), _free_port()))
        at_work: dict[str, subprocess.Popen[str]] = {}

        def stop() -> None:
            for child in at_work.values():
                child.kill()

        stack.callback(stop)

        def start(login: str) -> None:
            at_work[login] = _start(api.url, folder, login, keys[login])

        for login in keys:
            start(login)
        n_killed = 0
        while any(child.poll() is None for child in at_work.values()):
            time.sleep(0.2)
            if n_killed < n_kills and _n_votes(night) > (n_killed + 1) * n_detections * N_NEEDED // (n_kills + 1):
                api.kill()
                fallen = [*keys][n_killed * 3 : n_killed * 3 + 3]
                for login in fallen:
                    at_work[login].kill()
                    at_work[login].wait()
                api.start()
                for login in fallen:
                    start(login)
                n_killed += 1
        _require(n_killed == n_kills, "there was time to kill")
        _require({child.returncode for child in at_work.values()} == {0}, "every reviewer came to an end")
        return _check(night, folder, n_reviewers=n_reviewers, n_kills=n_kills)


def _key(night: Voting, login: str) -> str:
    now = datetime.now(UTC)
    grant_role(night.services, login=login, role=Role.REVIEWER)
    scopes = [Permission.READ, Permission.JUDGE]
    made = create_key(
        night.services, owner=login, name="voting", scopes=scopes, expires=now + timedelta(days=1), at=now
    )
    return made.shown.text


def _start(url: str, folder: Path, login: str, key: str) -> "subprocess.Popen[str]":
    """Let a reviewer begin in a process of their own; the key does not show in the list of processes."""
    told = {"url": url, "key": key, "answers": str(folder / f"{login}.jsonl"), "is_contrary": login == CONTRARY}
    command = [sys.executable, "-m", "benchmarks.voter"]
    child = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, text=True)
    if child.stdin is not None:
        child.stdin.write(json.dumps(told))
        child.stdin.close()
    return child


def _free_port() -> int:
    with socket.socket() as opened:
        opened.bind(("127.0.0.1", 0))
        port: int = opened.getsockname()[1]
        return port


def _n_votes(night: Voting) -> int:
    with night.services.transaction() as records:
        return sum(item.n_given for item in records.review_queue.of(night.ids).values())


def _check(night: Voting, folder: Path, *, n_reviewers: int, n_kills: int) -> Outcome:
    with night.services.transaction() as records:
        events = records.validation_events.all()
        items = records.review_queue.of(night.ids)
        log = list(records.events.all())
    _require(verify_chain(log) == len(log), "the log is whole")
    told = sorted(str(event.facts["digest"]) for event in log if event.name == "verdict.recorded")
    _require(told == sorted(event.digest for event in events), "the log tells of every vote once")
    confirmed = [json.loads(line) for file in folder.glob("*.jsonl") for line in file.read_text().splitlines()]
    by_id = {str(event.id): event for event in events}
    _require({one["id"] for one in confirmed} <= by_id.keys(), "every vote that was confirmed is on record")
    is_same = all(
        (one["detection"], one["verdict"]) == (by_id[one["id"]].detection_id, by_id[one["id"]].verdict.value)
        for one in confirmed
    )
    _require(is_same, "what is on record is what was sent")
    _require(len(standing(events)) == len(events), "nobody votes twice on a detection")
    counted = [event for event in events if not event.is_seed]
    voters: dict[str, set[str]] = {one: set() for one in night.ids}
    for event in counted:
        voters[event.detection_id].add(event.curator)
    _require({len(who) for who in voters.values()} == {N_NEEDED}, "each detection has the votes that it needs")
    for one, item in items.items():
        truth = Verdict.REAL if is_real(one) else Verdict.BOGUS
        is_disputed = CONTRARY in voters[one]
        expected = (ReviewState.DISPUTED, None) if is_disputed else (ReviewState.AGREED, truth)
        _require((item.state, item.verdict) == expected, f"the consensus on {one} is right")
        _require(item.n_given == N_NEEDED, f"the votes on {one} are counted")
    tries = Counter(one["n_tries"] for one in confirmed)
    median, p95 = np.percentile([one["took_s"] for one in confirmed], [50, 95])
    return Outcome(
        n_reviewers=n_reviewers,
        n_kills=n_kills,
        n_votes=len(counted),
        n_on_seeds=len(events) - len(counted),
        n_asked_again=len(confirmed) - tries[1],
        elapsed_s=(events[-1].at - events[0].at).total_seconds(),
        median_s=float(median),
        p95_s=float(p95),
    )


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
    parser.add_argument("--database", choices=("sqlite", "postgres"), default="postgres")
    parser.add_argument("--page", action="store_true")
    asked = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="astrid-voting-")))
        folder.chmod(0o755)
        url = f"sqlite:///{folder / 'astrid.sqlite'}"
        if asked.database == "postgres":
            (folder / "postgres").mkdir()
            server = PostgresServer(folder / "postgres", is_durable=True)
            stack.callback(server.remove)
            url = server.create_database()
        found = run(url, folder, n_reviewers=asked.reviewers, n_each=asked.each, n_kills=asked.kills)
    print(found)
    if asked.page:
        load = (
            f"{os.cpu_count()} cores for reviewers, API and {asked.database}, which others used, too "
            f"(load average {os.getloadavg()[1]:.0f})"
        )
        PAGE.write_text(f"# Votes over HTTP\n\nWritten by `python -m benchmarks.voting --page`; {load}.\n\n{found}.\n")


if __name__ == "__main__":
    main()
