"""One contract for every artifact store: in memory, in a folder, on S3 over real HTTP."""

import errno
import hashlib
import os
import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import botocore.exceptions
import pytest

from astrid_core.adapters.storage.folder import FolderArtifacts
from astrid_core.adapters.storage.names import object_name
from astrid_core.adapters.storage.open import open_artifacts
from astrid_core.adapters.storage.s3 import S3Artifacts, connect
from astrid_core.adapters.storage.s3_errors import EXPECTED, translated
from astrid_core.shared.artifacts import ArtifactStore, chunks
from astrid_core.shared.errors import BadConfiguration, CorruptArtifact, MissingArtifact, StorageUnavailable
from tests.fakes.artifacts import MemoryArtifacts

MIB = 2**20
BUCKET = "astrid"
FITS = "image/fits"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A store, and how to reach behind its back."""

    store: ArtifactStore
    tamper: Callable[[str, bytes], None]
    names: Callable[[], list[str]]


def _memory() -> Case:
    store = MemoryArtifacts()
    return Case(store=store, tamper=store.stored.__setitem__, names=lambda: sorted(map(object_name, store.stored)))


def _folder(folder: Path) -> Case:
    def tamper(digest: str, content: bytes) -> None:
        path = folder / object_name(digest)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.write_bytes(content)

    def names() -> list[str]:
        return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())

    return Case(store=FolderArtifacts(folder), tamper=tamper, names=names)


def _s3(client: Any, *, multipart_bytes: int = 5 * MIB) -> Case:
    def tamper(digest: str, content: bytes) -> None:
        client.put_object(Bucket=BUCKET, Key=f"night/{object_name(digest)}", Body=content)

    def names() -> list[str]:
        listed = client.list_objects_v2(Bucket=BUCKET).get("Contents", [])
        return sorted(one["Key"].removeprefix("night/") for one in listed)

    store = S3Artifacts(client, bucket=BUCKET, prefix="night", multipart_bytes=multipart_bytes)
    return Case(store=store, tamper=tamper, names=names)


@pytest.fixture(params=["memory", "folder", "s3"])
def case(request: pytest.FixtureRequest, tmp_path: Path) -> Case:
    if request.param == "s3":
        return _s3(request.getfixturevalue("client"))
    return _memory() if request.param == "memory" else _folder(tmp_path / "store")


def test_what_is_put_comes_back_under_its_digest(case: Case) -> None:
    ref = case.store.put(b"light", media_type=FITS)
    assert (ref.digest, ref.media_type, ref.n_bytes) == (hashlib.sha256(b"light").hexdigest(), FITS, 5)
    assert case.store.get(ref.digest) == b"light"
    assert case.store.contains(ref.digest)
    assert case.names() == [f"sha256/{ref.digest[:2]}/{ref.digest[2:4]}/{ref.digest}"]


def test_nothing_at_all_can_be_stored(case: Case) -> None:
    assert case.store.get(case.store.put(b"", media_type=FITS).digest) == b""


def test_storing_the_same_bytes_again_changes_nothing(case: Case) -> None:
    first = case.store.put(b"light", media_type=FITS)
    assert case.store.put(b"light", media_type=FITS) == first
    assert len(case.names()) == 1


def test_a_digest_that_is_not_there_is_missing(case: Case) -> None:
    digest = hashlib.sha256(b"never").hexdigest()
    assert not case.store.contains(digest)
    with pytest.raises(MissingArtifact, match=digest):
        case.store.get(digest)


@pytest.mark.parametrize("damage", [b"lighT", b"lig", b"", b"light and more"])
def test_corrupt_bytes_are_named_and_never_returned_nor_overwritten(case: Case, damage: bytes, tmp_path: Path) -> None:
    ref = case.store.put(b"light", media_type=FITS)
    case.tamper(ref.digest, damage)
    with pytest.raises(CorruptArtifact, match=ref.digest):
        case.store.get(ref.digest)
    with pytest.raises(CorruptArtifact, match=ref.digest):
        case.store.put(b"light", media_type=FITS)
    (tmp_path / "light").write_bytes(b"light")
    with pytest.raises(CorruptArtifact, match=ref.digest):
        case.store.put_file(tmp_path / "light", media_type=FITS)
    with pytest.raises(CorruptArtifact, match=ref.digest):
        list(chunks(case.store, ref.digest))
    with pytest.raises(CorruptArtifact, match=ref.digest):
        case.store.get(ref.digest)


def test_large_artifacts_come_back_whole(case: Case, tmp_path: Path) -> None:
    (tmp_path / "content").write_bytes(content := os.urandom(12 * MIB + 17))
    ref = case.store.put_file(tmp_path / "content", media_type=FITS)
    assert case.store.put(content, media_type=FITS) == ref
    assert case.store.get(ref.digest) == content == b"".join(chunks(case.store, ref.digest))


def test_a_part_is_what_lies_there(case: Case) -> None:
    digest = case.store.put(b"starlight", media_type=FITS).digest
    assert case.store.size(digest) == 9
    parts = [
        case.store.part(digest, start=start, n_bytes=n) for start, n in ((0, 4), (4, 100), (9, 1), (50, 3), (2, 0))
    ]
    assert parts == [b"star", b"light", b"", b"", b""]
    assert case.store.part(case.store.put(b"", media_type=FITS).digest, start=0, n_bytes=1) == b""
    for ask in (case.store.size, lambda one: case.store.part(one, start=0, n_bytes=1)):
        with pytest.raises(MissingArtifact):
            ask("0" * 64)


def test_many_writers_of_the_same_bytes_leave_one_artifact(case: Case) -> None:
    n_writers = 8
    start = threading.Barrier(n_writers)

    def write(_: int) -> str:
        start.wait(timeout=30)
        return case.store.put(b"x" * MIB, media_type=FITS).digest

    with ThreadPoolExecutor(n_writers) as pool:
        digests = set(pool.map(write, range(n_writers)))
    assert len(digests) == 1
    assert case.names() == [object_name(digests.pop())]


def test_a_folder_holds_no_leftovers_and_read_only_files(tmp_path: Path) -> None:
    ref = FolderArtifacts(tmp_path).put(b"light", media_type=FITS)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert [path.name for path in files] == [ref.digest]
    assert files[0].stat().st_mode & 0o222 == 0


def test_a_writer_that_dies_halfway_publishes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    store = FolderArtifacts(tmp_path / "store")
    with pytest.raises(StorageUnavailable, match="No space left"):
        store.put(b"light", media_type=FITS)
    monkeypatch.undo()
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    assert store.get(store.put(b"light", media_type=FITS).digest) == b"light"


def test_a_file_system_without_links_is_good_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, _: Path) -> None:
        raise OSError(errno.EPERM, "Operation not permitted", str(path))

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    store = FolderArtifacts(tmp_path)
    ref = store.put(b"light", media_type=FITS)
    assert store.get(ref.digest) == b"light"
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == [ref.digest]


def test_a_folder_that_cannot_be_is_a_matter_of_configuration(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(BadConfiguration, match="cannot be used"):
        FolderArtifacts(tmp_path / "file").put(b"light", media_type=FITS)


def test_names_are_digests_and_nothing_else(tmp_path: Path) -> None:
    for name in ("../../etc/passwd", "A" * 64, "ab" * 16):
        with pytest.raises(ValueError, match="not a SHA-256 digest"):
            FolderArtifacts(tmp_path).get(name)


def test_an_upload_that_breaks_off_leaves_no_parts(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    case = _s3(client)
    send = client.upload_part
    sent: list[int] = []

    def break_off(**arguments: Any) -> Any:
        if sent:
            raise botocore.exceptions.ConnectionClosedError(endpoint_url="http://127.0.0.1")
        sent.append(arguments["PartNumber"])
        return send(**arguments)

    monkeypatch.setattr(client, "upload_part", break_off)
    with pytest.raises(StorageUnavailable, match="does not answer"):
        case.store.put(b"x" * (12 * MIB), media_type=FITS)
    assert client.list_multipart_uploads(Bucket=BUCKET).get("Uploads", []) == []
    assert case.names() == []


@pytest.mark.parametrize("n_bytes", [5, 12 * MIB])
def test_an_object_that_appears_in_between_is_not_overwritten(
    client: Any, monkeypatch: pytest.MonkeyPatch, n_bytes: int
) -> None:
    case = _s3(client)
    content = b"x" * n_bytes
    digest = hashlib.sha256(content).hexdigest()
    monkeypatch.setattr(case.store, "contains", lambda _: False)
    case.tamper(digest, content)
    before = client.head_object(Bucket=BUCKET, Key=f"night/{object_name(digest)}")["LastModified"]
    assert case.store.put(content, media_type=FITS).digest == digest
    assert client.head_object(Bucket=BUCKET, Key=f"night/{object_name(digest)}")["LastModified"] == before
    case.tamper(digest, b"other")
    with pytest.raises(CorruptArtifact, match=digest):
        case.store.put(content, media_type=FITS)


def test_the_media_type_travels_along(client: Any) -> None:
    ref = _s3(client).store.put(b"x" * (6 * MIB), media_type=FITS)
    found = client.head_object(Bucket=BUCKET, Key=f"night/{object_name(ref.digest)}")
    assert (found["ContentType"], found["ContentLength"]) == (FITS, 6 * MIB)


def test_a_bucket_that_is_not_there_is_a_matter_of_configuration(client: Any) -> None:
    store = S3Artifacts(client, bucket="nobody")
    with pytest.raises(BadConfiguration, match="NoSuchBucket"):
        store.put(b"light", media_type=FITS)
    with pytest.raises(BadConfiguration, match="NoSuchBucket"):
        store.get(hashlib.sha256(b"light").hexdigest())


def test_a_server_that_is_down_is_a_temporary_failure(unused_address: str) -> None:
    client = connect(
        endpoint_url=unused_address, region="auto", access_key_id="key", secret_access_key="secret", max_attempts=2
    )
    store = S3Artifacts(client, bucket=BUCKET)
    with pytest.raises(StorageUnavailable, match="does not answer"):
        store.contains("0" * 64)


@pytest.fixture
def unused_address() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


def test_an_address_says_which_store_is_meant(tmp_path: Path, server: str, client: Any) -> None:
    assert isinstance(open_artifacts(str(tmp_path)), FolderArtifacts)
    assert isinstance(open_artifacts(tmp_path.as_uri()), FolderArtifacts)
    store = open_artifacts("s3://astrid/deep/er", endpoint_url=server, access_key_id="key", secret_access_key="secret")
    ref = store.put(b"light", media_type=FITS)
    assert client.head_object(Bucket=BUCKET, Key=f"deep/er/{object_name(ref.digest)}")["ContentLength"] == 5
    for wrong in ("", "http://astrid/night", "s3:///night"):
        with pytest.raises(BadConfiguration):
            open_artifacts(wrong)
    with pytest.raises(BadConfiguration, match="no usable address"):
        open_artifacts("s3://astrid", endpoint_url="no address", access_key_id="key", secret_access_key="secret")


PASSING = {
    "AliasConflictParameterError", "ApiVersionNotFoundError", "AwsChunkedWrapperError", "BaseEndpointResolverError",
    "BotoCoreError", "ChecksumError", "DataNotFoundError", "ImminentRemovalWarning",
    "InvalidEndpointConfigurationError", "InvalidEndpointDiscoveryConfigurationError",
    "InvalidExpressionError", "MD5UnavailableError", "MissingDependencyException", "MissingParametersError",
    "MissingServiceIdError", "OperationNotPageableError", "PaginationError", "ParamValidationError", "RangeError",
    "RefreshWithMFAUnsupportedError", "ServiceNotInRegionError", "StubAssertionError", "StubResponseError",
    "UnStubbedResponseError", "UndefinedModelAttributeError", "UnknownClientMethodError", "UnknownEndpointError",
    "UnknownFIPSEndpointError", "UnknownKeyError", "UnknownParameterError", "UnknownServiceError",
    "UnknownServiceStyle", "UnknownSignatureVersionError", "UnseekableStreamError",
    "UnsupportedOutpostResourceError", "UnsupportedS3AccesspointConfigurationError", "UnsupportedS3ArnError",
    "UnsupportedS3ControlArnError", "UnsupportedServiceProtocolsError", "UnsupportedSignatureVersionError",
    "UnsupportedTLSVersionWarning", "ValidationError", "WaiterConfigError", "WaiterError",
}  # fmt: skip
"""Exceptions of botocore that stay what they are: bugs, and services that we do not use."""


def _vendor_classes() -> list[type[Exception]]:
    found = [getattr(botocore.exceptions, name) for name in dir(botocore.exceptions)]
    return [one for one in found if isinstance(one, type) and issubclass(one, Exception)]


def test_every_exception_of_the_vendor_is_either_translated_or_known_to_pass() -> None:
    undecided = [one.__name__ for one in _vendor_classes() if issubclass(one, EXPECTED) == (one.__name__ in PASSING)]
    assert undecided == []


def test_translated_exceptions_are_ours() -> None:
    for one in _vendor_classes():
        if one.__name__ in PASSING or issubclass(one, botocore.exceptions.ClientError):
            continue
        raised = one.__new__(one)
        assert isinstance(translated(raised, where="s3://astrid"), StorageUnavailable | BadConfiguration), one


@pytest.mark.parametrize(
    ("status", "code", "family"),
    [
        (503, "SlowDown", StorageUnavailable),
        (500, "InternalError", StorageUnavailable),
        (429, "TooManyRequests", StorageUnavailable),
        (400, "RequestTimeout", StorageUnavailable),
        (409, "ConditionalRequestConflict", StorageUnavailable),
        (403, "AccessDenied", BadConfiguration),
        (403, "SignatureDoesNotMatch", BadConfiguration),
        (301, "PermanentRedirect", BadConfiguration),
        (501, "NotImplemented", botocore.exceptions.ClientError),
    ],
)
def test_answers_of_the_store_say_what_next(status: int, code: str, family: type[Exception]) -> None:
    answer = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    error = botocore.exceptions.ClientError(answer, "PutObject")
    assert isinstance(translated(error, where="s3://astrid"), family)
