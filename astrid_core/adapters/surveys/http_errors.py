"""What can go wrong between us and a service on the network, in our words."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import httpx

from astrid_core.shared.errors import (
    ArchiveRefused,
    ArchiveUnavailable,
    AstridError,
    QueryRefused,
    ServicePaused,
    UnexpectedAnswer,
)

_TEMPORARY_STATUS = (408, 409, 425, 429)
_REFUSED_STATUS = (401, 403, 407)
_EXCERPT = 200
_READ = 4096


class AttemptFailed(Exception):
    """One attempt came to nothing in a way that another one may mend; never leaves the client.

    ``retry_after_s`` is what the service asked for; ``ends_as`` what the caller is told if no attempt is left, where
    that is not ArchiveUnavailable.
    """

    def __init__(self, why: str, *, retry_after_s: float | None = None, ends_as: AstridError | None = None) -> None:
        super().__init__(why)
        self.retry_after_s = retry_after_s
        self.ends_as = ends_as


def shown(url: str | httpx.URL) -> str:
    """Return a URL as it may stand in logs: without user, password, query and fragment, where secrets travel."""
    parts = urlsplit(str(url))
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname or ''}{port}{parts.path}"


def require_success(response: httpx.Response, says: str, *, service: str) -> None:
    """Raise AttemptFailed for a status that may pass, and one of our errors for one that will not."""
    status = response.status_code
    if 200 <= status < 300:
        return
    if status in _TEMPORARY_STATUS or status >= 500:
        raise AttemptFailed(f"status {status}", retry_after_s=_retry_after_s(response.headers.get("Retry-After")))
    raise _refusal(status, service=service, url=shown(response.request.url), says=says)


def _refusal(status: int, *, service: str, url: str, says: str) -> AstridError:
    if status in _REFUSED_STATUS:
        return ArchiveRefused(
            "archive refuses: give it a token, renew the one it has, or leave out data that are not public",
            service=service,
            url=url,
            status=status,
            says=says,
        )
    if status >= 400:
        return QueryRefused(
            "archive says that the request is wrong", service=service, url=url, status=status, says=says
        )
    return UnexpectedAnswer("archive answers with an unknown status", service=service, url=url, status=status)


def translated(error: httpx.HTTPError, *, service: str) -> AttemptFailed | AstridError:
    """Return what a failure of the transport means."""
    url = shown(error.request.url)
    if isinstance(error, httpx.TooManyRedirects):
        return UnexpectedAnswer("archive redirects in circles: its address has changed", service=service, url=url)
    if isinstance(error, httpx.UnsupportedProtocol):
        return UnexpectedAnswer("archive redirects to something that is not HTTP", service=service, url=url)
    # Time-outs, refused, reset or cut connections, names that do not resolve, answers that are not HTTP.
    return AttemptFailed(f"{type(error).__name__}: {_line(str(error))}")


def unavailable(
    failed: AttemptFailed, *, service: str, url: str, n_attempts: int, longest_pause_s: float
) -> ArchiveUnavailable:
    """Return the error of a request that all attempts left unanswered, or whose next one is a long way off."""
    facts: dict[str, object] = {"service": service, "url": url, "n_attempts": n_attempts, "last": str(failed)}
    if failed.retry_after_s is not None:
        facts["try_again_in_s"] = failed.retry_after_s
        if failed.retry_after_s > longest_pause_s:
            return ServicePaused("archive asks to be left alone for a while", **facts)
    return ArchiveUnavailable("archive does not answer", **facts)


def _retry_after_s(value: str | None) -> float | None:
    """Return the seconds of a Retry-After header, which may also be a date; None if it is neither."""
    if value is None:
        return None
    if re.fullmatch(r"\d{1,9}", value.strip()):
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max((moment - datetime.now(tz=UTC)).total_seconds(), 0.0)


def excerpt(chunks: Iterator[bytes]) -> str:
    """Return the beginning of what a service says, without tags, on one printable line."""
    said = next(chunks, b"")[:_READ]
    return _line(re.sub(r"<[^>]*>", " ", said.decode("utf-8", "replace")))


def _line(text: str) -> str:
    return "".join(char for char in " ".join(text.split()) if char.isprintable())[:_EXCERPT]
