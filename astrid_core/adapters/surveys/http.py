"""The one client for services on the network: patient, bounded, and clear about what went wrong.

Every request has time-outs; what may pass is tried again with growing, scattered pauses; what will not pass fails at
once. One client serves one service: its limit on concurrent requests and its circuit hold within this process.
"""

import json
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx
import structlog

from astrid_core.adapters.surveys.circuit import Circuit
from astrid_core.adapters.surveys.http_bodies import read_capped
from astrid_core.adapters.surveys.http_errors import (
    AttemptFailed,
    excerpt,
    require_success,
    shown,
    translated,
    unavailable,
)
from astrid_core.adapters.surveys.http_policy import HttpPolicy
from astrid_core.shared.errors import AstridError, BadConfiguration, UnexpectedAnswer

log = structlog.get_logger()

T = TypeVar("T")

_MAX_REDIRECTS = 5
_HEADERS = {"User-Agent": "AstrID/0.1", "Accept-Encoding": "gzip"}


class HttpClient:
    """Asks one service; safe for threads. Its ``authorization`` header is in no error, log line or ``repr``."""

    def __init__(
        self,
        service: str,
        policy: HttpPolicy,
        *,
        authorization: str = "",
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.service = service
        self.policy = policy
        self.clock = clock
        self._sleep = sleep
        self._circuit = Circuit(service, n_failures=policy.n_failures_open, open_s=policy.open_s, clock=clock)
        self._slots = threading.BoundedSemaphore(policy.n_concurrent)
        if not authorization.isprintable() or not authorization.isascii():
            raise BadConfiguration("token has characters that no header may hold", service=service)
        self._secrets = tuple(word for word in authorization.split() if len(word) > 6)
        # httpx takes this header off by itself when a redirect leads to another host.
        self._client = httpx.Client(
            headers=_HEADERS | ({"Authorization": authorization} if authorization else {}),
            timeout=httpx.Timeout(policy.read_s, connect=policy.connect_s),
            limits=httpx.Limits(max_connections=policy.n_concurrent),
            follow_redirects=True,
            max_redirects=_MAX_REDIRECTS,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def text(self, url: str, *, params: Mapping[str, str] | None = None) -> str:
        """GET a page or table as text (UTF-8; other bytes are replaced)."""
        return self.persist(lambda: self._answer("GET", url, params, None), url=url).decode("utf-8", "replace")

    def json(
        self,
        url: str,
        *,
        params: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        accept: Callable[[Any], T],
    ) -> T:
        """Return what ``accept`` makes of the JSON that a GET, or the POST of a ``form``, is answered with.

        Raise ArchiveUnavailable when every attempt failed, ArchiveRefused for 401 and 403, QueryRefused for other
        refusals, UnexpectedAnswer for a web page, a redirect loop or more than ``max_answer_bytes``.
        """

        def attempt() -> T:
            body = self._answer("GET" if form is None else "POST", url, params, form)
            return accept(self._parsed(body, url))

        return self.persist(attempt, url=url)

    def persist(self, attempt: Callable[[], T], *, url: str) -> T:
        """Return what ``attempt`` returns, after as many AttemptFailed as the policy allows."""
        for number in range(1, self.policy.n_attempts + 1):
            try:
                return self._once(attempt)
            except AttemptFailed as failed:
                pause_s = self._pause_s(number, failed)
                if number == self.policy.n_attempts or pause_s > self.policy.longest_pause_s:
                    error = failed.ends_as or unavailable(
                        failed,
                        service=self.service,
                        url=shown(url),
                        n_attempts=number,
                        longest_pause_s=self.policy.longest_pause_s,
                    )
                    raise error from failed
                log.warning(
                    "request.failed",
                    service=self.service,
                    url=shown(url),
                    attempt=number,
                    why=str(failed),
                    pause_s=pause_s,
                )
            self._sleep(pause_s)
        raise AssertionError("the last attempt returns or raises")

    @contextmanager
    def stream(
        self,
        method: str,
        url: str,
        *,
        params: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Iterator[httpx.Response]:
        """Open one answer, its body still to be read; failures of the transport become ours."""
        try:
            with self._client.stream(method, url, params=params, data=form, headers=headers) as response:
                yield response
        except httpx.HTTPError as error:
            raise translated(error, service=self.service) from error

    def chunks(self, response: httpx.Response, *, within_s: float) -> Iterator[bytes]:
        """Yield the body as it was sent, in pieces; AttemptFailed when it takes longer than ``within_s``."""
        deadline = self.clock() + within_s
        for chunk in response.iter_raw():
            yield chunk
            if self.clock() > deadline:
                raise AttemptFailed(f"the answer takes longer than {within_s:g} s")

    def require_success(self, response: httpx.Response) -> None:
        """Raise the right error for a status that is no success, with the beginning of what the service says."""
        if response.is_success:
            return
        says = self._said(self.chunks(response, within_s=self.policy.read_s))
        require_success(response, says, service=self.service)

    def _answer(self, method: str, url: str, params: Mapping[str, str] | None, form: Mapping[str, str] | None) -> bytes:
        with self.stream(method, url, params=params, form=form) as response:
            self.require_success(response)
            body = self.chunks(response, within_s=self.policy.answer_s)
            return read_capped(response, body, cap=self.policy.max_answer_bytes, service=self.service)

    def _said(self, chunks: Iterator[bytes]) -> str:
        said = excerpt(chunks)
        # Some services repeat what they were sent.
        for secret in self._secrets:
            said = said.replace(secret, "***")
        return said

    def _parsed(self, body: bytes, url: str) -> Any:
        if body.lstrip()[:1] == b"<":
            raise UnexpectedAnswer(
                "archive answers with a web page instead of data: it is in maintenance, or its address has changed",
                service=self.service,
                url=shown(url),
                says=self._said(iter([body])),
            )
        try:
            return json.loads(body)
        except ValueError as error:
            # An answer without a length that was cut looks like this, too.
            raise AttemptFailed(f"not JSON: {error}") from error

    def _once(self, attempt: Callable[[], T]) -> T:
        self._circuit.require_closed()
        settled = False
        try:
            with self._slots:
                result = attempt()
        except AttemptFailed as failed:
            # A file that is wrong says nothing about the service that sends it.
            (self._circuit.failed if failed.ends_as is None else self._circuit.succeeded)()
            settled = True
            raise
        except AstridError:
            self._circuit.succeeded()
            settled = True
            raise
        else:
            self._circuit.succeeded()
            settled = True
            return result
        finally:
            if not settled:
                self._circuit.abandoned()

    def _pause_s(self, number: int, failed: AttemptFailed) -> float:
        """Return how long to wait: as asked for, or doubling and scattered, lest all clients come back at once."""
        if failed.retry_after_s is not None:
            return failed.retry_after_s
        mean_s = self.policy.first_pause_s * 2.0 ** (number - 1)
        return min(mean_s * random.uniform(0.5, 1.5), self.policy.longest_pause_s)  # noqa: S311 - no secret
