"""Publish packets to a topic of Kafka, if confluent-kafka is installed (extra ``kafka``)."""

import time
from collections.abc import Mapping
from typing import Any

from astrid_core.adapters.alerts.formats import Format
from astrid_core.adapters.alerts.signature import headers
from astrid_core.alerts.entities import Message
from astrid_core.shared.errors import BadConfiguration, ChannelUnavailable

PREFIX = "kafka://"


class KafkaSender:
    """One topic; packets on one object go to one partition, which keeps their order."""

    def __init__(
        self,
        channel: str,
        address: str,
        format_: Format,
        *,
        secret: bytes,
        hosts: frozenset[str],
        options: Mapping[str, str],
        timeout_s: float,
    ) -> None:
        servers, _, topic = address.removeprefix(PREFIX).partition("/")
        if not topic or {one.rpartition(":")[0] for one in servers.split(",")} - hosts:
            raise BadConfiguration("packets may not go to these servers; see ASTRID_ALERT_HOSTS", channel=channel)
        if len(secret) < 16:
            raise BadConfiguration("the key of a channel must have at least 16 characters", channel=channel)
        self.wants_stamps = format_.wants_stamps
        self._channel, self._topic, self._format = channel, topic, format_
        self._secret, self._timeout_s = secret, timeout_s
        self._producer = _producer(
            {**options, "bootstrap.servers": servers, "acks": "all", "message.timeout.ms": int(1000 * timeout_s)},
            channel=channel,
        )

    def send(self, message: Message) -> None:
        """Publish a message; ChannelUnavailable unless every replica in step has it."""
        body = self._format.packet(message)
        signed = headers(body, key=str(message.alert.key), time_s=int(time.time()), secret=self._secret)
        told = {"Content-Type": self._format.media_type, **signed}
        outcome: list[str] = []
        self._producer.produce(
            self._topic,
            value=body,
            key=str(message.alert.entry_id),
            headers=[(name, value.encode()) for name, value in told.items()],
            on_delivery=lambda error, _: outcome.append("" if error is None else str(error.name())),
        )
        self._producer.flush(self._timeout_s + 1.0)
        if not outcome:
            # What is still in the queue would arrive behind our back.
            self._producer.purge()
        if outcome != [""]:
            why = outcome[0] if outcome else "no answer"
            raise ChannelUnavailable("topic did not take the packet", channel=self._channel, why=why)

    def close(self) -> None:
        """Give the connections back."""
        self._producer.flush(0.0)


def _producer(options: Mapping[str, object], *, channel: str) -> Any:
    try:
        from confluent_kafka import KafkaException, Producer  # noqa: PLC0415 - an extra that few install
    except ImportError as error:
        raise BadConfiguration("a topic of Kafka needs the extra 'kafka'", channel=channel) from error
    try:
        # What the library logs by itself holds addresses.
        return Producer({**options, "log_level": 0})
    except KafkaException:
        # Its text may repeat an option, and options may be secrets.
        raise BadConfiguration("options of Kafka are refused; see ASTRID_ALERT_KAFKA", channel=channel) from None
