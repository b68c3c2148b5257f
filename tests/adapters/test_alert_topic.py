"""Packets on a topic of Kafka: the broker that its client library brings along for tests."""

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from pydantic import SecretStr

from astrid_core.adapters.alerts.signature import KEY, is_signed
from astrid_core.shared.errors import BadConfiguration, ChannelUnavailable
from tests.adapters.alert_receiver import CHANNELS, SECRET, ways
from tests.alerts.messages import message

kafka = pytest.importorskip("confluent_kafka", reason="the extra 'kafka' is not installed")


@pytest.fixture
def broker() -> Iterator[str]:
    """Return host and port of a broker that lives as long as its producer."""
    owner = kafka.Producer({"bootstrap.servers": "none", "test.mock.num.brokers": "1"})
    (one,) = owner.list_topics(timeout=10.0).brokers.values()
    yield f"{one.host}:{one.port}"
    owner.flush(0.0)


def at(address: str, **kafka: str) -> Any:
    options = {name.replace("_", "."): SecretStr(value) for name, value in kafka.items()}
    return replace(ways("http://127.0.0.1"), addresses={"one": SecretStr(address)}, kafka=options)


def test_a_packet_is_on_the_topic_with_key_and_signature(broker: str) -> None:
    reader = kafka.Consumer({"bootstrap.servers": broker, "group.id": "g", "auto.offset.reset": "earliest"})
    with at(f"kafka://{broker}/alerts").open(CHANNELS[0]) as sender:
        sender.send(message())
        sender.send(message())
    reader.subscribe(["alerts"])
    got = [one for one in reader.consume(2, timeout=30.0) if one.error() is None]
    reader.close()
    assert len(got) == 2
    told = {name: value.decode() for name, value in got[0].headers()}
    assert got[0].value() == got[1].value()
    assert got[0].key().decode() == str(message().alert.entry_id)
    assert told[KEY] == str(message().alert.key)
    assert is_signed(got[0].value(), told, secret=SECRET.encode(), now_s=time.time())


def test_a_topic_that_is_away_is_tried_again_later() -> None:
    with at("kafka://127.0.0.1:9/alerts").open(CHANNELS[0]) as sender, pytest.raises(ChannelUnavailable):
        sender.send(message())


@pytest.mark.parametrize("address", ["kafka://10.0.0.1:9092/alerts", "kafka://127.0.0.1:1,evil:2/alerts", "kafka://x"])
def test_topics_are_only_where_they_may_be(address: str) -> None:
    with pytest.raises(BadConfiguration, match="ALERT_HOSTS"), at(address).open(CHANNELS[0]):
        pass


def test_an_option_that_does_not_exist_is_refused_without_telling_it() -> None:
    with pytest.raises(BadConfiguration) as caught, at("kafka://127.0.0.1:1/a", no_such="hush").open(CHANNELS[0]):
        pass
    assert "hush" not in str(caught.value)
