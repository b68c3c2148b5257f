"""What went wrong, as the client is told: problem details of RFC 9457, never the insides of a failure."""

from collections.abc import Mapping

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from astrid_core.adapters.db.reading.pages import BadKey
from astrid_core.shared.errors import (
    AstridError,
    Conflict,
    MissingArtifact,
    NotAllowed,
    TemporaryFailure,
    UnknownReason,
    UnknownRecord,
    Unprocessable,
)

MEDIA_TYPE = "application/problem+json"
TITLES: Mapping[int, str] = {
    400: "Not understood",
    401: "Not logged in",
    403: "Not permitted",
    404: "Not found",
    405: "Not possible here",
    406: "Not on offer",
    409: "In conflict with what is recorded",
    413: "Too large",
    415: "Not a kind of content that is taken",
    416: "No such part",
    422: "Not valid",
    429: "Too many requests",
    500: "Failed",
    503: "Not available now",
}
_RETRY_AFTER_S = 5

log = structlog.get_logger(__name__)


class WrongField(BaseModel):
    """A part of a request that is not valid."""

    where: str
    message: str


class Problem(BaseModel):
    """Why a request was not answered as wished."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    instance: str
    """The request, by the identity that the answer's header names, too."""
    errors: list[WrongField] | None = Field(default=None)


class Refused(HTTPException):
    """The request is not answered; the text is for the client."""

    def __init__(self, status: int, detail: str, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status_code=status, detail=detail, headers=dict(headers or {}))


def problem(
    request: Request,
    status: int,
    detail: str,
    *,
    kind: str = "about:blank",
    errors: list[WrongField] | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """Return the answer."""
    body = Problem(
        type=kind,
        title=TITLES.get(status, "Not answered"),
        status=status,
        detail=detail,
        instance=f"urn:astrid:request:{getattr(request.state, 'request_id', '')}",
        errors=errors,
    )
    content = body.model_dump(exclude_none=True)
    return JSONResponse(content, status_code=status, media_type=MEDIA_TYPE, headers=dict(headers or {}))


def tell_problems(app: FastAPI) -> None:
    """Have an application answer every failure with a problem."""
    app.exception_handler(HTTPException)(_refused)
    app.exception_handler(RequestValidationError)(_not_valid)
    app.exception_handler(BadKey)(_bad_key)
    app.exception_handler(AstridError)(_ours)
    app.exception_handler(Exception)(_unexpected)


async def _refused(request: Request, error: HTTPException) -> JSONResponse:
    return problem(request, error.status_code, str(error.detail), headers=error.headers)


async def _not_valid(request: Request, error: RequestValidationError) -> JSONResponse:
    # What was sent is not repeated: it may be a secret, or longer than the answer should be.
    errors = [
        WrongField(where=".".join(str(part) for part in one["loc"])[:200], message=str(one["msg"])[:500])
        for one in error.errors()
    ]
    return problem(request, 422, "the request is not valid", errors=errors)


async def _bad_key(request: Request, error: BadKey) -> JSONResponse:
    return problem(request, 422, str(error), errors=[WrongField(where="query.after", message=str(error))])


async def _ours(request: Request, error: AstridError) -> JSONResponse:
    status, headers = _status(error)
    is_theirs = status < 500
    if not is_theirs:
        log.error("request.failed", cause=str(error), path=request.url.path)
    detail = str(error) if is_theirs else error.message
    return problem(request, status, detail, kind=f"urn:astrid:error:{type(error).__name__}", headers=headers)


def _status(error: AstridError) -> tuple[int, dict[str, str]]:
    if isinstance(error, UnknownRecord | MissingArtifact):
        return 404, {}
    if isinstance(error, NotAllowed):
        return 403, {}
    if isinstance(error, Conflict):
        return 409, {}
    if isinstance(error, Unprocessable | UnknownReason):
        return 422, {}
    if isinstance(error, TemporaryFailure):
        return 503, {"Retry-After": str(_RETRY_AFTER_S)}
    return 500, {}


async def _unexpected(request: Request, error: Exception) -> JSONResponse:
    log.error("request.failed", cause=repr(error), path=request.url.path, exc_info=error)
    return problem(request, 500, "something failed here; the log of the server knows it by this instance")
