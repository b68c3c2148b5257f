"""Alerts over memory twins: raised with the change, held where they are a flood, sent until they have arrived."""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from astrid_core.alerts.config import AlertsConfig
from astrid_core.alerts.entities import Alert, AlertKind, AlertState, Channel
from astrid_core.curation.access import Role
from astrid_core.curation.config import CurateConfig
from astrid_core.curation.entities import Seed, Verdict
from astrid_core.shared.errors import AlertRefused, ChannelUnavailable, NotAllowed, UnknownRecord
from astrid_core.stages.access import grant_role
from astrid_core.stages.alert_gate import drop_alerts, held_batches, release_alerts, run_gate_alerts
from astrid_core.stages.announce import open_channels
from astrid_core.stages.deliver import run_deliver
from tests.fakes.alerts import MemoryAlertChannels, MemoryAlertSender
from tests.stages.voting import Voting, names, voting

ALL = Channel(name="all", format="gcn")
SURE = Channel(name="sure", format="tns", min_status="confirmed")
CONFIG = AlertsConfig(channels=(ALL, SURE))


class Told:
    """A night with channels, and a clock."""

    def __init__(self, *, n: int = 3, config: AlertsConfig = CONFIG) -> None:
        self.config = config
        self.night: Voting = voting(n, config=CurateConfig(n_votes=1))
        self.all, self.sure = MemoryAlertSender(), MemoryAlertSender()
        ways = MemoryAlertChannels({"all": self.all, "sure": self.sure})
        self.services = self.night.services = replace(self.night.services, alert_channels=ways)
        self.at = datetime.now(UTC) + timedelta(seconds=1)
        open_channels(self.services, config)
        for login in ("dan", "ana"):
            grant_role(self.services, login=login, role=Role.DATA_RELEASE)

    def gate(self, batch: str = "run-1") -> None:
        run_gate_alerts(self.services, self.config, batch=batch)

    def deliver(self, *, after_s: float = 0.0) -> None:
        self.at += timedelta(seconds=after_s)
        run_deliver(self.services, self.config, clock=lambda: self.at)

    def alerts(self, channel: str | None = None) -> Sequence[Alert]:
        with self.services.transaction() as records:
            return records.alerts.search(channel=channel)

    def states(self) -> list[str]:
        return [one.state.value for one in self.alerts()]


def test_without_a_channel_nothing_is_said() -> None:
    told = Told(config=AlertsConfig())
    told.night.publish()
    assert told.alerts() == ()
    assert "alerts.channels_opened" not in names(told.services)


def test_a_published_night_is_told_and_publishing_it_again_says_nothing_more() -> None:
    told = Told()
    told.night.publish()
    told.gate()
    told.deliver()
    told.night.publish()
    told.gate("run-2")
    told.deliver()
    assert [one.alert.kind for one in told.all.got] == [AlertKind.NEW] * 3
    assert [one.announcement.newest.detection_id for one in told.all.got] != []
    assert {one.alert.key for one in told.all.got} == {one.key for one in told.alerts()}
    assert told.states() == ["delivered"] * 3
    assert told.sure.got == []


def test_verdicts_confirm_and_take_back() -> None:
    told = Told()
    told.night.publish()
    told.gate()
    told.deliver()
    told.night.say("ana", 0, Verdict.REAL)
    told.night.say("bo", 1, Verdict.BOGUS)
    told.gate("run-2")
    told.deliver()
    assert [one.alert.kind for one in told.all.got[3:]] == [AlertKind.CONFIRMED, AlertKind.RETRACTION]
    assert told.all.got[4].replaces in {one.alert.key for one in told.all.got[:3]}
    assert [(one.kind, one.state) for one in told.alerts("sure")] == [(AlertKind.NEW, AlertState.HELD)]


def test_the_change_and_its_alerts_are_recorded_together_or_not_at_all() -> None:
    told = Told()
    with pytest.raises(ZeroDivisionError):
        _publish_and_fail(told)
    with told.services.transaction() as records:
        assert (records.alerts.search(), records.catalog.search()) == ((), ())


def _publish_and_fail(told: Told) -> None:
    with told.services.transaction() as records:
        inside = replace(told.night.services, transaction=lambda: nullcontext(records))
        replace(told.night, services=inside).publish()
        assert len(records.alerts.search()) == len(records.catalog.search()) == 3
        raise ZeroDivisionError


def test_an_object_with_a_seed_is_not_announced() -> None:
    told = Told()
    with told.services.transaction() as records:
        records.seeds.add(Seed(detection_id=told.night.ids[0], answer=Verdict.REAL, origin="somebody"))
    told.night.publish()
    with told.services.transaction() as records:
        said = [records.alerts.announcement(one.entry_id, one.version) for one in records.alerts.search()]
    assert {one.newest.detection_id for one in said} == set(told.night.ids[1:])


def test_a_flood_waits_for_a_person_and_its_retractions_do_not() -> None:
    told = Told(n=5, config=replace(CONFIG, max_per_run=4))
    told.night.publish()
    told.gate()
    told.deliver()
    assert told.all.got == []
    assert held_batches(told.services) == {"run-1": {"all": 5}}
    told.night.say("ana", 0, Verdict.BOGUS)
    assert told.states().count("dropped") == 1
    with pytest.raises(NotAllowed):
        release_alerts(told.services, "run-1", login="bo", reason="")
    with pytest.raises(UnknownRecord):
        release_alerts(told.services, "run-9", login="dan", reason="")
    assert release_alerts(told.services, "run-1", login="dan", reason="a nova shower") == 4
    told.deliver()
    assert len(told.all.got) == 4
    assert names(told.services)[-1] == "alerts.released"


def test_a_dropped_flood_is_never_sent_and_what_follows_begins_anew() -> None:
    told = Told(config=replace(CONFIG, max_per_run=2))
    told.night.publish()
    told.gate()
    assert drop_alerts(told.services, "run-1", login="dan", reason="moonlight") == 3
    told.night.say("ana", 0, Verdict.REAL)
    told.gate("run-2")
    told.deliver()
    assert [one.alert.kind for one in told.all.got] == [AlertKind.NEW]


def test_a_gate_that_is_repeated_counts_the_same_again() -> None:
    told = Told(config=replace(CONFIG, max_per_run=2))
    told.night.publish()
    told.gate()
    again = run_gate_alerts(told.services, told.config, batch="run-1")
    assert again.held == {"all": 3}


def test_what_goes_to_the_name_server_needs_a_second_person() -> None:
    told = Told()
    told.night.say("ana", 0, Verdict.REAL)
    told.night.publish()
    told.gate()
    told.deliver()
    assert told.sure.got == []
    assert held_batches(told.services) == {"run-1": {"sure": 1}}
    with pytest.raises(NotAllowed, match="did not judge"):
        release_alerts(told.services, "run-1", login="ana", reason="mine")
    assert release_alerts(told.services, "run-1", login="dan", reason="seen by two") == 1
    told.deliver()
    assert [one.alert.kind for one in told.sure.got] == [AlertKind.NEW]


def test_a_receiver_that_fails_is_tried_again_later_and_later_and_holds_up_nobody_else() -> None:
    told = Told(config=AlertsConfig(channels=(ALL, replace(ALL, name="sure")), max_failures=1))
    away = ChannelUnavailable("away")
    told.all.failures += [away, away]
    told.night.publish()
    told.gate()
    told.deliver()
    assert (len(told.all.got), len(told.sure.got)) == (0, 3)
    told.deliver(after_s=told.config.first_pause_s - 1.0)
    assert len(told.all.got) == 0
    told.deliver(after_s=1000.0)
    assert {one.n_attempts for one in told.alerts("sure")} == {1}
    told.deliver(after_s=1000.0)
    assert len(told.all.got) == 3
    assert told.states() == ["delivered"] * 6


def test_a_packet_that_is_refused_for_good_is_not_sent_again_and_needs_no_retraction() -> None:
    told = Told()
    told.all.failures.append(AlertRefused("no"))
    told.night.publish()
    told.gate()
    told.deliver()
    refused = [number for number, one in enumerate(told.alerts()) if one.state is AlertState.REFUSED]
    assert len(refused) == 1
    told.deliver(after_s=1e6)
    assert len(told.all.got) == 2
    with told.services.transaction() as records:
        alert = next(one for one in records.alerts.search() if one.state is AlertState.REFUSED)
        detection = records.alerts.announcement(alert.entry_id, 1).newest.detection_id
    told.night.say("ana", told.night.ids.index(detection), Verdict.BOGUS)
    assert [one.kind for one in told.alerts()] == [AlertKind.NEW] * 3


def test_a_closed_channel_still_gets_what_takes_back_what_it_was_told() -> None:
    told = Told()
    told.night.publish()
    told.gate()
    told.deliver()
    open_channels(told.services, AlertsConfig())
    told.night.say("ana", 0, Verdict.BOGUS)
    told.gate("run-2")
    told.deliver()
    assert told.all.got[-1].alert.kind is AlertKind.RETRACTION


def test_a_channel_without_an_address_is_given_up_and_said_so() -> None:
    told = Told(config=AlertsConfig(channels=(ALL, replace(ALL, name="nowhere"))))
    told.night.publish()
    told.gate()
    one, nowhere = run_deliver(told.services, told.config, clock=lambda: told.at)
    assert (one.channel, one.n_delivered, one.error) == ("all", 3, "")
    assert "no address" in nowhere.error
    assert {one.state for one in told.alerts("nowhere")} == {AlertState.PENDING}
