"""Contract of InjectedSeeds: seeds come back as they went in, and are given as detections are."""

from dataclasses import replace
from math import nan

from astrid_core.curation.entities import Claim, InjectedSeed
from astrid_core.curation.queue import QueueFilters, review_item, shuffle_of, shuffle_start
from astrid_core.detection.entities import Kind
from astrid_core.shared.runs import RunKey
from astrid_core.stages.services import Records
from tests.adapters.databases import AnyDatabase
from tests.adapters.invented import BEGAN, artifact, model_run, observation, record_difference
from tests.adapters.test_injection_records import injection_run
from tests.adapters.test_review_records import LATER

ANY = QueueFilters()


def seed(number: int) -> InjectedSeed:
    first = next(one for one in model_run().detections if one.score is not None)
    candidate = replace(first.candidate, number=number)
    made = replace(first, unscored_reason="", kind=Kind.TRANSIENT, candidate=candidate)
    return InjectedSeed(
        detection=made,
        item=review_item(made, observation(), n_needed=3),
        injection_run=RunKey("inject-1"),
        predicted_snr=7.5,
        light=artifact(50),
        mag_ab=20.5,
        mag_err=0.1,
        reference_digest="e" * 64,
    )


def record(records: Records, *seeds: InjectedSeed) -> None:
    record_difference(records)
    records.model_runs.add(model_run())
    records.injection_runs.add(injection_run())
    for one in seeds:
        assert records.injected_seeds.add(one)


def test_a_seed_comes_back_bit_for_bit_and_never_changes(database: AnyDatabase) -> None:
    whole, other = seed(101), seed(102)
    nowhere = replace(other.detection.candidate, x_err_pix=nan, position=None)
    bare = replace(
        other, detection=replace(other.detection, candidate=nowhere), item=replace(other.item, hpx29=None), mag_ab=None
    )  # fmt: skip
    with database.transaction() as records:
        record(records, whole, bare)
    with database.transaction() as records:
        assert not records.injected_seeds.add(replace(whole, predicted_snr=3.0))
        found = records.injected_seeds.of([whole.detection.id, bare.detection.id, "detect-9:1"])
        assert found[whole.detection.id] == whole
        # NaN is not equal to itself.
        assert repr(found[bare.detection.id]) == repr(bare)
        assert len(found) == 2


def test_seeds_are_given_by_filter_and_claim_in_the_shuffle_of_whoever_gets_them(database: AnyDatabase) -> None:
    made = [seed(number) for number in range(101, 107)]
    ids = [one.detection.id for one in made]
    start = shuffle_start("ada", None)
    expected = sorted(ids, key=lambda one: (shuffle_of(one) < start, shuffle_of(one)))
    item = made[0].item
    assert item.score is not None
    with database.transaction() as records:
        record(records, *made)

        def given(filters: QueueFilters = ANY, limit: int = 100) -> list[str]:
            found = records.injected_seeds.known("ada", filters=filters, at=BEGAN, limit=limit)
            return [one.detection_id for one in found]

        assert given() == expected
        assert given(limit=2) == expected[:2]
        assert set(given(QueueFilters(survey=item.survey, night=item.night, band=item.band, kind=item.kind))) == set(
            ids
        )
        for none in (
            QueueFilters(night="2000-01-01"),
            QueueFilters(survey="x"),
            QueueFilters(kind=Kind.NOISE),
            QueueFilters(min_score=item.score + 1e-6),
        ):
            assert given(none) == []
        records.claims.put([
            Claim(detection_id=ids[0], login="ada", until=LATER),
            Claim(detection_id=ids[1], login="ada", until=BEGAN, is_answered=True),
            Claim(detection_id=ids[2], login="ada", until=BEGAN, hidden_until=LATER),
            Claim(detection_id=ids[3], login="ada", until=BEGAN),
            Claim(detection_id=ids[4], login="bob", until=LATER),
        ])  # fmt: skip
        assert set(given()) == set(ids[3:])


def test_a_seed_is_no_detection_of_its_model_run_and_nothing_of_the_queue(database: AnyDatabase) -> None:
    one = seed(101)
    with database.transaction() as records:
        record(records, one)
        assert records.model_runs.get(model_run().key) == model_run()
        assert records.model_runs.of_observation(observation().id) == (model_run(),)
        assert records.review_queue.of([one.detection.id]) == {}
        assert records.seeds.of([one.detection.id]) == {}
        assert records.difference_runs.get(one.detection.candidate.run).candidates == (
            records.difference_runs.get(model_run().difference_key).candidates
        )
