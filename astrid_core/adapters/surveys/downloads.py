"""Files from a service into a folder: resumed where they were cut, checked before they get their name."""

import base64
import binascii
import fcntl
import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import httpx

from astrid_core.adapters.surveys.http import HttpClient
from astrid_core.adapters.surveys.http_errors import AttemptFailed, shown
from astrid_core.shared.errors import StorageUnavailable, UnexpectedAnswer, UnusableFile

_CHUNK = 2**20
_DIGEST = re.compile(r"(sha-256|md5)=:?([A-Za-z0-9+/]+=*)", re.IGNORECASE)

_TOTAL = re.compile(r"bytes \d+-\d+/(\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A file at a service, and what is known about it beforehand."""

    url: str
    params: tuple[tuple[str, str], ...] = ()
    n_bytes: int | None = None
    sha256: str = ""
    """In hexadecimal; empty where nobody says."""


def download(client: HttpClient, wanted: Wanted, target: Path) -> str:
    """Bring a file to ``target`` and return its SHA-256; nothing is under that name before all of it is right.

    What was received of an earlier attempt, of this process or another, is kept in a hidden file beside it and gone on
    with where the service says that the file is still the same (Range with If-Range). Raise UnusableFile for a file
    whose size or checksum stays wrong or that is too large; the service's own failures as ``HttpClient.json`` does.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with _alone(target.with_name(f".{target.name}.part")) as part:
            try:
                digest = client.persist(lambda: _attempt(client, wanted, part), url=wanted.url)
            except UnusableFile:
                # Nothing of it is worth going on with.
                _validator_of(part).unlink(missing_ok=True)
                Path(part.name).unlink()
                raise
            # The validator first: a finished file is not asked for again, so what a kill leaves beside it stays.
            _validator_of(part).unlink(missing_ok=True)
            Path(part.name).replace(target)
    except OSError as error:
        raise StorageUnavailable(
            "folder for downloads cannot be written", folder=target.parent, cause=error.strerror
        ) from error
    return digest


def sha256_of(path: Path) -> str:
    """Return the digest of a file, reading a mebibyte at a time."""
    with path.open("rb") as stream:
        return _hash(stream, "sha256").hex()


@contextmanager
def _alone(path: Path) -> Iterator[BinaryIO]:
    """Open the unfinished file for this process only; whoever comes second waits, and starts from what is there."""
    while True:
        # "a" neither cuts what is there nor needs it; "+" lets us read it again.
        with path.open("a+b") as part:
            fcntl.flock(part, fcntl.LOCK_EX)
            # While we waited it may have become the finished file, which nobody may write to.
            if path.exists() and path.stat().st_ino == os.fstat(part.fileno()).st_ino:
                yield part
                return


def _attempt(client: HttpClient, wanted: Wanted, part: BinaryIO) -> str:
    held = part.seek(0, os.SEEK_END)
    validator = _validator_of(part).read_text() if held and _validator_of(part).exists() else ""
    headers = {"Accept-Encoding": "identity"}
    if held and validator:
        headers |= {"Range": f"bytes={held}-", "If-Range": validator}
    with client.stream("GET", wanted.url, params=dict(wanted.params) or None, headers=headers) as response:
        if response.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
            _forget(part)
            raise AttemptFailed("what was received before is longer than the file")
        client.require_success(response)
        _require_no_page(response, client.service)
        if response.status_code != httpx.codes.PARTIAL_CONTENT:
            _forget(part)
            held = 0
        elif not response.headers.get("Content-Range", "").startswith(f"bytes {held}-"):
            _forget(part)
            raise AttemptFailed("the service goes on at another place than asked for")
        n_bytes = wanted.n_bytes if wanted.n_bytes is not None else _announced_size(response)
        _remember(part, response)
        digest = _digest_of(part, held)
        _receive(client, response, part, digest, held)
        return _checked(part, wanted, n_bytes, digest.digest(), response)


def _digest_of(part: BinaryIO, held: int) -> "hashlib._Hash":
    """Return the running SHA-256 of what is held already; the rest is added as it arrives, not read again."""
    digest = hashlib.sha256()
    part.seek(0)
    while held and (chunk := part.read(_CHUNK)):
        digest.update(chunk)
    return digest


def _receive(client: HttpClient, response: httpx.Response, part: BinaryIO, digest: "hashlib._Hash", held: int) -> None:
    allowed = client.policy.max_file_bytes
    for size in (held + int(response.headers.get("Content-Length", "0")), held):
        _require_size(size, allowed, part, response)
    for chunk in client.chunks(response, within_s=client.policy.file_s):
        held += len(chunk)
        _require_size(held, allowed, part, response)
        part.write(chunk)
        digest.update(chunk)


def _require_size(size: int, allowed: int, part: BinaryIO, response: httpx.Response) -> None:
    if size > allowed:
        _forget(part)
        raise UnusableFile("file is too large", url=shown(response.request.url), n_bytes=size, allowed=allowed)


def _announced_size(response: httpx.Response) -> int | None:
    """Return the size of the whole file that the service announces; None where the transfer itself tells the end.

    Without any of that a connection that is cut looks like the end of the file: UnusableFile.
    """
    total = _TOTAL.fullmatch(response.headers.get("Content-Range", ""))
    if total:
        return int(total[1])
    if response.status_code != httpx.codes.PARTIAL_CONTENT:
        if "Content-Length" in response.headers:
            return int(response.headers["Content-Length"])
        if response.headers.get("Transfer-Encoding", "").lower() == "chunked":
            return None
    raise UnusableFile("nobody says how long the file is", url=shown(response.request.url))


def _checked(part: BinaryIO, wanted: Wanted, n_bytes: int | None, digest: bytes, response: httpx.Response) -> str:
    """Return the SHA-256 of the received file; AttemptFailed, ending as UnusableFile, where something is wrong."""
    part.flush()
    url = shown(response.request.url)
    size = part.seek(0, os.SEEK_END)
    if n_bytes is not None and size != n_bytes:
        _forget(part)
        wrong = UnusableFile("file has another size than the archive says", url=url, got=size, says=n_bytes)
        raise AttemptFailed(f"{size} bytes instead of {n_bytes}", ends_as=wrong)
    announced = list(_announced(response).items())
    if wanted.sha256:
        announced.append(("sha256", bytes.fromhex(wanted.sha256)))
    for kind, value in announced:
        got = digest if kind == "sha256" else _hash(part, kind)
        if got != value:
            _forget(part)
            wrong = UnusableFile("file does not match its checksum", url=url, kind=kind, got=got.hex()[:12])
            raise AttemptFailed(f"wrong {kind}", ends_as=wrong)
    return digest.hex()


def _announced(response: httpx.Response) -> dict[str, bytes]:
    """Return the checksums of the whole file that the service sends along, by their names in hashlib."""
    found: dict[str, bytes] = {}
    for header in ("Repr-Digest", "Digest"):
        for kind, value in _DIGEST.findall(response.headers.get(header, "")):
            try:
                found[kind.lower().replace("-", "")] = base64.b64decode(value, validate=True)
            except binascii.Error as error:
                raise AttemptFailed(f"unreadable checksum: {header}") from error
    return found


def _hash(stream: BinaryIO, kind: str) -> bytes:
    stream.seek(0)
    digest = hashlib.new(kind, usedforsecurity=False)
    while chunk := stream.read(_CHUNK):
        digest.update(chunk)
    return digest.digest()


def _require_no_page(response: httpx.Response, service: str) -> None:
    if response.headers.get("Content-Type", "").lower().startswith("text/html"):
        raise UnexpectedAnswer(
            "archive answers with a web page instead of a file: log-in, maintenance, or its address has changed",
            service=service,
            url=shown(response.request.url),
        )


def _remember(part: BinaryIO, response: httpx.Response) -> None:
    """Keep what proves later that the file is still the same; weak ETags do not."""
    tag = response.headers.get("ETag", "")
    validator = tag if tag and not tag.startswith("W/") else response.headers.get("Last-Modified", "")
    if validator:
        _validator_of(part).write_text(validator)
    else:
        _validator_of(part).unlink(missing_ok=True)


def _forget(part: BinaryIO) -> None:
    part.truncate(0)
    _validator_of(part).unlink(missing_ok=True)


def _validator_of(part: BinaryIO) -> Path:
    return Path(f"{part.name}.same")
