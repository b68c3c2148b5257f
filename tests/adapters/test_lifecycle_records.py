"""Contract of Quarantines, ProcessingRounds and UndeliveredFiles."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from astrid_core.observations.entities import Quarantine, UndeliveredFile
from tests.adapters.databases import AnyDatabase
from tests.adapters.invented import observation, preprocess_run

AT = datetime(2026, 3, 1, 22, 15, 7, 123456, tzinfo=UTC)
SEEN = replace(observation(1), instrument="CCD 7")
OWN = Quarantine(survey="demo", archive_id=SEEN.archive_id, reason="shutter stuck", actor="ada", at=AT)
CAMERA = Quarantine(survey="demo", instrument="CCD 7", reason="light leak", actor="ben", at=AT)
LATE = UndeliveredFile(survey="demo", archive_id="a.fits", reason="status 503", version="2880", n_attempts=2)


def test_a_quarantine_comes_back_as_it_was_and_keeps_its_first_reason(database: AnyDatabase) -> None:
    with database.transaction() as records:
        assert records.quarantines.of(SEEN) is None
        assert records.quarantines.add(OWN)
        assert not records.quarantines.add(replace(OWN, reason="another"))
    with database.transaction() as records:
        assert records.quarantines.of(SEEN) == OWN
        assert records.quarantines.of(observation(2)) is None
        assert records.quarantines.of(replace(SEEN, survey="other")) is None


def test_that_of_an_instrument_holds_all_its_exposures_behind_their_own(database: AnyDatabase) -> None:
    with database.transaction() as records:
        records.quarantines.add(CAMERA)
        assert records.quarantines.of(SEEN) == CAMERA
        assert records.quarantines.of(replace(observation(2), instrument="CCD 8")) is None
        assert records.quarantines.of(replace(observation(2), instrument="")) is None
        records.quarantines.add(OWN)
        assert records.quarantines.of(SEEN) == OWN
        assert records.quarantines.all(survey="demo") == (CAMERA, OWN)
        assert records.quarantines.all(survey="other") == ()


def test_each_ends_by_itself_and_once(database: AnyDatabase) -> None:
    with database.transaction() as records:
        records.quarantines.add(CAMERA)
        records.quarantines.add(OWN)
        assert records.quarantines.remove("demo", archive_id=SEEN.archive_id)
        assert not records.quarantines.remove("demo", archive_id=SEEN.archive_id)
        assert records.quarantines.of(SEEN) == CAMERA
        assert records.quarantines.remove("demo", instrument="CCD 7")
    with database.transaction() as records:
        assert records.quarantines.all() == ()


@pytest.mark.parametrize(
    "wrong", [{"archive_id": "a.fits", "instrument": "CCD 7"}, {}, {"archive_id": "a.fits", "reason": " "}]
)
def test_a_quarantine_is_of_one_thing_and_has_a_reason(wrong: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="a quarantine"):
        Quarantine(**{"survey": "demo", "reason": "why", "actor": "ada", "at": AT, **wrong})  # type: ignore[arg-type]


def test_rounds_begin_at_none_and_are_kept(database: AnyDatabase) -> None:
    with database.transaction() as records:
        records.observations.add(SEEN)
        assert records.processing_rounds.of(SEEN.id) == 0
        assert records.processing_rounds.put(SEEN.id, 1)
        assert not records.processing_rounds.put(SEEN.id, 1)
    with database.transaction() as records:
        assert records.processing_rounds.put(SEEN.id, 2)
        assert records.processing_rounds.of(SEEN.id) == 2
        run = replace(preprocess_run(), observation_id=SEEN.id, processing_round=2)
        records.preprocess_runs.add(run)
        assert records.preprocess_runs.get(run.key).processing_round == 2


def test_a_file_that_did_not_come_is_known_until_it_came(database: AnyDatabase) -> None:
    again = replace(LATE, n_attempts=3)
    other = replace(LATE, survey="other", archive_id="Z.fits")
    with database.transaction() as records:
        assert records.undelivered.add(LATE)
        assert not records.undelivered.add(LATE)
        assert records.undelivered.add(again)
        records.undelivered.add(other)
        assert records.undelivered.all() == (again, other)
        assert records.undelivered.all(survey="other") == (other,)
    with database.transaction() as records:
        records.undelivered.clear("demo", "a.fits")
        records.undelivered.clear("demo", "never.fits")
        assert records.undelivered.all() == (other,)
