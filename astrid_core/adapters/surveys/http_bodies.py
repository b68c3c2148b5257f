"""Bodies of answers, read without ever holding more than we want to hold."""

import zlib
from collections.abc import Iterator

import httpx

from astrid_core.adapters.surveys.http_errors import AttemptFailed, shown
from astrid_core.shared.errors import UnexpectedAnswer

_GZIP_WINDOW = 16 + zlib.MAX_WBITS
_PIECE = 2**20


def read_capped(response: httpx.Response, chunks: Iterator[bytes], *, cap: int, service: str) -> bytes:
    """Return the body, unpacked; raise UnexpectedAnswer as soon as it is longer than ``cap`` bytes.

    AttemptFailed where it ends too early. httpx would unpack each piece whole, however long that becomes.
    """
    encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
    url = shown(response.request.url)
    if encoding in ("gzip", "x-gzip"):
        chunks = _unpacked(chunks)
    elif encoding != "identity":
        raise UnexpectedAnswer("archive packs its answer in an unknown way", service=service, url=url, how=encoding)
    pieces: list[bytes] = []
    held = 0
    for piece in chunks:
        held += len(piece)
        if held > cap:
            raise UnexpectedAnswer("archive answers too much: ask for less", service=service, url=url, allowed=cap)
        pieces.append(piece)
    return b"".join(pieces)


def _unpacked(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield pieces of at most a mebibyte, so that a bomb of zeros is noticed before it has gone off."""
    unpack = zlib.decompressobj(_GZIP_WINDOW)
    try:
        for chunk in chunks:
            rest = chunk
            while rest:
                yield unpack.decompress(rest, _PIECE)
                rest = unpack.unconsumed_tail
    except zlib.error as error:
        raise AttemptFailed(f"the answer cannot be unpacked: {error}") from error
    if not unpack.eof:
        raise AttemptFailed("the packed answer ends too early")
