"""Post packets to an address, signed."""

import logging
import time
from collections.abc import Callable
from http import HTTPStatus

import httpx

from astrid_core.adapters.alerts.formats import Format
from astrid_core.adapters.alerts.signature import headers
from astrid_core.alerts.entities import Message
from astrid_core.shared.errors import AlertRefused, BadConfiguration, ChannelUnavailable

_NEVER = frozenset({400, 413, 415, 422})
"""What a receiver answers to a packet that it will not take however often it comes."""
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


def check_address(address: str, *, channel: str, hosts: frozenset[str]) -> httpx.URL:
    """Return the address; BadConfiguration where packets may not go there. It is in no message: it may be a secret."""
    try:
        url = httpx.URL(address)
    except httpx.InvalidURL as error:
        raise BadConfiguration("the address of a channel is none", channel=channel) from error
    if url.host not in hosts:
        raise BadConfiguration("packets may not go to this host; see ASTRID_ALERT_HOSTS", channel=channel)
    if url.scheme != "https" and not (url.scheme == "http" and url.host in _LOOPBACK):
        raise BadConfiguration("packets go out by https only", channel=channel)
    return url


class WebhookSender:
    """One receiver on the network. Neither its address nor its secret is in any error or log line."""

    def __init__(
        self,
        channel: str,
        url: httpx.URL,
        format_: Format,
        *,
        secret: bytes,
        timeout_s: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        if len(secret) < 16:
            raise BadConfiguration("the key of a channel must have at least 16 characters", channel=channel)
        # httpx would log addresses.
        logging.getLogger("httpx").setLevel(logging.WARNING)
        self.wants_stamps = format_.wants_stamps
        self._channel, self._url, self._format = channel, url, format_
        self._secret, self._clock = secret, clock
        # A redirect could lead anywhere: it is an answer like any other, and a failure.
        self._client = httpx.Client(timeout=timeout_s, follow_redirects=False, trust_env=False)
        self._timeout_s = timeout_s

    def send(self, message: Message) -> None:
        """Post a message. Raise ChannelUnavailable or AlertRefused unless the receiver says that it has it (2xx)."""
        body = self._format.packet(message)
        signed = headers(body, key=str(message.alert.key), time_s=int(self._clock()), secret=self._secret)
        began = time.monotonic()
        try:
            with self._client.stream(
                "POST", self._url, content=body, headers={"Content-Type": self._format.media_type, **signed}
            ) as answer:
                status = answer.status_code
        except httpx.HTTPError as error:
            raise ChannelUnavailable(
                "receiver does not answer",
                channel=self._channel,
                why=type(error).__name__,
                after_s=time.monotonic() - began,
            ) from None
        if status in _NEVER:
            raise AlertRefused("receiver refuses the packet", channel=self._channel, status=status)
        if not HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
            raise ChannelUnavailable("receiver did not take the packet", channel=self._channel, status=status)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()
