"""Contract of PreprocessRuns, ReferenceImages, DifferenceRuns and ModelRuns."""

from dataclasses import replace
from math import isnan, nan
from typing import Any

import numpy as np
import pytest

from astrid_core.differencing.entities import Comparison, DifferenceRun, ReferenceStatus, Registration
from astrid_core.preprocessing.entities import PreprocessRun
from astrid_core.shared.errors import NotAllowed, UnknownRecord
from astrid_core.shared.images import MaskPlane
from astrid_core.shared.runs import RunKey, RunStatus
from astrid_core.shared.sky import Region, SkyCell, SkyPosition
from tests.adapters.databases import AnyDatabase
from tests.adapters.invented import (
    MODEL_RUN,
    candidate,
    difference_run,
    model_run,
    observation,
    position,
    preprocess_run,
    record_difference,
    reference,
)


def test_a_preparation_comes_back_bit_for_bit(database: AnyDatabase) -> None:
    run = preprocess_run()
    with database.transaction() as records:
        records.observations.add(observation())
        assert records.preprocess_runs.find(run.key) is None
        assert records.preprocess_runs.add(run)
    with database.transaction() as records:
        assert records.preprocess_runs.get(run.key) == run
        assert records.preprocess_runs.find(run.key) == run


def test_a_recorded_preparation_never_changes(database: AnyDatabase) -> None:
    run = preprocess_run()
    with database.transaction() as records:
        records.observations.add(observation())
        records.preprocess_runs.add(run)
        assert not records.preprocess_runs.add(run)
        assert not records.preprocess_runs.add(replace(run, elapsed_s=99.0))
        assert records.preprocess_runs.get(run.key) == run


def test_a_skipped_preparation_keeps_its_reason(database: AnyDatabase) -> None:
    skipped = PreprocessRun.skipped(RunKey("preprocess-2"), observation().id, "3 stars, 10 needed")
    with database.transaction() as records:
        records.observations.add(observation())
        records.preprocess_runs.add(skipped)
    with database.transaction() as records:
        assert records.preprocess_runs.get(skipped.key) == skipped


def test_preparations_of_an_observation_are_ordered_by_key(database: AnyDatabase) -> None:
    other = observation(2)
    runs = [preprocess_run("preprocess-b"), preprocess_run("preprocess-a"), preprocess_run("preprocess-c", of=other)]
    with database.transaction() as records:
        records.observations.add(observation())
        records.observations.add(other)
        for run in runs:
            records.preprocess_runs.add(run)
        assert records.preprocess_runs.of_observation(observation().id) == (runs[1], runs[0])
        assert records.preprocess_runs.of_observation("demo:nowhere") == ()


def test_a_reference_comes_back_bit_for_bit_and_never_changes(database: AnyDatabase) -> None:
    with database.transaction() as records:
        assert records.references.add(reference())
        assert not records.references.add(replace(reference(), version=7))
    with database.transaction() as records:
        assert records.references.get(reference().digest) == reference()


def test_references_are_found_by_region_cell_and_band_in_order(database: AnyDatabase) -> None:
    second = reference(21, version=2)
    first_g = reference(22, band="g")
    other_cell = reference(23, cell="6/5")
    coarser = reference(24, cell="5/900")
    far = reference(25, cell="6/123", version=3, at=position(99.0, -45.0))
    with database.transaction() as records:
        for one in (far, second, coarser, other_cell, first_g, reference()):
            records.references.add(one)
        search = records.references.search
        near = Region.cone(position(), radius_deg=0.01)
        assert search() == (coarser, other_cell, first_g, reference(), second, far)
        assert search(region=near) == (coarser, other_cell, first_g, reference(), second)
        assert search(cell=SkyCell.parse("6/123"), band="r") == (reference(), second, far)
        assert search(region=near, cell=SkyCell.parse("6/123"), band="r") == (reference(), second)
        assert search(band="z") == ()


def test_a_reference_changes_its_status_only_and_is_found_by_it(database: AnyDatabase) -> None:
    with database.transaction() as records:
        records.references.add(reference())
        records.references.set_status(reference().digest, ReferenceStatus.ACTIVE)
    active = replace(reference(), status=ReferenceStatus.ACTIVE)
    with database.transaction() as records:
        assert records.references.get(reference().digest) == active
        assert records.references.search(status=ReferenceStatus.ACTIVE) == (active,)
        assert records.references.search(status=ReferenceStatus.DRAFT) == ()
        with pytest.raises(UnknownRecord):
            records.references.set_status("0" * 64, ReferenceStatus.ACTIVE)


@pytest.mark.parametrize(
    "other", [{}, {"family": "pointing-12/8"}, {"leaves_out": ""}, {"instrument": "other"}, {"survey": "other"}]
)
def test_one_reference_of_a_key_is_active(database: AnyDatabase, other: dict[str, Any]) -> None:
    second = replace(reference(21, version=2), **other)
    with database.transaction() as records:
        records.references.add(replace(reference(), status=ReferenceStatus.ACTIVE))
        records.references.add(second)
    with database.transaction() as records:
        if other:
            records.references.set_status(second.digest, ReferenceStatus.ACTIVE)
        else:
            with pytest.raises(NotAllowed, match="two active references"):
                records.references.set_status(second.digest, ReferenceStatus.ACTIVE)
    with database.transaction() as records:
        assert len(records.references.search(status=ReferenceStatus.ACTIVE)) == (2 if other else 1)


def test_what_was_compared_with_a_reference_is_found(database: AnyDatabase) -> None:
    run = difference_run()
    with database.transaction() as records:
        record_difference(records, run)
    wanted = Comparison(observation_id=run.observation_id, run=run.key, reference_digest=reference().digest)
    with database.transaction() as records:
        assert records.difference_runs.comparisons([reference().digest, "0" * 64]) == (wanted,)
        assert records.difference_runs.comparisons([]) == ()


def test_a_difference_keeps_the_references_of_all_cells_in_their_order(database: AnyDatabase) -> None:
    beside = [reference(number, cell=f"6/{number}") for number in (22, 21)]
    run = replace(difference_run(), reference_digests=tuple(one.digest for one in (reference(), *beside)))
    with database.transaction() as records:
        for one in beside:
            records.references.add(one)
        record_difference(records, run)
        assert not records.difference_runs.add(run)
    with database.transaction() as records:
        assert records.difference_runs.get(run.key) == run
        compared = records.difference_runs.comparisons([one.digest for one in (*beside, reference())])
    assert {(one.observation_id, one.run) for one in compared} == {(run.observation_id, run.key)}
    assert sorted(one.reference_digest for one in compared) == sorted(run.reference_digests)


@pytest.mark.parametrize(("ra_deg", "dec_deg"), [(150.0, 2.0), (0.001, 0.0), (359.999, -89.95), (10.0, 90.0)])
def test_references_are_found_where_their_circles_meet_another(
    database: AnyDatabase, ra_deg: float, dec_deg: float
) -> None:
    def moved(by_deg: float) -> SkyPosition:
        dec = dec_deg + by_deg if dec_deg + by_deg <= 90.0 else 180.0 - dec_deg - by_deg
        return SkyPosition(ra_deg=ra_deg if dec_deg + by_deg <= 90.0 else (ra_deg + 180.0) % 360.0, dec_deg=dec)

    here = SkyPosition(ra_deg=ra_deg, dec_deg=dec_deg)
    near, far = (
        replace(reference(number, cell=f"6/{number}", at=moved(by_deg)), radius_deg=0.3)
        for number, by_deg in ((30, 0.39), (31, 0.41))
    )
    wide = replace(reference(32, cell="6/32", at=moved(1.0)), radius_deg=0.95)
    with database.transaction() as records:
        for one in (near, far, wide):
            records.references.add(one)
        records.references.set_status(near.digest, ReferenceStatus.ACTIVE)
        assert [one.digest for one in records.references.meeting(here, 0.1)] == [near.digest, wide.digest]
        active = records.references.meeting(here, 0.1, status=ReferenceStatus.ACTIVE)
    assert [one.digest for one in active] == [near.digest]


def test_a_difference_comes_back_with_its_candidates_in_order(database: AnyDatabase) -> None:
    run = difference_run(candidates=[candidate(number, at=position()) for number in range(1, 12)])
    with database.transaction() as records:
        record_difference(records, run)
    with database.transaction() as records:
        assert records.difference_runs.get(run.key) == run
        assert records.difference_runs.of_observation(observation().id) == (run,)
        assert records.difference_runs.of_observation("demo:nowhere") == ()


def test_what_differences_typically_cost_is_told_without_those_that_were_skipped(database: AnyDatabase) -> None:
    with database.transaction() as records:
        assert records.difference_runs.typical_s() is None
        for number, seconds in enumerate((2.0, 3.0, 40.0)):
            record_difference(
                records, replace(difference_run(candidates=()), key=RunKey(f"difference-{number}"), elapsed_s=seconds)
            )
        skipped = DifferenceRun.skipped(
            RunKey("difference-9"), preprocess_key=preprocess_run().key, observation_id=observation().id,
            reference_digests=(), reason="too little overlap",
        )  # fmt: skip
        records.difference_runs.add(skipped)
    with database.transaction() as records:
        assert records.difference_runs.typical_s() == 3.0


def test_a_recorded_difference_never_changes(database: AnyDatabase) -> None:
    run = difference_run()
    with database.transaction() as records:
        record_difference(records, run)
        assert not records.difference_runs.add(run)
        assert not records.difference_runs.add(replace(run, candidates=()))
        assert records.difference_runs.get(run.key) == run


def test_a_pair_without_reference_is_recorded_as_skipped(database: AnyDatabase) -> None:
    skipped = DifferenceRun.skipped(
        RunKey("difference-2"),
        preprocess_key=preprocess_run().key,
        observation_id=observation().id,
        reference_digests=(),
        reason="no reference within 1 deg",
    )
    with database.transaction() as records:
        record_difference(records)
        assert records.difference_runs.add(skipped)
        assert records.difference_runs.find(skipped.key) == skipped


def test_what_could_not_be_measured_stays_not_a_number(database: AnyDatabase) -> None:
    tie = Registration(offset_x_pix=nan, offset_y_pix=nan, rms_pix=0.1, n_matched=0, method="stars")
    unmeasured = replace(candidate(1), x_err_pix=nan, y_err_pix=nan, chi2=nan, fwhm_pix=nan, ellipticity=nan)
    with database.transaction() as records:
        record_difference(
            records,
            replace(difference_run(candidates=[unmeasured]), registration=tie, score_noise=None, flux_ratio=nan),
        )
    with database.transaction() as records:
        run = records.difference_runs.get(difference_run().key)
    assert run.registration is not None
    assert isnan(run.registration.offset_x_pix)
    assert isnan(run.registration.offset_y_pix)
    assert run.registration.rms_pix == 0.1
    assert isnan(run.candidates[0].x_err_pix)
    assert isnan(run.candidates[0].chi2)
    assert isnan(run.candidates[0].fwhm_pix)
    assert isnan(run.candidates[0].ellipticity)
    assert run.score_noise is None
    assert run.flux_ratio is not None
    assert isnan(run.flux_ratio)


def test_numbers_of_numpy_and_flags_are_plain_numbers_when_they_come_back(database: AnyDatabase) -> None:
    flags = MaskPlane.SATURATED | MaskPlane.TRAIL
    x_pix: Any = np.float32(0.1)
    number: Any = np.int64(1)
    n_usable_pix: Any = np.int32(7)
    odd = replace(candidate(1), x_pix=x_pix, flux=np.float64(-1.5), number=number, flags=flags)
    with database.transaction() as records:
        record_difference(records, replace(difference_run(candidates=[odd]), n_usable_pix=n_usable_pix))
    with database.transaction() as records:
        run = records.difference_runs.get(difference_run().key)
    assert run.n_usable_pix == 7
    assert run.candidates == (odd,)
    assert run.candidates[0].x_pix == float(x_pix)


def test_a_candidate_of_another_run_is_refused(database: AnyDatabase) -> None:
    wrong = difference_run(candidates=[candidate(1, run=RunKey("difference-other"))])
    with database.transaction() as records:
        record_difference(records)
        with pytest.raises(ValueError, match="not of difference-1"):
            records.difference_runs.add(wrong)


def test_a_model_run_comes_back_with_its_detections(database: AnyDatabase) -> None:
    run = model_run()
    with database.transaction() as records:
        record_difference(records)
        assert records.model_runs.find(run.key) is None
        assert records.model_runs.add(run)
        assert not records.model_runs.add(replace(run, detections=()))
    with database.transaction() as records:
        assert records.model_runs.get(run.key) == run
        assert records.model_runs.of_observation(observation().id) == (run,)
        assert records.model_runs.of_observation("demo:nowhere") == ()


def test_one_detection_is_found_by_its_id(database: AnyDatabase) -> None:
    run = model_run()
    with database.transaction() as records:
        record_difference(records)
        records.model_runs.add(run)
        assert records.model_runs.detection("detect-1:2") == run.detections[1]
        assert records.model_runs.detections(["detect-1:2", "detect-1:1"]) == {
            "detect-1:2": run.detections[1],
            "detect-1:1": run.detections[0],
        }
        with pytest.raises(UnknownRecord, match="detection=detect-1:7"):
            records.model_runs.detections(["detect-1:1", "detect-1:7"])


@pytest.mark.parametrize(
    "detection_id",
    ["detect-1:3", "detect-1:01", "detect-1:", "detect-1:\u00b2", "", "detect-2:1", f"detect-1:{10**30}"],
)
def test_a_detection_that_is_not_there_is_named(database: AnyDatabase, detection_id: str) -> None:
    with database.transaction() as records:
        record_difference(records)
        records.model_runs.add(model_run())
        with pytest.raises(UnknownRecord, match=f"detection={detection_id}"):
            records.model_runs.detection(detection_id)


def test_a_detection_of_another_difference_is_refused(database: AnyDatabase) -> None:
    wrong = replace(model_run(), difference_key=RunKey("difference-other"))
    with database.transaction() as records:
        record_difference(records)
        with pytest.raises(ValueError, match="not of detect-1"):
            records.model_runs.add(wrong)


def test_a_skipped_model_run_has_no_detections(database: AnyDatabase) -> None:
    skipped = replace(model_run(), status=RunStatus.SKIPPED, reason="no stamp fits", detections=())
    with database.transaction() as records:
        record_difference(records)
        records.model_runs.add(skipped)
        assert records.model_runs.get(MODEL_RUN) == skipped


def test_runs_that_are_not_there_are_named(database: AnyDatabase) -> None:
    nowhere = RunKey("nowhere-1")
    with database.transaction() as records:
        for get in (records.preprocess_runs.get, records.difference_runs.get, records.model_runs.get):
            with pytest.raises(UnknownRecord, match="nowhere-1"):
                get(nowhere)
        with pytest.raises(UnknownRecord, match="nowhere-1"):
            records.references.get(nowhere)
