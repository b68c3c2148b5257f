"""Every alert arrives, once after deduplication and in order, whatever receivers and senders do."""

import json
import multiprocessing
import random
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest
from pydantic import SecretStr

from astrid_core.adapters.alerts.signature import KEY, SIGNATURE, TIME, headers, is_signed
from astrid_core.alerts.announce import Change
from astrid_core.alerts.entities import Alert, AlertKind, AlertState, Channel
from astrid_core.catalog.entities import CatalogEntry, EntryStatus, LightCurvePoint
from astrid_core.catalog.measure import catalog_entry
from astrid_core.shared.errors import AlertRefused, BadConfiguration, ChannelUnavailable
from astrid_core.stages.announce import announce_changes, open_channels
from tests.adapters.alert_receiver import CHANNELS, CONFIG, SECRET, Receiver, send_all, services_to, ways
from tests.adapters.databases import SqlDatabase
from tests.alerts.messages import STAMPS, message
from tests.catalog.invented import light_curve, measured

PATHS = [f"/{one.name}" for one in CHANNELS]


def objects(n: int) -> list[tuple[CatalogEntry, tuple[LightCurvePoint, ...]]]:
    """Return objects with two points each."""
    return [
        light_curve(
            number,
            measured(f"a:{number}", observation=f"demo:a{number}", mid_mjd=60000.0),
            measured(f"b:{number}", observation=f"demo:b{number}", mid_mjd=60001.0),
        )
        for number in range(1, n + 1)
    ]


def raise_alerts(url: str, n: int) -> Sequence[Alert]:
    """Record the lives of ``n`` objects: new, seen again, and every second one taken back; five alerts for two."""
    database = SqlDatabase(url)
    services = services_to(database, "http://127.0.0.1")
    open_channels(services, CONFIG)
    lives: list[list[Change]] = [[], [], []]
    for number, (entry, points) in enumerate(objects(n)):
        first = catalog_entry(points[:1])
        lives[0].append(Change(before=None, after=first, points_before=(), points=points[:1]))
        lives[1].append(Change(before=first, after=entry, points_before=points[:1], points=points))
        if number % 2:
            gone = replace(entry, status=EntryStatus.REJECTED)
            lives[2].append(Change(before=entry, after=gone, points_before=points, points=points))
    # As if nothing could be dropped any more: what is pending may be on its way.
    for changes in lives:
        with services.transaction() as records:
            announce_changes(records, changes)
            raised = records.alerts.search(state=AlertState.RAISED)
            records.alerts.put([replace(one, state=AlertState.PENDING, batch="life") for one in raised])
    with services.transaction() as records:
        alerts = records.alerts.search()
    database.close()
    return alerts


def deliver_under_fire(database_url: str, receiver: Receiver, *, n_alerts: int, n_kills: int) -> int:
    """Let senders work, and kill them one after the other; return how many were killed while they sent."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.adapters.alert_receiver"])
    chance = random.Random(2)  # noqa: S311 - chance that repeats, not a secret
    n_killed = 0
    sender = context.Process(target=send_all, args=(database_url, receiver.url))
    sender.start()
    try:
        while n_killed < n_kills:
            # Kills are spread over the whole delivery, each at another moment of a batch.
            goal = (n_killed + chance.random()) * n_alerts / n_kills * 0.95
            while sender.is_alive() and receiver.n_got() < goal:
                time.sleep(0.001)
            time.sleep(chance.random() * 0.02)
            if not sender.is_alive():
                break
            sender.kill()
            sender.join()
            n_killed += sender.exitcode == -9
            sender = context.Process(target=send_all, args=(database_url, receiver.url))
            sender.start()
        sender.join(timeout=500.0)
        assert sender.exitcode == 0
    finally:
        sender.kill()
        sender.join()
    return n_killed


def check(receiver: Receiver, alerts: Sequence[Alert]) -> None:
    """Each alert came, in the order of its object, and a retraction to whoever got the original."""
    assert receiver.unsigned == 0
    for channel in CHANNELS:
        came = receiver.got[f"/{channel.name}"]
        wanted = {str(one.key): one for one in alerts if one.channel == channel.name}
        firsts = list(dict.fromkeys(key for key, _ in came))
        assert sorted(firsts) == sorted(wanted)
        versions: dict[UUID, list[int]] = {}
        for key in firsts:
            versions.setdefault(wanted[key].entry_id, []).append(wanted[key].version)
        assert all(seen == sorted(seen) for seen in versions.values())
        bodies: dict[str, set[bytes]] = {}
        for key, body in came:
            bodies.setdefault(key, set()).add(body)
        assert {len(same) for same in bodies.values()} == {1}
        assert all(key.encode() in next(iter(same)) for key, same in bodies.items())
    kinds = {one.kind for one in alerts}
    assert kinds == {AlertKind.NEW, AlertKind.UPDATE, AlertKind.RETRACTION}


def test_each_alert_is_received_once_though_receivers_fail_and_senders_are_killed(sql_url: str) -> None:
    alerts = raise_alerts(sql_url, 24)
    with Receiver(bad=0.03) as receiver:
        n_killed = deliver_under_fire(sql_url, receiver, n_alerts=len(alerts), n_kills=3)
    assert len(alerts) == 120
    assert n_killed == 3
    check(receiver, alerts)


@pytest.mark.live
def test_ten_thousand_alerts_are_received_once_though_senders_are_killed_twenty_times(postgres_url: str) -> None:
    alerts = raise_alerts(postgres_url, 2000)
    with Receiver(bad=0.005) as receiver:
        n_killed = deliver_under_fire(postgres_url, receiver, n_alerts=len(alerts), n_kills=20)
    assert len(alerts) == 10_000
    assert n_killed == 20
    assert receiver.n_got() > len(alerts)
    check(receiver, alerts)


def test_a_packet_is_posted_with_its_key_and_a_signature_that_covers_time_key_and_body() -> None:
    with Receiver() as receiver, ways(receiver.url).open(CHANNELS[0]) as sender:
        sender.send(message())
    ((key, body),) = receiver.got["/one"]
    assert key == str(message().alert.key) == json.loads(body)["data"]["alert_id"]
    (got,) = receiver.headers
    assert got["Content-Type"] == "application/json"
    now_s = float(got[TIME])
    secret = SECRET.encode()
    assert is_signed(body, dict(got), secret=secret, now_s=now_s)
    assert not is_signed(body, dict(got), secret=secret, now_s=now_s + 301.0)
    assert not is_signed(body, dict(got), secret=b"another", now_s=now_s)
    assert not is_signed(body + b" ", dict(got), secret=secret, now_s=now_s)
    for name, other in ((KEY, "x"), (TIME, str(int(now_s) + 1)), (SIGNATURE, "v1=\xe9")):
        assert not is_signed(body, {**got, name: other}, secret=secret, now_s=now_s)
        assert not is_signed(body, {one: two for one, two in got.items() if one != name}, secret=secret, now_s=now_s)
    assert headers(b"", key="k", time_s=1, secret=b"s") == headers(b"", key="k", time_s=1, secret=b"s")


@pytest.mark.parametrize(
    ("status", "error"),
    [(302, ChannelUnavailable), (401, ChannelUnavailable), (404, ChannelUnavailable), (429, ChannelUnavailable),
     (500, ChannelUnavailable), (400, AlertRefused), (422, AlertRefused)],
)  # fmt: skip
def test_only_an_answer_that_says_so_is_a_delivery_and_redirects_are_not_followed(
    status: int, error: type[Exception]
) -> None:
    with (
        Receiver(status=status) as receiver,
        ways(receiver.url).open(CHANNELS[0]) as sender,
        pytest.raises(error, match=f"status={status}"),
    ):
        sender.send(message())
    assert list(receiver.got) == ["/one"]


def test_nothing_in_an_error_tells_address_or_secret() -> None:
    with Receiver() as receiver:
        url = receiver.url
    with ways(url).open(CHANNELS[0]) as sender, pytest.raises(ChannelUnavailable) as caught:
        sender.send(message())
    told = repr(caught.value) + str(caught.value) + repr(ways(url))
    assert SECRET not in told
    assert url not in told
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    "address",
    [
        "http://169.254.169.254/latest",
        "https://internal.example/",
        "http://allowed.example/",
        "ftp://127.0.0.1/",
        "//x",
    ],
)
def test_packets_go_only_where_they_may(address: str) -> None:
    some = replace(ways("http://127.0.0.1", hosts="127.0.0.1, allowed.example"), addresses={"one": SecretStr(address)})
    with pytest.raises(BadConfiguration) as caught, some.open(CHANNELS[0]):
        pass
    assert address not in str(caught.value)


def test_a_channel_needs_an_address_and_a_key_worth_the_name() -> None:
    with (
        pytest.raises(BadConfiguration, match="no address"),
        ways("http://127.0.0.1").open(Channel(name="three", format="gcn")),
    ):
        pass
    with pytest.raises(BadConfiguration, match="16 characters"), ways("http://127.0.0.1", keys={}).open(CHANNELS[0]):
        pass


def test_a_folder_holds_one_whole_file_for_each_alert_and_reports_go_nowhere_else(tmp_path: Path) -> None:
    sure = Channel(name="one", format="avro")
    some = replace(ways("http://127.0.0.1"), addresses={"one": SecretStr(f"file://{tmp_path}/out")})
    with some.open(sure) as sender:
        assert sender.wants_stamps
        sender.send(message(stamps=STAMPS))
        sender.send(message(stamps=STAMPS))
    (file,) = (tmp_path / "out").iterdir()
    assert file.name == f"{message().alert.key}.avro"
    report = Channel(name="one", format="tns", min_status="confirmed")
    with pytest.raises(BadConfiguration, match="a person sends them"), ways("http://127.0.0.1").open(report):
        pass
    blocked = replace(some, addresses={"one": SecretStr(f"file://{file}")})
    with blocked.open(sure) as sender, pytest.raises(ChannelUnavailable, match="cannot be written"):
        sender.send(message(stamps=STAMPS))
