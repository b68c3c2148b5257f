from dataclasses import replace

import numpy as np
import pytest

from astrid_core.curation.entities import ReviewState, Verdict
from astrid_core.curation.queue import review_item
from astrid_core.shared.errors import MissingArtifact
from astrid_core.stages.verdicts import offer_new_verdicts, take_verdicts, verdict_triplets
from tests.catalog.night import observation
from tests.detection.frames import candidate
from tests.stages.test_detect import Bench

PLACES = ((70.0, 50.0), (30.0, 80.0), (100.0, 90.0), (60.0, 20.0))


def judged(*said: tuple[int, Verdict]) -> Bench:
    """Return a night in which people decided these of the detections with these numbers, in this order."""
    bench = Bench(*(candidate(x, y, 20.0, number=number) for number, (x, y) in enumerate(PLACES, start=1)))
    key = bench.detect()
    with bench.database.transaction() as records:
        for number, verdict in said:
            detection = records.model_runs.detection(f"{key}:{number}")
            item = review_item(detection, observation(1), n_needed=1)
            records.review_queue.put(replace(item, state=ReviewState.AGREED, verdict=verdict))
        undecided = records.model_runs.detection(f"{key}:3")
        records.review_queue.add(review_item(undecided, observation(1), n_needed=2))
    return bench


def test_what_people_decided_is_learnt_and_what_they_did_not_is_left_out() -> None:
    found = verdict_triplets(judged((1, Verdict.REAL), (2, Verdict.BOGUS), (4, Verdict.UNSURE)).services)
    assert found is not None
    assert found.is_real.tolist() == [True, False]
    assert found.is_known.all()
    assert found.triplets.shape == (2, 3, 63, 63)
    # The star that appeared: bright in the middle of the science image and of the difference, not of the reference.
    science, reference, difference = found.triplets[0, :, 31, 31]
    assert science > 10.0 * abs(reference)
    assert difference == pytest.approx(science - reference, rel=0.2)


def test_the_same_verdicts_give_the_same_examples() -> None:
    said = [(1, Verdict.REAL), (2, Verdict.BOGUS)]
    digests = [one.digest for order in (said, said[::-1]) if (one := verdict_triplets(judged(*order).services))]
    assert len(digests) == 2
    assert len(set(digests)) == 1


def test_without_verdicts_there_is_nothing_to_learn() -> None:
    assert verdict_triplets(judged((1, Verdict.UNSURE)).services) is None


def test_images_that_are_gone_are_an_error() -> None:
    bench = judged((1, Verdict.REAL))
    bench.artifacts.stored.clear()
    with pytest.raises(MissingArtifact):
        verdict_triplets(bench.services)


def test_what_has_no_sky_coordinates_goes_by_its_exposure() -> None:
    found = verdict_triplets(judged((1, Verdict.REAL), (2, Verdict.BOGUS)).services)
    assert found is not None
    assert len(np.unique(found.group)) == 1


def test_verdicts_are_offered_once_and_not_after_they_are_learnt_from() -> None:
    services = judged((1, Verdict.REAL), (2, Verdict.BOGUS), (4, Verdict.UNSURE)).services
    assert offer_new_verdicts(services, fewest=3, run_id="a") is None
    assert offer_new_verdicts(services, fewest=2, run_id="a") == 2
    assert offer_new_verdicts(services, fewest=2, run_id="a") == 2
    assert offer_new_verdicts(services, fewest=1, run_id="b") is None


def test_a_training_says_which_verdicts_it_learns_from() -> None:
    services = judged((1, Verdict.REAL), (2, Verdict.BOGUS), (4, Verdict.UNSURE)).services
    assert take_verdicts(services, fewest=3) is None
    taken = take_verdicts(services, fewest=2)
    assert taken is not None
    assert offer_new_verdicts(services, fewest=1, run_id="a") is None
    with services.transaction() as records:
        (event,) = records.events.of("verdicts")
        for item in records.review_queue.decided():
            records.review_queue.put(replace(item, verdict=Verdict.REAL))
    assert event.facts == {"digest": taken.digest, "n_examples": 2, "n_decided": 2}
    assert offer_new_verdicts(services, fewest=1, run_id="a") == 1
