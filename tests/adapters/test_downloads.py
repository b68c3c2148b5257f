"""Files from an archive into a folder: cut, changed, wrong, too large, and fetched by two at once."""

import base64
import hashlib
import threading
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from astrid_core.adapters.surveys.downloads import Wanted, download, sha256_of
from astrid_core.adapters.surveys.http import HttpClient
from astrid_core.adapters.surveys.http_policy import HttpPolicy
from astrid_core.shared.errors import (
    ArchiveRefused,
    ArchiveUnavailable,
    QueryRefused,
    StorageUnavailable,
    UnexpectedAnswer,
    UnusableFile,
)
from tests.fakes.archive_server import ArchiveServer, Reply, ranged

CONTENT = bytes(range(256)) * 4000
DIGEST = hashlib.sha256(CONTENT).hexdigest()
POLICY = HttpPolicy(
    connect_s=1.0, read_s=0.5, n_attempts=3, first_pause_s=0.0, max_file_bytes=2 * len(CONTENT), n_failures_open=50
)


@pytest.fixture
def server() -> Iterator[ArchiveServer]:
    with ArchiveServer(lambda asked: ranged(asked, CONTENT, etag='"1"')) as running:
        yield running


@pytest.fixture
def client() -> Iterator[HttpClient]:
    with HttpClient("sky", POLICY) as opened:
        yield opened


def wanted(server: ArchiveServer, n_bytes: int | None = len(CONTENT)) -> Wanted:
    return Wanted(url=f"{server.url}/file", params=(("uri", "mast:X/a.fits"),), n_bytes=n_bytes)


def cut(n_sent: int, *, etag: str = '"1"') -> Reply:
    return Reply(body=CONTENT, n_sent=n_sent, headers={"ETag": etag})


def ranges(server: ArchiveServer) -> list[str | None]:
    return [one.headers.get("Range") for one in server.asked]


def test_a_file_arrives_whole_under_its_name(client: HttpClient, server: ArchiveServer, tmp_path: Path) -> None:
    target = tmp_path / "HST" / "a.fits"
    assert download(client, wanted(server), target) == DIGEST == sha256_of(target)
    assert [one.name for one in target.parent.iterdir()] == ["a.fits"]
    assert server.asked[0].query == {"uri": "mast:X/a.fits"}


def test_a_cut_file_goes_on_where_it_ended(client: HttpClient, server: ArchiveServer, tmp_path: Path) -> None:
    server.faults.extend([cut(300_000), Reply(status=503)])
    assert download(client, wanted(server), tmp_path / "a.fits") == DIGEST
    assert ranges(server) == [None, "bytes=300000-", "bytes=300000-"]


def test_another_process_goes_on_where_a_killed_one_ended(
    client: HttpClient, server: ArchiveServer, tmp_path: Path
) -> None:
    server.faults.extend([cut(100_000), Reply(status=500), Reply(status=500)])
    with pytest.raises(ArchiveUnavailable):
        download(client, wanted(server), tmp_path / "a.fits")
    assert not (tmp_path / "a.fits").exists()
    with HttpClient("sky", POLICY) as other:
        assert download(other, wanted(server), tmp_path / "a.fits") == DIGEST
    assert ranges(server)[-1] == "bytes=100000-"


def test_a_file_that_changed_meanwhile_starts_anew(client: HttpClient, server: ArchiveServer, tmp_path: Path) -> None:
    server.faults.append(cut(300_000, etag='"0"'))
    assert download(client, wanted(server), tmp_path / "a.fits") == DIGEST


def test_a_service_that_cannot_go_on_is_asked_for_all_of_it(
    client: HttpClient, server: ArchiveServer, tmp_path: Path
) -> None:
    server.answer = lambda _: Reply(body=CONTENT)
    server.faults.append(Reply(body=CONTENT, n_sent=1000))
    assert download(client, wanted(server), tmp_path / "a.fits") == DIGEST
    assert ranges(server) == [None, None]


@pytest.mark.parametrize(
    "wrong",
    [
        Reply(status=206, body=CONTENT[5:], headers={"Content-Range": f"bytes 5-{len(CONTENT) - 1}/{len(CONTENT)}"}),
        Reply(status=206, body=CONTENT[5:]),
        Reply(status=416),
    ],
    ids=["another place", "no place", "beyond the end"],
)
def test_a_service_that_goes_on_wrongly_is_asked_for_all_of_it(
    client: HttpClient, server: ArchiveServer, tmp_path: Path, wrong: Reply
) -> None:
    server.faults.extend([cut(300_000), wrong])
    assert download(client, wanted(server), tmp_path / "a.fits") == DIGEST
    assert ranges(server) == [None, "bytes=300000-", None]


@pytest.mark.parametrize("header", ["Repr-Digest", "Digest"])
@pytest.mark.parametrize("kind", ["sha-256", "md5"])
def test_a_checksum_that_is_sent_along_must_be_right(
    client: HttpClient, server: ArchiveServer, tmp_path: Path, header: str, kind: str
) -> None:
    value = base64.b64encode(hashlib.new(kind.replace("-", ""), CONTENT).digest()).decode()
    good = Reply(body=CONTENT, headers={header: f"{kind}=:{value}:" if header == "Repr-Digest" else f"{kind}={value}"})
    bad = Reply(body=CONTENT[::-1], headers=good.headers)
    server.faults.append(bad)
    server.answer = lambda _: good
    assert download(client, wanted(server), tmp_path / "a.fits") == DIGEST
    server.answer = lambda _: bad
    with pytest.raises(UnusableFile, match="does not match its checksum"):
        download(client, wanted(server), tmp_path / "b.fits")
    assert not (tmp_path / "b.fits").exists()


def test_a_checksum_that_is_none_is_no_checksum(client: HttpClient, server: ArchiveServer, tmp_path: Path) -> None:
    server.answer = lambda _: Reply(body=CONTENT, headers={"Digest": "md5=A"})
    with pytest.raises(ArchiveUnavailable, match="unreadable checksum"):
        download(client, wanted(server), tmp_path / "a.fits")


def test_a_size_other_than_listed_is_no_success(client: HttpClient, server: ArchiveServer, tmp_path: Path) -> None:
    with pytest.raises(UnusableFile, match=r"another size than the archive says.*got=1024000, says=7"):
        download(client, wanted(server, n_bytes=7), tmp_path / "a.fits")
    assert not (tmp_path / "a.fits").exists()
    assert len(server.asked) == 3


@pytest.mark.parametrize("sized", [True, False])
def test_a_file_beyond_the_limit_is_refused_whether_or_not_it_says_so(
    client: HttpClient, server: ArchiveServer, tmp_path: Path, sized: bool
) -> None:
    server.answer = lambda _: Reply(body=CONTENT * 3, sized=sized)
    with pytest.raises(UnusableFile, match="file is too large"):
        download(client, wanted(server, n_bytes=None if sized else 3 * len(CONTENT)), tmp_path / "a.fits")
    assert list(tmp_path.iterdir()) == []
    assert len(server.asked) == 1


def test_a_file_of_which_nobody_knows_the_end_is_not_taken_for_whole(
    client: HttpClient, server: ArchiveServer, tmp_path: Path
) -> None:
    server.answer = lambda _: Reply(body=CONTENT, n_sent=5000, sized=False)
    with pytest.raises(UnusableFile, match="nobody says how long the file is"):
        download(client, wanted(server, n_bytes=None), tmp_path / "a.fits")
    assert list(tmp_path.iterdir()) == []


def test_a_service_that_sends_less_of_the_rest_than_asked_for_is_not_believed(
    client: HttpClient, server: ArchiveServer, tmp_path: Path
) -> None:
    some = {"ETag": '"1"', "Content-Range": f"bytes 300000-399999/{len(CONTENT)}"}
    server.faults.extend([cut(300_000), Reply(status=206, body=CONTENT[300_000:400_000], headers=some)])
    assert download(client, wanted(server, n_bytes=None), tmp_path / "a.fits") == DIGEST
    assert len(server.asked) == 3


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Reply(status=401), ArchiveRefused),
        (Reply(status=404), QueryRefused),
        (Reply(body=b"<html>log in</html>", headers={"Content-Type": "text/html;charset=utf-8"}), UnexpectedAnswer),
        (Reply(hangs=True), ArchiveUnavailable),
    ],
)
def test_what_is_no_file_is_an_error(
    client: HttpClient, server: ArchiveServer, tmp_path: Path, reply: Reply, kind: type[Exception]
) -> None:
    server.answer = lambda _: reply
    with pytest.raises(kind):
        download(client, wanted(server), tmp_path / "a.fits")
    assert not (tmp_path / "a.fits").exists()


def test_two_at_once_do_not_mix_their_bytes(client: HttpClient, server: ArchiveServer, tmp_path: Path) -> None:
    digests: list[str] = []

    def fetch() -> None:
        digests.append(download(client, wanted(server), tmp_path / "a.fits"))

    threads = [threading.Thread(target=fetch) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert digests == [DIGEST] * 6
    assert sha256_of(tmp_path / "a.fits") == DIGEST


def test_a_folder_that_cannot_be_written_is_a_failure_of_ours(
    client: HttpClient, server: ArchiveServer, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(StorageUnavailable, match="folder for downloads cannot be written"):
        download(client, wanted(server), tmp_path / "file" / "a.fits")


def test_a_large_file_does_not_fill_the_memory(server: ArchiveServer, tmp_path: Path) -> None:
    content = b"\0" * (64 * 2**20)
    server.answer = lambda _: Reply(body=content)
    with HttpClient("sky", HttpPolicy()) as client:
        tracemalloc.start()
        download(client, wanted(server, n_bytes=len(content)), tmp_path / "a.fits")
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 8 * 2**20


@pytest.mark.parametrize("is_renamed", [False, True])
def test_killed_at_the_very_end_it_leaves_the_file_or_its_part_and_nothing_else(
    client: HttpClient, server: ArchiveServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_renamed: bool
) -> None:
    def killed(part: Path, target: Path) -> Path:
        if is_renamed:
            part.rename(target)
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        download(client, wanted(server), tmp_path / "a.fits")
    assert [one.name for one in tmp_path.iterdir()] == ["a.fits" if is_renamed else ".a.fits.part"]
    monkeypatch.undo()
    (tmp_path / "a.fits").unlink(missing_ok=True)
    assert download(client, wanted(server), tmp_path / "a.fits") == DIGEST
