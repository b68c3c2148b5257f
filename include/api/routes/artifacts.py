"""Stored bytes by their digest, whole or in parts."""

import hashlib
import re
from collections.abc import AsyncIterator, Mapping
from functools import partial
from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Depends, Path, Request, Response
from fastapi.responses import StreamingResponse

from astrid_core.shared.artifacts import ArtifactStore
from astrid_core.shared.errors import CorruptArtifact
from include.api.context import Context, context_of
from include.api.etags import is_known, not_modified
from include.api.identity import Reader
from include.api.problems import Refused

router = APIRouter(tags=["artifacts"])
_CHUNK_BYTES = 2**20
_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")
_BINARY = {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}


@router.get(
    "/artifacts/{digest}",
    response_class=Response,
    responses={200: _BINARY, 206: {"description": "The part that was asked for", **_BINARY}},
)
@router.head("/artifacts/{digest}", response_class=Response, include_in_schema=False)
async def artifact(
    _: Reader,
    request: Request,
    context: Annotated[Context, Depends(context_of)],
    digest: Annotated[str, Path(pattern=r"^[0-9a-f]{64}$")],
) -> Response:
    """Give the bytes, or the one range that is asked for; several ranges are answered with the whole."""
    artifacts = context.services.artifacts
    size = await to_thread.run_sync(artifacts.size, digest)
    tag = f'"{digest}"'
    headers = {
        "ETag": tag,
        "Cache-Control": "private, max-age=31536000, immutable",
        "Accept-Ranges": "bytes",
        "Content-Disposition": f'attachment; filename="{digest}"',
        # Packed on the way, the ranges would be of something else.
        "Content-Encoding": "identity",
    }
    if is_known(request, tag):
        return not_modified(tag, headers)
    first, behind = 0, size
    wanted = _range(request.headers, size, tag)
    if wanted is not None:
        first, behind = wanted
        headers["Content-Range"] = f"bytes {first}-{behind - 1}/{size}"
    headers["Content-Length"] = str(behind - first)
    status = 200 if wanted is None else 206
    if request.method == "HEAD":
        return Response(status_code=status, headers=headers)
    content = _verified(artifacts, digest, size) if wanted is None else _chunks(artifacts, digest, first, behind)
    return StreamingResponse(content, status_code=status, media_type="application/octet-stream", headers=headers)


def _range(headers: Mapping[str, str], size: int, tag: str) -> tuple[int, int] | None:
    """Return first byte and the one behind the last; None for the whole."""
    found = _RANGE.fullmatch(headers.get("range", "").replace(" ", ""))
    if found is None or found[0] == "bytes=-" or headers.get("if-range", tag) != tag:
        return None
    if not found[1]:
        n_last = min(int(found[2]), size)
        first, behind = size - n_last, size
    else:
        first = int(found[1])
        behind = min(int(found[2]) + 1, size) if found[2] else size
        if found[2] and int(found[2]) < first:
            return None
    if first >= size or first >= behind:
        raise Refused(416, f"there are {size} bytes", headers={"Content-Range": f"bytes */{size}"})
    return first, behind


async def _chunks(artifacts: ArtifactStore, digest: str, first: int, behind: int) -> AsyncIterator[bytes]:
    for start in range(first, behind, _CHUNK_BYTES):
        n_bytes = min(_CHUNK_BYTES, behind - start)
        yield await to_thread.run_sync(partial(artifacts.part, digest, start=start, n_bytes=n_bytes))


async def _verified(artifacts: ArtifactStore, digest: str, size: int) -> AsyncIterator[bytes]:
    """Yield the whole; the last chunk only if the bytes are what their digest says."""
    seen, held = hashlib.sha256(), b""
    async for chunk in _chunks(artifacts, digest, 0, size):
        if held:
            yield held
        seen.update(chunk)
        held = chunk
    if seen.hexdigest() != digest:
        raise CorruptArtifact("stored bytes do not match their digest", digest=digest)
    yield held
