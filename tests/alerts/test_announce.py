"""What is said of an object follows from what the catalog said before and says now."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from astrid_core.alerts.announce import HISTORY, Change, Said, announce
from astrid_core.alerts.config import AlertsConfig
from astrid_core.alerts.entities import Alert, AlertKind, AlertState, Channel
from astrid_core.alerts.flood import flood
from astrid_core.catalog.entities import CatalogEntry, EntryStatus, LightCurvePoint
from astrid_core.shared.errors import BadConfiguration
from tests.catalog.invented import light_curve, measured

AT = datetime(2026, 1, 1, tzinfo=UTC)
ALL = Channel(name="all", format="gcn")
SURE = Channel(name="sure", format="voevent", min_status="confirmed", updates=False)
ENTRY, POINTS = light_curve(1, measured("a:1", observation="demo:1.fits"))
_, TWO = light_curve(
    1, measured("a:1", observation="demo:1.fits"), measured("b:1", observation="demo:2.fits", mid_mjd=60372.25)
)
FIRST = Change(before=None, after=ENTRY, points_before=(), points=POINTS)


def changed(
    points: Sequence[LightCurvePoint] = POINTS, *, before: Sequence[LightCurvePoint] = POINTS, **entry: object
) -> Change:
    after: CatalogEntry = replace(ENTRY, **entry)  # type: ignore[arg-type]
    return Change(before=ENTRY, after=after, points_before=before, points=points)


def kinds(said: Said) -> dict[str, AlertKind]:
    return {one.channel: one.kind for one in said.alerts}


def told(*kinds: AlertKind, channel: str = "all", state: AlertState = AlertState.DELIVERED) -> list[Alert]:
    return [
        Alert(entry_id=ENTRY.id, version=number, channel=channel, kind=kind, raised_at=AT, state=state)
        for number, kind in enumerate(kinds, start=1)
    ]


def test_a_new_object_is_told_to_the_channels_that_want_it() -> None:
    said = announce(FIRST, [ALL, SURE], [], at=AT)
    assert kinds(said) == {"all": AlertKind.NEW}
    assert said.announcement is not None
    assert (said.announcement.version, said.announcement.reasons) == (1, ("object",))
    assert announce(FIRST, [replace(ALL, min_score=0.95)], [], at=AT) == Said()
    assert announce(FIRST, [replace(ALL, min_abs_significance=11.0)], [], at=AT) == Said()


def test_a_confirmed_object_is_news_to_who_wants_only_those_and_a_confirmation_to_who_knows_it() -> None:
    said = announce(changed(status=EntryStatus.CONFIRMED), [ALL, SURE], told(AlertKind.NEW), at=AT)
    assert kinds(said) == {"all": AlertKind.CONFIRMED, "sure": AlertKind.NEW}
    assert {one.version for one in said.alerts} == {2}


def test_a_new_point_is_told_to_who_knows_the_object_and_wants_points() -> None:
    known = told(AlertKind.NEW) + told(AlertKind.NEW, channel="sure")
    said = announce(changed(TWO, n_detections=2), [ALL, SURE], known, at=AT)
    assert kinds(said) == {"all": AlertKind.UPDATE}


@pytest.mark.parametrize(
    ("other", "why"),
    [
        ({"reference_digest": "e" * 64}, "reference"),
        ({"mag_ab": 20.0}, "calibration"),
        ({"flux": 900.0}, "calibration"),
        ({"score": 0.8}, "model"),
    ],
)
def test_another_measurement_of_the_same_exposure_is_a_correction(other: dict[str, object], why: str) -> None:
    point = replace(POINTS[0], **other)  # type: ignore[arg-type]
    known = told(AlertKind.NEW) + told(AlertKind.NEW, channel="sure")
    said = announce(changed([point], n_detections=1, best_score=0.7), [ALL, SURE], known, at=AT)
    assert kinds(said) == {"all": AlertKind.CORRECTION, "sure": AlertKind.CORRECTION}
    assert said.announcement is not None
    assert said.announcement.reasons == (why,)


def test_a_point_that_is_gone_and_a_place_that_moved_without_a_point_are_corrections() -> None:
    moved = replace(ENTRY.position, dec_deg=ENTRY.position.dec_deg + 1.0 / 3600.0)
    for change in (changed(POINTS, before=TWO), changed(position=moved)):
        assert kinds(announce(change, [ALL], told(AlertKind.NEW), at=AT)) == {"all": AlertKind.CORRECTION}


def test_who_took_a_confirmation_back_corrects_it() -> None:
    was = replace(changed(), before=replace(ENTRY, status=EntryStatus.CONFIRMED))
    assert kinds(announce(was, [ALL], told(AlertKind.NEW), at=AT)) == {"all": AlertKind.CORRECTION}


def test_a_rejected_object_is_taken_back_from_everybody_who_was_told_also_where_the_channel_is_closed() -> None:
    known = [*told(AlertKind.NEW), *told(AlertKind.NEW, channel="closed"), *told(AlertKind.NEW, channel="sure")]
    known[2] = replace(known[2], state=AlertState.REFUSED)
    said = announce(changed(status=EntryStatus.REJECTED), [ALL, SURE], known, at=AT)
    assert kinds(said) == {"all": AlertKind.RETRACTION, "closed": AlertKind.RETRACTION}
    nobody = announce(changed(status=EntryStatus.REJECTED), [ALL], [], at=AT)
    assert nobody == Said()


def test_what_nobody_can_have_received_is_dropped_and_needs_no_retraction() -> None:
    known = told(AlertKind.NEW, state=AlertState.HELD)
    said = announce(changed(status=EntryStatus.REJECTED), [ALL], known, at=AT)
    assert said.announcement is None
    assert [one.state for one in said.dropped] == [AlertState.DROPPED]
    partly = [*told(AlertKind.NEW), replace(told(AlertKind.NEW, AlertKind.UPDATE)[1], state=AlertState.RAISED)]
    said = announce(changed(status=EntryStatus.REJECTED), [ALL], partly, at=AT)
    assert kinds(said) == {"all": AlertKind.RETRACTION}
    assert [one.version for one in said.dropped] == [2]


def test_what_may_be_on_its_way_is_taken_back() -> None:
    known = told(AlertKind.NEW, state=AlertState.PENDING)
    said = announce(changed(status=EntryStatus.REJECTED), [ALL], known, at=AT)
    assert kinds(said) == {"all": AlertKind.RETRACTION}
    assert said.dropped == ()


def test_after_a_retraction_an_object_is_new_again_and_taken_back_only_once() -> None:
    known = told(AlertKind.NEW, AlertKind.RETRACTION)
    assert kinds(announce(changed(TWO), [ALL], known, at=AT)) == {"all": AlertKind.NEW}
    assert announce(changed(TWO, status=EntryStatus.REJECTED), [ALL], known, at=AT) == Said()


def test_what_follows_a_held_alert_waits_for_the_same_answer() -> None:
    known = [replace(told(AlertKind.NEW)[0], state=AlertState.HELD, batch="run-7")]
    (alert,) = announce(changed(TWO), [ALL], known, at=AT).alerts
    assert (alert.state, alert.batch, alert.kind) == (AlertState.HELD, "run-7", AlertKind.UPDATE)


def test_nothing_is_said_of_what_did_not_change() -> None:
    assert announce(changed(), [ALL], told(AlertKind.NEW), at=AT) == Said()


def test_an_announcement_repeats_the_newest_points_and_the_same_change_is_said_in_the_same_words() -> None:
    many = [measured(f"a:{n}", observation=f"demo:{n}.fits", mid_mjd=60000.0 + n) for n in range(HISTORY + 5)]
    entry, points = light_curve(1, *many)
    change = Change(before=None, after=entry, points_before=(), points=points[::-1])
    said = announce(change, [ALL], [], at=AT)
    assert said.announcement is not None
    assert said.announcement.points == points[5:]
    assert announce(replace(change, points=points), [ALL], [], at=AT) == said
    assert said.alerts[0].key != announce(change, [replace(ALL, name="b")], [], at=AT).alerts[0].key


def test_a_flood_is_more_than_allowed_or_far_more_than_usual() -> None:
    config = AlertsConfig(max_per_run=100, max_per_day=150, jump=5.0, min_flood=10, min_history=3)
    usual = [4, 5, 6]
    assert not flood(20, n_of_day=20, usual=usual, config=config)
    assert "5 are usual" in flood(26, n_of_day=26, usual=usual, config=config)
    assert not flood(26, n_of_day=26, usual=usual[:2], config=config)
    assert not flood(10, n_of_day=10, usual=[0, 0, 0], config=config)
    assert "100 are allowed" in flood(101, n_of_day=101, usual=[], config=config)
    assert "24 hours" in flood(20, n_of_day=151, usual=[], config=config)


def test_channels_are_checked() -> None:
    for wrong in ({"name": "A b"}, {"format": "pdf"}, {"min_status": "rejected"}, {"min_score": 2.0}):
        with pytest.raises(BadConfiguration):
            replace(ALL, **wrong)
    with pytest.raises(BadConfiguration, match="one name"):
        AlertsConfig(channels=(ALL, ALL))
    with pytest.raises(BadConfiguration, match="only confirmed"):
        Channel(name="tns", format="tns")
    assert Channel(name="tns", format="tns", min_status="confirmed").asks
