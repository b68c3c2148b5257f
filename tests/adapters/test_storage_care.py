"""How artifacts leave a store while others write: one contract for every store, and races that are played out."""

import fcntl
import os
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from astrid_core.adapters.storage import s3_care
from astrid_core.adapters.storage.folder import FolderArtifacts
from astrid_core.adapters.storage.names import object_name
from astrid_core.adapters.storage.s3 import S3Artifacts
from astrid_core.catalog.entities import ExportJob
from astrid_core.shared.artifacts import ArtifactRef, ArtifactStore
from astrid_core.shared.errors import BadConfiguration, StorageUnavailable
from astrid_core.shared.runs import RunKey
from astrid_core.stages.collect import collect
from astrid_core.stages.scrub import scrub
from astrid_core.stages.services import Services
from tests.fakes.artifacts import MemoryArtifacts
from tests.fakes.models import MemoryModels
from tests.fakes.records import MemoryDatabase

FITS = "image/fits"
LATER = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A store, and how to make what it holds old."""

    store: ArtifactStore
    age: Callable[[str], None]


def _s3(client: Any) -> Case:
    from moto.s3.models import s3_backends  # noqa: PLC0415 - only tests of S3 pay for it

    def age(digest: str) -> None:
        for backends in s3_backends.values():
            for backend in backends.values():
                if "astrid" in backend.buckets:
                    key = backend.buckets["astrid"].keys[f"night/{object_name(digest)}"]
                    key.last_modified = datetime.now(tz=UTC).replace(tzinfo=None) - 2 * LATER

    return Case(store=S3Artifacts(client, bucket="astrid", prefix="night"), age=age)


def _folder(folder: Path) -> Case:
    def age(digest: str) -> None:
        old = time.time() - 2 * LATER.total_seconds()
        os.utime(folder / object_name(digest), (old, old))

    return Case(store=FolderArtifacts(folder), age=age)


def _memory() -> Case:
    store = MemoryArtifacts()
    return Case(store=store, age=lambda digest: store.modified.update({digest: datetime.now(tz=UTC) - 2 * LATER}))


@pytest.fixture(params=["memory", "folder", "s3"])
def case(request: pytest.FixtureRequest, tmp_path: Path) -> Case:
    if request.param == "s3":
        return _s3(request.getfixturevalue("client"))
    return _memory() if request.param == "memory" else _folder(tmp_path / "store")


def long_ago() -> datetime:
    return datetime.now(tz=UTC) - LATER


def test_entries_are_listed_in_the_order_of_digests_from_anywhere(case: Case) -> None:
    assert list(case.store.entries()) == []
    before = datetime.now(tz=UTC) - timedelta(seconds=2)
    refs = sorted(
        (case.store.put(bytes([n]) * (n + 1), media_type=FITS) for n in range(40)), key=lambda ref: ref.digest
    )
    found = list(case.store.entries())
    assert [(one.digest, one.n_bytes) for one in found] == [(ref.digest, ref.n_bytes) for ref in refs]
    assert all(before <= one.modified <= datetime.now(tz=UTC) + timedelta(seconds=2) for one in found)
    assert [one.digest for one in case.store.entries(behind=refs[17].digest)] == [ref.digest for ref in refs[18:]]
    assert list(case.store.entries(behind=refs[-1].digest)) == []


def test_what_was_put_before_a_time_can_be_deleted_and_nothing_else(case: Case) -> None:
    digest = case.store.put(b"light", media_type=FITS).digest
    assert not case.store.remove(digest, before=long_ago())
    case.age(digest)
    assert case.store.remove(digest, before=long_ago())
    assert not case.store.contains(digest)
    assert not case.store.remove(digest, before=long_ago())
    assert list(case.store.entries()) == []


@pytest.mark.parametrize("by_file", [False, True])
def test_putting_the_same_bytes_again_keeps_them(case: Case, tmp_path: Path, by_file: bool) -> None:
    (tmp_path / "light").write_bytes(b"light")

    def put() -> str:
        if by_file:
            return case.store.put_file(tmp_path / "light", media_type=FITS).digest
        return case.store.put(b"light", media_type=FITS).digest

    case.age(digest := put())
    assert put() == digest
    assert not case.store.remove(digest, before=long_ago())
    assert case.store.get(digest) == b"light"


def test_a_put_that_returned_is_never_undone_by_a_collector_at_the_same_time(case: Case) -> None:
    contents = [bytes([n]) * 1000 for n in range(12)]

    def write(content: bytes) -> str:
        return case.store.put(content, media_type=FITS).digest

    for _ in range(4):
        old = [write(one) for one in contents]
        for digest in old:
            case.age(digest)
        with ThreadPoolExecutor(8) as pool:
            removals = [pool.submit(case.store.remove, digest, before=long_ago()) for digest in old]
            kept = list(pool.map(write, contents[::-1]))
            assert {one.result() for one in removals} <= {True, False}
        assert [case.store.get(digest) for digest in kept] == contents[::-1]


def test_writers_of_what_a_collector_deletes_keep_what_they_record(case: Case) -> None:
    services = Services(
        artifacts=case.store, models=MemoryModels(), surveys={}, transaction=MemoryDatabase().transaction
    )
    contents = [f"pixels {number}".encode() for number in range(10)]
    for content in contents:
        case.age(case.store.put(content, media_type=FITS).digest)

    def write(number: int) -> str:
        ref = case.store.put(contents[number % 10], media_type=FITS)
        with services.transaction() as records:
            job = ExportJob(key=RunKey(f"export-{number}"), files={"a": ref}, n_entries=0, n_points=0)
            records.exports.add(job)
        return ref.digest

    with ThreadPoolExecutor(6) as pool:
        collecting = [pool.submit(collect, services, grace=LATER) for _ in range(2)]
        digests = set(pool.map(write, range(20)))
        n_deleted = sum(len(one.result().digests) for one in collecting)
    assert n_deleted <= 10
    assert scrub(services).is_sound
    assert {one.digest for one in case.store.entries()} == digests
    assert collect(services, grace=LATER).digests == ()


def test_a_writer_between_the_look_and_the_deletion_stores_the_bytes_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = _folder(tmp_path)
    digest = case.store.put(b"light", media_type=FITS).digest
    case.age(digest)
    unlink = Path.unlink
    pool = ThreadPoolExecutor(1)
    writing: list[Future[ArtifactRef]] = []

    def slow(path: Path, **_: Any) -> None:
        if path.name == digest and not writing:
            writing.append(pool.submit(case.store.put, b"light", media_type=FITS))
            time.sleep(0.3)  # the writer waits for the lock meanwhile
            assert not writing[0].done()
        unlink(path)

    monkeypatch.setattr(Path, "unlink", slow)
    assert case.store.remove(digest, before=long_ago())
    assert writing[0].result(timeout=30).digest == digest
    assert case.store.get(digest) == b"light"
    pool.shutdown()


def test_a_writer_to_a_bucket_waits_for_who_deletes_and_stores_the_bytes_anew(
    client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = _s3(client)
    digest = case.store.put(b"light", media_type=FITS).digest
    case.age(digest)
    head = client.head_object
    pool = ThreadPoolExecutor(1)
    writing: list[Future[ArtifactRef]] = []

    def slow(**address: Any) -> Any:
        found = head(**address)
        if "sha256/" in address["Key"] and not writing:
            # The collector has seen an old object: now somebody puts it, and returns only when that is settled.
            writing.append(pool.submit(case.store.put, b"light", media_type=FITS))
            time.sleep(0.5)
            assert not writing[0].done()
        return found

    monkeypatch.setattr(client, "head_object", slow)
    assert case.store.remove(digest, before=long_ago())
    assert writing[0].result(timeout=30).digest == digest
    assert case.store.get(digest) == b"light"
    pool.shutdown()


def test_a_flag_that_a_dead_collector_left_holds_nobody_up_for_long(
    client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = _s3(client)
    digest = case.store.put(b"light", media_type=FITS).digest
    client.put_object(Bucket="astrid", Key=f"night/deleting/{object_name(digest).removeprefix('sha256/')}", Body=b"")
    monkeypatch.setattr(s3_care, "_WAIT_S", 0.001)
    with pytest.raises(StorageUnavailable, match="being deleted"):
        case.store.put(b"light", media_type=FITS)
    monkeypatch.setattr(s3_care, "_FLAG_ENDS", timedelta(seconds=-1))
    assert case.store.put(b"light", media_type=FITS).digest == digest


def test_a_folder_without_locks_takes_bytes_and_deletes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise OSError(37, "No locks available")

    case = _folder(tmp_path)
    monkeypatch.setattr(fcntl, "flock", refuse)
    digest = case.store.put(b"light", media_type=FITS).digest
    assert case.store.put(b"light", media_type=FITS).digest == digest
    case.age(digest)
    with pytest.raises(BadConfiguration, match="no locks"):
        case.store.remove(digest, before=long_ago())
    assert case.store.get(digest) == b"light"
