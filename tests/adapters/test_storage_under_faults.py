"""The store on S3 while its server misbehaves."""

from collections.abc import Iterator

import pytest

from astrid_core.adapters.storage.s3 import S3Artifacts
from astrid_core.shared.errors import CorruptArtifact
from tests.fakes.failing_s3 import FailingS3

FITS = "application/fits"


@pytest.fixture
def server() -> Iterator[FailingS3]:
    with FailingS3(seed=1) as server:
        yield server


@pytest.fixture
def store(server: FailingS3, request: pytest.FixtureRequest) -> S3Artifacts:
    # All servers of this process share their buckets.
    bucket = request.node.name.replace("_", "-")[:60]
    server.client().create_bucket(Bucket=bucket)
    return S3Artifacts(server.client(), bucket=bucket)


def test_bytes_that_changed_on_the_way_are_read_again(server: FailingS3, store: S3Artifacts) -> None:
    ref = store.put(b"light", media_type=FITS)
    server.faults.corrupt_answers = 1
    assert store.get(ref.digest) == b"light"
    server.faults.corrupt_answers = 1
    assert store.put(b"light", media_type=FITS) == ref
    assert server.quiet()["changed"] == 2


def test_bytes_that_are_wrong_twice_are_corrupt(server: FailingS3, store: S3Artifacts) -> None:
    ref = store.put(b"light", media_type=FITS)
    server.faults.corrupt_answers = 2
    with pytest.raises(CorruptArtifact, match=ref.digest):
        store.get(ref.digest)


def test_refused_requests_and_lost_answers_lose_nothing(server: FailingS3, store: S3Artifacts) -> None:
    server.faults.error_rate = 0.15
    wanted = [f"light {number}".encode() for number in range(25)]
    refs = [store.put(content, media_type=FITS) for content in wanted]
    assert [store.get(ref.digest) for ref in refs] == wanted
    seen = server.quiet()
    assert seen["refused"] > 0
    assert seen["answer lost"] > 0
    assert {one.digest for one in store.entries()} == {ref.digest for ref in refs}
