"""Contract of ReviewQueue, Claims and Seeds, and of what else is asked of verdicts."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from astrid_core.curation.access import Role
from astrid_core.curation.entities import Claim, Curator, ReviewItem, ReviewState, Seed, Verdict
from astrid_core.curation.queue import QueueFilters, QueueOrder, QueuePlace, order_value, shuffle_of, shuffle_start
from astrid_core.detection.entities import Kind
from astrid_core.shared.sky import SkyCell
from astrid_core.stages.services import Records
from tests.adapters.databases import AnyDatabase
from tests.adapters.invented import BEGAN, position, verdict
from tests.adapters.test_curation_records import ADA

ANY = QueueFilters()
LATER = BEGAN + timedelta(minutes=10)
TOP = QueueOrder.TOP


def item(number: int, **told: object) -> ReviewItem:
    made = ReviewItem(
        detection_id=f"detect-1:{number}",
        observation_id="demo:a",
        survey="demo",
        night="2026-03-01",
        band="r",
        hpx29=position().hpx29,
        score=1.0 - 0.01 * number,
        uncertainty=0.02 * number,
        anomaly=None,
        kind=Kind.TRANSIENT,
    )
    return replace(made, **told)  # type: ignore[arg-type]


def claim(number: int, login: str = "ada", **told: object) -> Claim:
    made = Claim(detection_id=f"detect-1:{number}", login=login, until=LATER)
    return replace(made, **told)  # type: ignore[arg-type]


def numbers(items: Sequence[ReviewItem]) -> list[int]:
    return [int(one.detection_id.rpartition(":")[2]) for one in items]


def waiting(records: Records, login: str = "ada", order: QueueOrder = TOP, filters: QueueFilters = ANY) -> list[int]:
    return numbers(records.review_queue.waiting(login, order=order, filters=filters, at=BEGAN, limit=100))


def test_an_item_comes_back_as_it_went_in_and_only_put_changes_it(database: AnyDatabase) -> None:
    bare = item(2, hpx29=None, score=None, uncertainty=None, kind=None)
    settled = item(
        1, n_needed=3, n_given=2, state=ReviewState.ARBITRATED, verdict=Verdict.BOGUS, reason="edge", disagreement=0.3
    )
    with database.transaction() as records:
        assert records.review_queue.add(item(1))
        assert records.review_queue.add(bare)
        assert not records.review_queue.add(settled)
    with database.transaction() as records:
        assert records.review_queue.of(["detect-1:1", "detect-1:2", "x"]) == {"detect-1:1": item(1), "detect-1:2": bare}
        records.review_queue.put(settled)
    with database.transaction() as records:
        assert records.review_queue.of(["detect-1:1"]) == {"detect-1:1": settled}
        assert records.review_queue.decided() == [settled]
        found = records.review_queue.counts(ANY)
    assert found == {**dict.fromkeys(ReviewState, 0), ReviewState.OPEN: 1, ReviewState.ARBITRATED: 1}


def test_each_order_sorts_by_its_number_and_leaves_out_what_has_none(database: AnyDatabase) -> None:
    made = [
        item(1, score=0.9, uncertainty=0.1, anomaly=7.0, disagreement=0.1),
        item(2, score=0.8, uncertainty=0.9, anomaly=None, disagreement=0.9),
        item(3, score=None, uncertainty=None, anomaly=1.0),
        item(4, score=0.8, uncertainty=0.4, anomaly=2.0),
    ]
    equal = sorted((2, 4), key=lambda number: -shuffle_of(f"detect-1:{number}"))
    start = shuffle_start("ada", None)
    rotated = sorted(
        range(1, 5), key=lambda n: (shuffle_of(f"detect-1:{n}") < start, shuffle_of(f"detect-1:{n}"))
    )  # fmt: skip
    expected = {
        QueueOrder.TOP: [1, *equal],
        QueueOrder.UNCERTAIN: [2, 4, 1],
        QueueOrder.ANOMALOUS: [1, 4, 3],
        QueueOrder.DISAGREED: [2, 1, *sorted((3, 4), key=lambda number: -shuffle_of(f"detect-1:{number}"))],
        QueueOrder.RANDOM: rotated,
    }
    with database.transaction() as records:
        for one in made:
            records.review_queue.add(one)
        assert {order: waiting(records, order=order) for order in QueueOrder} == expected


def test_filters_choose_by_every_field(database: AnyDatabase) -> None:
    there = position(200.0, -5.0)
    with database.transaction() as records:
        records.review_queue.add(item(1))
        records.review_queue.add(item(2, survey="other", night="2026-03-02", band="g", kind=Kind.MOVING, score=0.5))
        records.review_queue.add(item(3, hpx29=there.hpx29))
        records.review_queue.add(item(4, hpx29=None, kind=None))
        for filters, expected in (
            (QueueFilters(survey="other"), [2]),
            (QueueFilters(night="2026-03-02"), [2]),
            (QueueFilters(band="g"), [2]),
            (QueueFilters(kind=Kind.MOVING), [2]),
            (QueueFilters(max_score=0.5), [2]),
            (QueueFilters(min_score=0.98), [1, 2][:1]),
            (QueueFilters(cell=SkyCell.containing(there, order=6)), [3]),
            (QueueFilters(cell=SkyCell.containing(there, order=29), band="g"), []),
            (QueueFilters(), [1, 3, 4, 2]),
        ):
            assert waiting(records, filters=filters) == expected, filters
            counted = records.review_queue.counts(filters)[ReviewState.OPEN]
            assert counted == len(expected), filters


def test_a_curator_waits_for_nothing_that_is_held_judged_put_off_settled_or_known(database: AnyDatabase) -> None:
    with database.transaction() as records:
        for number in range(1, 10):
            records.review_queue.add(item(number))
        records.claims.put([claim(1)])
        records.claims.put([claim(2, until=BEGAN, is_answered=True)])
        records.claims.put([claim(3, until=BEGAN, hidden_until=LATER)])
        records.claims.put([claim(4, until=BEGAN, hidden_until=BEGAN)])
        records.claims.put([claim(5, "bo")])
        records.claims.put([claim(5, "cy")])
        records.claims.put([claim(6, "bo")])
        records.claims.put([claim(6, "cy", is_answered=True)])
        records.claims.put([claim(7, "bo")])
        records.claims.put([claim(7, "cy", until=BEGAN)])
        records.review_queue.put(item(8, state=ReviewState.DISPUTED, n_given=2))
        records.seeds.add(Seed(detection_id="detect-1:9", answer=Verdict.REAL, origin="test"))
    with database.transaction() as records:
        # Of 6 one is held and the vote of another is counted in the item, which this test leaves at none.
        assert waiting(records) == [4, 6, 7]
        records.review_queue.put(item(6, n_given=1))
        assert waiting(records) == [4, 7]
        assert waiting(records, "eli") == [1, 2, 3, 4, 7]


def test_a_page_begins_behind_the_one_before(database: AnyDatabase) -> None:
    scores = {1: 0.9, 2: 0.5, 3: 0.5, 4: 0.5, 5: 0.1}
    states = [ReviewState.OPEN, ReviewState.DISPUTED]
    with database.transaction() as records:
        for number, score in scores.items():
            records.review_queue.add(item(number, score=score))
        records.review_queue.put(item(6, state=ReviewState.AGREED))
        for order in (TOP, QueueOrder.RANDOM):
            whole = records.review_queue.page(order=order, filters=ANY, states=states)
            got: list[ReviewItem] = []
            behind = None
            while page := records.review_queue.page(order=order, filters=ANY, states=states, behind=behind, limit=2):
                got += page
                value = order_value(page[-1], order)
                assert value is not None
                behind = QueuePlace(value=value, shuffle=shuffle_of(page[-1].detection_id))
            assert got == list(whole)
            assert sorted(numbers(got)) == [1, 2, 3, 4, 5]


def test_what_is_known_may_be_given_to_whoever_has_not_judged_it(database: AnyDatabase) -> None:
    with database.transaction() as records:
        records.review_queue.add(item(1, state=ReviewState.AGREED, verdict=Verdict.REAL))
        records.review_queue.add(item(2, state=ReviewState.ARBITRATED, verdict=Verdict.BOGUS))
        records.review_queue.add(item(3, state=ReviewState.ARBITRATED, verdict=Verdict.UNSURE))
        records.review_queue.add(item(4))
        records.review_queue.add(item(5))
        records.review_queue.add(item(6, night="2026-03-02", state=ReviewState.AGREED, verdict=Verdict.REAL))
        seed = Seed(detection_id="detect-1:5", answer=Verdict.REAL, origin="test")
        assert records.seeds.add(seed)
        assert not records.seeds.add(replace(seed, answer=Verdict.BOGUS))
        assert records.seeds.of(["detect-1:5", "detect-1:4"]) == {"detect-1:5": seed}
        records.claims.put([claim(1, is_answered=True)])
        known = records.review_queue.known
        tonight = QueueFilters(night="2026-03-01")
        assert sorted(numbers(known("ada", filters=tonight, at=BEGAN, limit=10))) == [2, 5]
        assert sorted(numbers(known("bo", filters=tonight, at=BEGAN, limit=10))) == [1, 2, 5]
        assert len(known("bo", filters=ANY, at=BEGAN, limit=2)) == 2


def test_claims_are_kept_by_detection_and_login(database: AnyDatabase) -> None:
    first, second = claim(1), claim(2, until=LATER + timedelta(seconds=1))
    with database.transaction() as records:
        records.claims.put([])
        records.claims.put([second, first, claim(3, is_answered=True), claim(4, until=BEGAN), claim(1, "bo")])
        assert records.claims.of("ada", ["detect-1:1", "detect-1:9"]) == {"detect-1:1": first}
        assert records.claims.held("ada", at=BEGAN) == [first, second]
        assert records.claims.held("ada", at=LATER) == [second]
        assert (records.claims.count("ada"), records.claims.count("eve")) == (4, 0)
        changed = replace(first, hidden_until=LATER, is_answered=True)
        records.claims.put([changed, claim(5)])
        assert records.claims.of("ada", ["detect-1:1"]) == {"detect-1:1": changed}
        assert records.claims.count("ada") == 5


def test_a_verdict_keeps_every_word_and_is_found_by_identity_curator_and_batch(database: AnyDatabase) -> None:
    plain = verdict(1)
    full = replace(
        verdict(2, after_s=60.0, supersedes=plain),
        reason="edge",
        vocabulary=1,
        confidence=3,
        seconds=1.25,
        is_blind=True,
        score_shown=False,
        role=Role.ARBITER,
        is_seed=True,
        batch=UUID(int=9),
    )
    other = replace(verdict(3), curator="bo")
    with database.transaction() as records:
        records.curators.add(ADA)
        records.curators.add(Curator(login="bo"))
        for event in (plain, full, other):
            records.validation_events.add(event)
    with database.transaction() as records:
        asked = records.validation_events
        assert asked.find(UUID(int=2)) == full
        assert asked.find(UUID(int=4)) is None
        assert asked.of_curator("ada", since=BEGAN) == (plain, full)
        assert asked.of_curator("ada", since=BEGAN + timedelta(seconds=60)) == (full,)
        assert asked.of_batch(UUID(int=9)) == (full,)
        assert asked.of_batch(UUID(int=8)) == ()
        found = asked.find(UUID(int=2))
    assert found is not None
    assert found.digest == full.digest
