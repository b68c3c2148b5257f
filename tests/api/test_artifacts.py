"""Stored bytes over HTTP: whole, in parts, and not at all where they are not what their name says."""

from pathlib import Path

import httpx
import pytest

from tests.api.client import Client


@pytest.fixture
def digest(client: Client) -> str:
    """Of a difference image of the night."""
    found: str = client.get("/detections").json()["items"][0]["provenance"]["difference_digest"]
    return found


@pytest.fixture
def content(home: Path, digest: str) -> bytes:
    return _file(home, digest).read_bytes()


def _file(home: Path, digest: str) -> Path:
    return home / "artifacts" / "sha256" / digest[:2] / digest[2:4] / digest


def test_the_whole_comes_with_its_length_and_tag(client: Client, digest: str, content: bytes) -> None:
    answer = client.get(f"/artifacts/{digest}")

    assert answer.content == content
    assert answer.headers["etag"] == f'"{digest}"'
    assert answer.headers["accept-ranges"] == "bytes"
    assert client.get(f"/artifacts/{digest}", headers={"If-None-Match": f'"{digest}"'}).status_code == 304
    head = client.ask("HEAD", f"/artifacts/{digest}")
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", str(len(content)))


@pytest.mark.parametrize(
    ("wanted", "part"),
    [
        ("bytes=0-0", slice(0, 1)),
        ("bytes=2880-5759", slice(2880, 5760)),
        ("bytes=5000-", slice(5000, None)),
        ("bytes=-100", slice(-100, None)),
        ("bytes=100-99999999999", slice(100, None)),
        ("bytes=-99999999999", slice(0, None)),
    ],
)
def test_a_part_is_that_part(client: Client, digest: str, content: bytes, wanted: str, part: slice) -> None:
    answer = client.get(f"/artifacts/{digest}", headers={"Range": wanted})
    first, behind, _ = part.indices(len(content))

    assert answer.status_code == 206
    assert answer.content == content[part]
    assert answer.headers["content-range"] == f"bytes {first}-{behind - 1}/{len(content)}"


@pytest.mark.parametrize("wanted", ["bytes=99999999999-", "bytes=-0"])
def test_a_part_beyond_the_end_does_not_exist(client: Client, digest: str, content: bytes, wanted: str) -> None:
    answer = client.get(f"/artifacts/{digest}", headers={"Range": wanted})

    assert answer.status_code == 416
    assert answer.headers["content-range"] == f"bytes */{len(content)}"


@pytest.mark.parametrize("wanted", ["bytes=5-2", "lines=0-1", "bytes=0-1,5-6", "bytes=-", "bytes=a-b"])
def test_a_range_that_says_nothing_is_the_whole(client: Client, digest: str, content: bytes, wanted: str) -> None:
    answer = client.get(f"/artifacts/{digest}", headers={"Range": wanted})

    assert (answer.status_code, answer.content) == (200, content)


def test_a_part_of_another_version_is_the_whole(client: Client, digest: str, content: bytes) -> None:
    answer = client.get(f"/artifacts/{digest}", headers={"Range": "bytes=0-9", "If-Range": '"other"'})

    assert answer.content == content


def test_changed_bytes_never_arrive_whole(client: Client, home: Path, digest: str, content: bytes) -> None:
    folder = home / "artifacts"
    kept = folder.readlink()
    folder.unlink()
    damaged = _file(home, digest)
    damaged.parent.mkdir(parents=True)
    damaged.write_bytes(b"X" + content[1:])

    try:
        arrived = client.get(f"/artifacts/{digest}").content
    except (httpx.HTTPError, RuntimeError):
        arrived = b""
    assert len(arrived) < len(content)
    assert kept.is_dir()
