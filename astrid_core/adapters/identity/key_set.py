"""Public keys of an issuer, from the address where it publishes them (JWKS, RFC 7517)."""

import json
from collections.abc import Callable, Mapping
from threading import Lock
from time import monotonic
from typing import Any

import httpx
import jwt
import structlog

from astrid_core.shared.errors import IdentityUnavailable

log = structlog.get_logger(__name__)

_TIMEOUT_S = 5.0
_MAX_BYTES = 256 * 1024
_FRESH_S = 3600.0
"""Keys are asked for again after this time: one that its issuer took back opens nothing any more."""
_STALE_S = 24 * 3600.0
"""Keys that could not be renewed for this long count no more."""
_PAUSE_S = 60.0
"""An issuer is asked no more often, whatever strangers send."""
_HEADERS = {"Accept": "application/json", "Accept-Encoding": "identity"}
_ALGORITHMS = {("RSA", ""): "RS256", ("EC", "P-256"): "ES256"}
"""Algorithm by kind of key and curve. It is never the token that says how it wants to be verified."""


class KeySet:
    """The keys at ``url`` by their identity; threads may share it."""

    def __init__(
        self, url: str, *, transport: httpx.BaseTransport | None = None, clock: Callable[[], float] = monotonic
    ) -> None:
        self._client = httpx.Client(transport=transport, timeout=_TIMEOUT_S, follow_redirects=False)
        self._url = url
        self._clock = clock
        self._lock = Lock()
        self._keys: Mapping[str, jwt.PyJWK] = {}
        self._renewed: float | None = None
        self._asked: float | None = None

    def find(self, key_id: str) -> jwt.PyJWK | None:
        """Return the key of this name; None if the issuer has none. IdentityUnavailable if nobody can tell."""
        with self._lock:
            now = self._clock()
            age = None if self._renewed is None else now - self._renewed
            may_ask = self._asked is None or now - self._asked >= _PAUSE_S
            if may_ask and (age is None or age >= _FRESH_S or key_id not in self._keys):
                age = self._renew(now, age)
            if age is None or age >= _STALE_S:
                raise IdentityUnavailable("keys of the issuer cannot be read", url=self._url)
            return self._keys.get(key_id)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _renew(self, now: float, age: float | None) -> float | None:
        """Ask the issuer; return how old the keys are now."""
        self._asked = now
        try:
            with self._client.stream("GET", self._url, headers=_HEADERS) as answer:
                answer.raise_for_status()
                self._keys = _read(_content(answer))
        except (httpx.HTTPError, ValueError) as error:
            log.warning("issuer.failed", url=self._url, cause=repr(error))
            return age
        self._renewed = now
        return 0.0


def _content(answer: httpx.Response) -> bytes:
    if answer.headers.get("Content-Encoding", "identity") != "identity":
        raise ValueError("the answer is packed")
    content = b""
    for chunk in answer.iter_bytes():
        content += chunk
        if len(content) > _MAX_BYTES:
            raise ValueError("the answer is too long")
    return content


def _read(content: bytes) -> dict[str, jwt.PyJWK]:
    """Return the keys that we verify with; ValueError for an answer that is no set of keys."""
    answer = json.loads(content)
    listed = answer.get("keys") if isinstance(answer, dict) else None
    if not isinstance(listed, list):
        raise ValueError("the answer is no set of keys")  # noqa: TRY004 - what a stranger answered, no wrong argument
    return {key.key_id: key for one in listed if (key := _key(one)) is not None and key.key_id}


def _key(told: Any) -> jwt.PyJWK | None:
    """Return a public key for signatures; None for secret ones, other curves and other uses."""
    if not isinstance(told, dict) or told.get("use", "sig") != "sig" or "d" in told:
        return None
    algorithm = _ALGORITHMS.get((str(told.get("kty")), str(told.get("crv", ""))))
    if algorithm is None or told.get("alg", algorithm) != algorithm:
        return None
    try:
        return jwt.PyJWK(told, algorithm=algorithm)
    except jwt.PyJWTError:
        return None
