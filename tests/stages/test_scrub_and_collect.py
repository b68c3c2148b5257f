"""The store is looked through, and what no record names leaves it."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from astrid_core.catalog.entities import ExportJob
from astrid_core.shared.artifacts import ArtifactRef
from astrid_core.shared.runs import RunKey
from astrid_core.stages import scrub as scrubbing
from astrid_core.stages.collect import collect, find_unreferenced
from astrid_core.stages.scrub import Scrub, scrub
from astrid_core.stages.services import Services
from tests.fakes.artifacts import MemoryArtifacts
from tests.fakes.models import MemoryModels
from tests.fakes.records import MemoryDatabase

GRACE = timedelta(days=3)


@pytest.fixture
def store() -> MemoryArtifacts:
    return MemoryArtifacts()


@pytest.fixture
def services(store: MemoryArtifacts) -> Services:
    return Services(artifacts=store, models=MemoryModels(), surveys={}, transaction=MemoryDatabase().transaction)


def put(services: Services, n: int, *, named: bool) -> list[ArtifactRef]:
    """Store ``n`` artifacts more; named ones are files of an extract."""
    kind = "named" if named else "left over"
    refs = [services.artifacts.put(f"{kind} {number}".encode(), media_type="text/csv") for number in range(n)]
    if named:
        files = {ref.digest[:8]: ref for ref in refs}
        with services.transaction() as records:
            records.exports.add(ExportJob(key=RunKey("export-1"), files=files, n_entries=0, n_points=0))
    return refs


def age(store: MemoryArtifacts) -> None:
    store.modified |= dict.fromkeys(store.stored, datetime.now(tz=UTC) - 2 * GRACE)


def events(services: Services) -> list[tuple[str, dict[str, Any]]]:
    with services.transaction() as records:
        return [(one.name, dict(one.facts)) for one in records.events.all()]


def test_a_sound_store_is_read_whole_and_the_log_says_so(services: Services) -> None:
    refs = put(services, 50, named=True)
    found = scrub(services)
    assert found.is_sound
    assert (found.n_there, found.n_read, found.n_bytes) == (50, 50, sum(ref.n_bytes for ref in refs))
    ((name, facts),) = events(services)
    assert (name, facts["n_read"], facts["n_corrupt"], facts["n_missing"]) == ("artifacts.scrubbed", 50, 0, 0)


def test_what_is_corrupt_missing_or_left_over_is_told_apart(services: Services, store: MemoryArtifacts) -> None:
    refs, left = put(services, 20, named=True), put(services, 3, named=False)
    corrupt, missing = sorted(ref.digest for ref in refs[:2]), sorted(ref.digest for ref in refs[2:5])
    for digest in corrupt:
        store.stored[digest] = b"bit rot"
    for digest in missing:
        del store.stored[digest]
    found = scrub(services)
    assert not found.is_sound
    assert (found.corrupt, found.missing) == (corrupt, missing)
    assert (found.n_unreferenced, found.unreferenced_bytes) == (3, sum(ref.n_bytes for ref in left))


def test_in_so_many_days_everything_is_read_once(services: Services, store: MemoryArtifacts) -> None:
    put(services, 60, named=True)
    looks = [scrub(services, every_days=7, today=date(2026, 3, 1) + timedelta(days=day)) for day in range(7)]
    assert sum(one.n_read for one in looks) == 60
    assert {one.n_there for one in looks} == {60}
    assert max(one.n_read for one in looks) < 25


def test_a_look_that_was_broken_off_goes_on_where_it_ended(
    services: Services, store: MemoryArtifacts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scrubbing, "_SAVED_EVERY", 10)
    refs = put(services, 100, named=True)
    first, *_, last = sorted(ref.digest for ref in refs)
    store.stored[first] = b"bit rot"
    del store.stored[last]
    state = tmp_path / "scrub.json"

    def stop(n_done: int, _: int) -> None:
        if n_done == 55:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        scrub(services, state=state, progress=stop)
    assert Scrub(**json.loads(state.read_text())).n_there == 50
    seen: list[int] = []
    found = scrub(services, state=state, progress=lambda n, _: seen.append(n))
    assert seen[0] == 51
    assert (found.n_there, found.n_read, found.corrupt, found.missing) == (99, 98, [first], [last])
    assert not state.exists()


def test_a_dry_run_names_what_the_deletion_deletes_and_the_log_tells(
    services: Services, store: MemoryArtifacts
) -> None:
    named, left = put(services, 5, named=True), put(services, 4, named=False)
    assert find_unreferenced(services, grace=GRACE) == ()
    age(store)
    fresh = services.artifacts.put(b"a writer at work", media_type="text/csv")
    wanted = sorted(ref.digest for ref in left)
    assert [one.digest for one in find_unreferenced(services, grace=GRACE)] == wanted
    assert len(store.stored) == 10
    done = collect(services, grace=GRACE)
    assert (sorted(done.digests), done.n_spared) == (wanted, 0)
    assert set(store.stored) == {ref.digest for ref in named} | {fresh.digest}
    assert [(name, sorted(facts["digests"])) for name, facts in events(services)] == [
        ("artifacts.condemned", wanted), ("artifacts.deleted", wanted)
    ]  # fmt: skip
    assert collect(services, grace=GRACE).digests == ()


def test_what_is_named_or_put_between_the_look_and_the_deletion_is_spared(
    services: Services, store: MemoryArtifacts, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = put(services, 3, named=False)
    age(store)
    entries = store.entries

    def entries_and_then(*, behind: str = "") -> Iterator[Any]:
        yield from entries(behind=behind)
        store.put(b"left over 0", media_type="text/csv")
        with services.transaction() as records:
            job = ExportJob(key=RunKey("export-2"), files={"1": left[1]}, n_entries=0, n_points=0)
            records.exports.add(job)

    monkeypatch.setattr(store, "entries", entries_and_then)
    done = collect(services, grace=GRACE)
    assert (done.digests, done.n_spared) == ((left[2].digest,), 2)
