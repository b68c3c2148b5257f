"""The work behind the tasks that tell others of objects, over memory twins."""

from dataclasses import replace
from pathlib import Path

import pytest

from astrid_core.alerts.config import AlertsConfig, TnsConfig
from astrid_core.alerts.entities import AlertState, Channel
from astrid_core.bootstrap import Pipeline, load_pipeline
from astrid_core.curation.access import Role
from astrid_core.shared.errors import BadConfiguration, ChannelUnavailable, NotAllowed, Unprocessable
from astrid_core.stages.access import grant_role
from astrid_core.stages.announce import open_channels
from astrid_core.stages.services import Services
from include import alerts
from include.answers import Answer
from include.messages import DROP, KEEP, SEND
from tests.fakes.alerts import MemoryAlertChannels, MemoryAlertSender
from tests.stages.voting import voting

ALL = Channel(name="all", format="gcn")
PIPELINE = Pipeline(alerts=AlertsConfig(channels=(ALL,), max_per_run=2))


def _answer(chosen: str, name: str | None = "dan") -> Answer:
    user = None if name is None else {"id": "7", "name": name}
    return Answer(chosen_options=[chosen], params_input={"reason": "looked"}, responded_at=None, responded_by_user=user)


@pytest.fixture
def sender() -> MemoryAlertSender:
    return MemoryAlertSender()


@pytest.fixture
def services(sender: MemoryAlertSender) -> Services:
    """A published night with more alerts than may go out."""
    night = voting(3)
    night.services = replace(night.services, alert_channels=MemoryAlertChannels({"all": sender}))
    open_channels(night.services, PIPELINE.alerts)
    night.publish()
    grant_role(night.services, login="dan", role=Role.DATA_RELEASE)
    return night.services


def _states(services: Services) -> set[AlertState]:
    with services.transaction() as records:
        return {one.state for one in records.alerts.search()}


def test_where_nobody_is_told_nothing_is_done() -> None:
    services = voting(1).services
    with pytest.raises(Unprocessable, match="no channel"):
        alerts.gate(services, Pipeline(), run_id="run-1")


def test_a_flood_is_held_shown_and_sent_by_a_person(services: Services, sender: MemoryAlertSender) -> None:
    gated = alerts.gate(services, PIPELINE, run_id="run-1")
    assert gated == {"n_passed": 0, "n_held": 3}
    assert alerts.require_held(gated) == 3
    assert alerts.deliver(services, PIPELINE) == {"n_delivered": 0, "n_refused": 0, "n_failed": 0}
    held = alerts.list_held(services)
    assert (held["batches"], held["n_alerts"]) == (["run-1"], 3)
    assert "| run-1 | all | 3 | 3 alerts in one run, 2 are allowed |" in held["text"]
    assert alerts.settle(services, held, _answer(SEND)) == 3
    assert alerts.deliver(services, PIPELINE)["n_delivered"] == len(sender.got) == 3
    with services.transaction() as records:
        event = records.events.of("run-1")[-1]
    assert (event.name, event.actor, event.facts["reason"]) == ("alerts.released", "dan", "looked")
    with pytest.raises(Unprocessable):
        alerts.list_held(services)


def test_what_is_dropped_is_never_sent(services: Services) -> None:
    alerts.gate(services, PIPELINE, run_id="run-1")
    with pytest.raises(Unprocessable, match="dropped"):
        alerts.settle(services, alerts.list_held(services), _answer(DROP))
    assert _states(services) == {AlertState.DROPPED}


@pytest.mark.parametrize(("chosen", "name"), [(KEEP, "dan"), (SEND, None)])
def test_without_a_person_who_sends_it_what_is_held_stays_held(
    services: Services, chosen: str, name: str | None
) -> None:
    alerts.gate(services, PIPELINE, run_id="run-1")
    with pytest.raises(Unprocessable, match="stay held"):
        alerts.settle(services, alerts.list_held(services), _answer(chosen, name))
    assert _states(services) == {AlertState.HELD}


def test_somebody_who_may_not_release_sends_nothing(services: Services) -> None:
    alerts.gate(services, PIPELINE, run_id="run-1")
    with pytest.raises(NotAllowed):
        alerts.settle(services, alerts.list_held(services), _answer(SEND, "ana"))
    assert _states(services) == {AlertState.HELD}


def test_a_channel_that_is_away_fails_the_task_after_the_others(services: Services, sender: MemoryAlertSender) -> None:
    pipeline = Pipeline(alerts=AlertsConfig(channels=(ALL,), max_failures=1))
    sender.failures.append(ChannelUnavailable("away"))
    assert alerts.gate(services, pipeline, run_id="run-1")["n_held"] == 0
    with pytest.raises(ChannelUnavailable, match=r"channels=all.*away"):
        alerts.deliver(services, pipeline)
    with pytest.raises(Unprocessable, match="nothing is held"):
        alerts.require_held({"n_passed": 3, "n_held": 0})


def test_channels_are_read_from_the_settings(tmp_path: Path) -> None:
    path = tmp_path / "pipeline.toml"
    path.write_text(
        '[alerts]\nmax_per_run = 7\n[alerts.tns]\nreporter = "A"\n'
        '[[alerts.channels]]\nname = "all"\nformat = "gcn"\n[[alerts.channels]]\nname = "b"\nformat = "avro"\n'
    )
    config = load_pipeline(path).alerts
    assert config.channels == (ALL, Channel(name="b", format="avro"))
    assert (config.max_per_run, config.tns) == (7, TnsConfig(reporter="A"))
    path.write_text('[[alerts.channels]]\nname = "all"\nformat = "gcn"\nurl = "http://x"\n')
    with pytest.raises(BadConfiguration, match=r"unknown key.*alerts.channels.*url"):
        load_pipeline(path)
    assert load_pipeline().alerts.channels == ()
