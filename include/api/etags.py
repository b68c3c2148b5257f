"""Answers that need not be sent again: the client says which version it has."""

import hashlib
from collections.abc import Mapping

from fastapi import Request
from fastapi.responses import Response
from pydantic import BaseModel


def is_known(request: Request, tag: str) -> bool:
    """Tell whether the client has the version ``tag``, which stands in quotes."""
    given = request.headers.get("if-none-match", "")
    known = {one.strip().removeprefix("W/") for one in given.split(",")}
    return "*" in known or tag in known


def not_modified(tag: str, headers: Mapping[str, str] | None = None) -> Response:
    """Return the answer to somebody who has the version."""
    return Response(status_code=304, headers={"ETag": tag, **(headers or {})})


def tagged(request: Request, found: BaseModel) -> Response:
    """Return one resource with the tag of its content, or tell that the client has it."""
    content = found.model_dump_json().encode()
    tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    if is_known(request, tag):
        return not_modified(tag, {"Cache-Control": "private, no-cache"})
    return Response(content, media_type="application/json", headers={"ETag": tag, "Cache-Control": "private, no-cache"})
