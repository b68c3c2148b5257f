"""Injected sources among what people judge: given, listed and counted as seeds, and found nowhere else."""

from collections.abc import Sequence

import pytest

from astrid_core.catalog.exports.config import ExportConfig
from astrid_core.curation.access import Role
from astrid_core.curation.entities import ReviewState, Verdict
from astrid_core.curation.queue import QueueFilters, QueueOrder, QueuePlace, order_value, shuffle_of
from astrid_core.stages.export import run_export
from astrid_core.stages.lifecycle import quarantine_observation
from astrid_core.stages.review import withdraw
from astrid_core.stages.review_agreement import agreement_of, consensus_of
from astrid_core.stages.review_queue import (
    arbitration_queue,
    claim_next,
    extend,
    held_by,
    list_pending,
    queue_summary,
    release,
    skip,
)
from astrid_core.stages.seeds_ahead import list_with_seeds
from astrid_core.stages.verdicts import verdict_triplets
from tests.catalog.night import NIGHT
from tests.stages.exported import exported_files
from tests.stages.injecting import with_injected
from tests.stages.voting import ARBITER, NOW, Voting

REAL, BOGUS = Verdict.REAL, Verdict.BOGUS
ANY = QueueFilters()
FIRST = 40
"""Number of the first injected one."""


def claimed(night: Voting, login: str, n: int = 20, *, order: QueueOrder = QueueOrder.TOP) -> list[int]:
    got = claim_next(night.services, login=login, n=n, order=order, seed_fraction=0.5, at=night.now)
    return [night.ids.index(claim.detection_id) for claim in got]


def listed(night: Voting, login: str, *, order: QueueOrder = QueueOrder.TOP, limit: int = 200) -> Sequence[str]:
    found = list_with_seeds(night.services, login=login, order=order, filters=ANY, limit=limit, at=night.now)
    return [item.detection_id for item in found]


def test_injected_sources_are_given_once_each_and_stand_where_their_score_puts_them() -> None:
    night = with_injected()
    got = claimed(night, "ana", 30)
    injected = [number for number in got if number >= FIRST]
    assert 2 < len(injected) == len(set(injected)) < 20
    with night.services.transaction() as records:
        seeds = records.injected_seeds.of(night.ids)
        items = {**records.review_queue.of(night.ids), **{one: seed.item for one, seed in seeds.items()}}
    scores = [items[night.ids[number]].score or 0.0 for number in got]
    assert scores == sorted(scores, reverse=True)
    held = held_by(night.services, login="ana", at=night.now)
    assert {night.ids.index(one.detection_id) for one in held} == set(got)
    assert not set(injected) & set(claimed(night, "ana", 10))


@pytest.mark.parametrize("order", [QueueOrder.TOP, QueueOrder.DISAGREED, QueueOrder.RANDOM])
def test_what_is_given_was_in_the_list_before(order: QueueOrder) -> None:
    night = with_injected(snr=(3.0,))
    for number in range(10):
        for login in ("bo", "cy"):
            night.say(login, number, REAL if number % 2 else BOGUS)
    n_given = 0
    for _ in range(6):
        before = set(listed(night, "ana", order=order))
        got = {night.ids[number] for number in claimed(night, "ana", 4, order=order)}
        assert got <= before
        n_given += len(got)
    assert n_given > 10


def test_pages_of_the_list_add_up_with_seeds_in_them() -> None:
    night = with_injected()
    for order in (QueueOrder.TOP, QueueOrder.RANDOM):
        whole = listed(night, "ana", order=order)
        pages: list[str] = []
        behind = None
        while True:
            page = list_with_seeds(
                night.services, login="ana", order=order, filters=ANY, behind=behind, limit=7, at=night.now
            )
            if not page:
                break
            pages += [item.detection_id for item in page]
            last = page[-1]
            value = order_value(last, order)
            assert value is not None
            behind = QueuePlace(value=value, shuffle=shuffle_of(last.detection_id))
        assert pages == whole
        assert set(night.ids[FIRST:]) & set(whole)


def test_the_queue_itself_holds_none_and_seeds_alone_are_neither_listed_nor_given() -> None:
    night = with_injected(3, 4)
    assert {item.detection_id for item in list_pending(night.services)} == set(night.ids[:3])
    for login in ("bo", "cy"):
        for number in range(3):
            night.say(login, number, REAL)
    assert listed(night, "ana") == []
    assert claimed(night, "ana") == []


def test_verdicts_on_them_change_nothing_whoever_gives_them() -> None:
    night = with_injected()
    night.publish()
    before, exported = night.state()[0::2], run_export(night.services, ExportConfig())
    summary = queue_summary(night.services, login="eve", since=NOW, at=night.now).n_by_state
    for number in range(FIRST, FIRST + 4):
        said = [night.say("ana", number, REAL), night.say("bo", number, REAL if number % 2 else BOGUS)]
        said.append(night.say(ARBITER, number, REAL, role=Role.ARBITER))
        assert all(event.is_seed for event in said)
    assert night.state()[0::2] == before
    ids = night.ids[FIRST:]
    found = consensus_of(night.services, ids)
    assert {(one.state, one.n_votes, one.verdict) for one in found.values()} == {(ReviewState.OPEN, 0, None)}
    assert queue_summary(night.services, login="eve", since=NOW, at=night.now).n_by_state == summary
    assert arbitration_queue(night.services, login=ARBITER) == ()
    assert verdict_triplets(night.services) is None
    night.publish()
    assert run_export(night.services, ExportConfig()) == exported
    files = exported_files(night.services, exported)
    with night.services.transaction() as records:
        assert records.review_queue.decided() == []
        assert records.review_queue.of(ids) == {}
        assert records.seeds.of(ids) == {}
        assert records.catalog.published(ids) == {}
    for one in ids:
        # With a digit behind it would be another one.
        assert not any(one.encode() in content for content in files.values())


def test_they_measure_each_reviewer_by_signal_to_noise_and_are_no_votes() -> None:
    night = with_injected(snr=(4.0, 8.0))
    said = [("ana", 0, REAL), ("ana", 1, REAL), ("ana", 2, BOGUS), ("bo", 0, BOGUS), ("ana", 3, Verdict.UNSURE)]
    for login, number, verdict in said:
        night.say(login, FIRST + number, verdict)
    found = agreement_of(night.services)
    assert (found.n_votes, found.n_detections, found.cohen_kappa) == (0, 0, {})
    assert found.against_seeds["ana"].counts == {(REAL, REAL): 2, (REAL, BOGUS): 1, (REAL, Verdict.UNSURE): 1}
    assert found.against_seeds["bo"].counts == {(REAL, BOGUS): 1}
    shown = {
        login: {one.low: (one.n_recovered, one.n_injected) for one in bins if one.n_injected}
        for login, bins in found.completeness.items()
    }
    assert shown == {"ana": {0.0: (1, 2), 7.0: (1, 2)}, "bo": {0.0: (0, 1)}}
    assert agreement_of(night.services, NIGHT) == found
    assert agreement_of(night.services, "2000-01-01").against_seeds == {}


def test_they_are_put_off_kept_and_taken_back_as_others_are() -> None:
    night = with_injected()
    one = night.ids[FIRST]
    event = night.say("ana", FIRST, BOGUS)
    (undone,) = withdraw(night.services, event_id=event.id, login="ana", at=night.now)
    assert (undone.verdict, undone.is_seed) == (Verdict.WITHDRAWN, True)
    assert agreement_of(night.services).against_seeds == {}
    skip(night.services, login="ana", detection_id=one, at=night.now)
    assert one not in listed(night, "ana")
    release(night.services, login="ana", detection_id=one, at=night.now)
    got = [night.ids[number] for number in claimed(night, "ana", 30) if number >= FIRST]
    assert extend(night.services, login="ana", detection_ids=got, at=night.now)


def test_nothing_of_an_exposure_that_is_set_aside_is_given_or_listed_as_a_seed() -> None:
    night = with_injected()
    with night.services.transaction() as records:
        observation_id = records.model_runs.get(night.key).observation_id
    quarantine_observation(night.services, observation_id, reason="a satellite")
    assert claimed(night, "ana") == []
    assert not set(night.ids[FIRST:]) & set(listed(night, "ana"))
