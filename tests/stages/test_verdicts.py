from datetime import UTC, datetime, timedelta
from uuid import UUID

import numpy as np
import pytest

from astrid_core.curation.entities import ValidationEvent, Verdict
from astrid_core.shared.errors import MissingArtifact
from astrid_core.stages.verdicts import verdict_triplets
from tests.detection.frames import candidate
from tests.stages.test_detect import Bench

PLACES = ((70.0, 50.0), (30.0, 80.0), (100.0, 90.0), (60.0, 20.0))


def judged(*said: tuple[int, str, Verdict]) -> Bench:
    """Return a night in which curators said these of the detections with these numbers, one hour after the other."""
    bench = Bench(*(candidate(x, y, 20.0, number=number) for number, (x, y) in enumerate(PLACES, start=1)))
    key = bench.detect()
    with bench.database.transaction() as records:
        for hours, (number, curator, verdict) in enumerate(said):
            records.validation_events.add(
                ValidationEvent(
                    id=UUID(int=hours + 1),
                    detection_id=f"{key}:{number}",
                    curator=curator,
                    verdict=verdict,
                    at=datetime(2026, 3, 1, tzinfo=UTC) + timedelta(hours=hours),
                )
            )
    return bench


def test_the_majority_labels_and_what_is_undecided_is_left_out() -> None:
    bench = judged(
        (1, "ada", Verdict.REAL),
        (2, "ada", Verdict.BOGUS),
        (3, "ada", Verdict.REAL),
        (3, "bob", Verdict.BOGUS),
        (4, "ada", Verdict.UNSURE),
    )
    found = verdict_triplets(bench.services)
    assert found is not None
    assert found.is_real.tolist() == [True, False]
    assert found.is_known.all()
    assert found.triplets.shape == (2, 3, 63, 63)
    # The star that appeared: bright in the middle of the science image and of the difference, not of the reference.
    science, reference, difference = found.triplets[0, :, 31, 31]
    assert science > 10.0 * abs(reference)
    assert difference == pytest.approx(science - reference, rel=0.2)


def test_who_thinks_again_is_counted_once() -> None:
    found = verdict_triplets(judged((1, "ada", Verdict.BOGUS), (1, "ada", Verdict.REAL)).services)
    assert found is not None
    assert found.is_real.tolist() == [True]


def test_the_same_verdicts_give_the_same_examples() -> None:
    said = [(1, "ada", Verdict.REAL), (2, "ada", Verdict.BOGUS)]
    digests = [one.digest for order in (said, said[::-1]) if (one := verdict_triplets(judged(*order).services))]
    assert len(digests) == 2
    assert len(set(digests)) == 1


def test_without_verdicts_there_is_nothing_to_learn() -> None:
    assert verdict_triplets(judged((1, "ada", Verdict.UNSURE)).services) is None


def test_images_that_are_gone_are_an_error() -> None:
    bench = judged((1, "ada", Verdict.REAL))
    bench.artifacts.stored.clear()
    with pytest.raises(MissingArtifact):
        verdict_triplets(bench.services)


def test_what_has_no_sky_coordinates_goes_by_its_exposure() -> None:
    found = verdict_triplets(judged((1, "ada", Verdict.REAL), (2, "ada", Verdict.BOGUS)).services)
    assert found is not None
    assert len(np.unique(found.group)) == 1
