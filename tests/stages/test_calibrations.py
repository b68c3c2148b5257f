"""Masters from raw frames, and what they do to an exposure, over memory twins."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from astrid_core.observations.entities import CalibrationKind, Survey
from astrid_core.preprocessing.entities import CalibrationData, MasterStatus, PreprocessRun
from astrid_core.shared.errors import BadConfiguration, NoCalibration, RejectedMaster, TooFewInputs, Unprocessable
from astrid_core.shared.events import verify_chain
from astrid_core.shared.fits_format import fits_to_image
from astrid_core.shared.runs import RunKey, RunStatus
from astrid_core.stages.build_masters import build_masters
from astrid_core.stages.calibrations import plan_calibrations, run_build_calibration, run_settle_master
from astrid_core.stages.ingest import run_ingest
from astrid_core.stages.preprocess import planned_key, run_preprocess
from astrid_core.stages.services import Services
from tests.fakes.surveys import MemorySurvey
from tests.stages.raw_scene import (
    CALIBRATE,
    DETECTOR,
    PREPARATION,
    SCIENCE,
    SKY,
    calibration_files,
    light,
    science_file,
    services,
)

NIGHT = "2024-01-10"


@pytest.fixture(scope="module")
def built() -> tuple[Services, Sequence[RunKey]]:
    """A survey whose masters are built; tests must not change it."""
    ready = services({**calibration_files(NIGHT), f"{NIGHT}/science.fits": science_file()})
    run_ingest(ready, "raw")
    return ready, build_masters(ready, plan_calibrations(ready, survey="raw", config=CALIBRATE), CALIBRATE).keys


def masters(ready: Services) -> dict[CalibrationKind, CalibrationData]:
    with ready.transaction() as records:
        return {one.kind: one for one in records.calibration_masters.search(survey="raw")}


def prepared(ready: Services, key: RunKey) -> PreprocessRun:
    with ready.transaction() as records:
        return records.preprocess_runs.get(key)


def test_calibration_frames_are_recorded_and_are_no_failures() -> None:
    ready = services({**calibration_files(NIGHT), f"{NIGHT}/science.fits": science_file(), "x.fits": b"nothing"})
    summary = run_ingest(ready, "raw")
    assert (summary.n_new, summary.n_calibration, summary.n_rejected) == (1, 13, 1)
    assert run_ingest(ready, "raw").n_calibration == 13
    with ready.transaction() as records:
        kinds = [one.kind.value for one in records.calibration_frames.search(survey="raw")]
        names = [event.name for event in records.events.all()]
    assert kinds == ["bias"] * 5 + ["dark"] * 3 + ["flat"] * 5
    assert names.count("calibration_frame.recorded") == 13


def test_every_kind_of_master_is_built_once_with_its_inputs(built: tuple[Services, Sequence[RunKey]]) -> None:
    ready, keys = built
    found = masters(ready)
    assert {kind.value: one.n_inputs for kind, one in found.items()} == {
        "bias": 5, "dark": 3, "flat": 5, "bad_pixels": 2
    }  # fmt: skip
    assert {one.version for one in found.values()} == {1}
    assert found[CalibrationKind.FLAT].level == pytest.approx(1.0, abs=1e-3)
    again = build_masters(ready, plan_calibrations(ready, survey="raw", config=CALIBRATE), CALIBRATE)
    assert again.keys == keys
    with ready.transaction() as records:
        assert verify_chain(records.events.all())
        assert len(records.calibration_masters.search()) == 4


def test_a_raw_exposure_comes_out_as_a_perfect_detector_would_show_it(built: tuple[Services, Sequence[RunKey]]) -> None:
    ready, _ = built
    run = prepared(ready, run_preprocess(ready, SCIENCE, PREPARATION))
    assert run.image is not None
    assert run.quality is not None
    assert run.calibration == "raw: its survey has masters for its instrument"
    assert set(run.masters) == {one.digest for one in masters(ready).values()}
    image = fits_to_image(ready.artifacts.get(run.image.digest))
    assert image.shape == DETECTOR.shape
    assert run.quality.sky == pytest.approx(SKY, rel=0.005)
    pull = ((image.pixels - (light() - run.quality.sky)) / np.sqrt(image.variance))[image.usable]
    assert np.std(pull) == pytest.approx(1.0, abs=0.05)
    assert (image.mask[DETECTOR.bad] != 0).mean() > 0.95


def test_new_masters_make_an_exposure_pending_again() -> None:
    ready = services({**calibration_files(NIGHT), f"{NIGHT}/science.fits": science_file()})
    run_ingest(ready, "raw")
    as_it_is = run_preprocess(ready, SCIENCE, PREPARATION)
    assert prepared(ready, as_it_is).calibration.startswith("taken as it is: neither survey nor header")
    build_masters(ready, plan_calibrations(ready, survey="raw", config=CALIBRATE), CALIBRATE)
    with ready.transaction() as records:
        observation = records.observations.get(SCIENCE)
        assert planned_key(records, observation, ready.surveys["raw"].survey, PREPARATION) != as_it_is


def test_without_a_valid_master_an_exposure_is_skipped_for_that_reason() -> None:
    ready = services({f"{NIGHT}/science.fits": science_file()}, calibrated=False)
    run_ingest(ready, "raw")
    for _ in range(2):
        with pytest.raises(
            Unprocessable, match=r"no valid master bias and no flat .*simulated raw CCD.*60319\.9"
        ) as told:
            run_preprocess(ready, SCIENCE, PREPARATION)
    with ready.transaction() as records:
        (run,) = records.preprocess_runs.of_observation(SCIENCE)
    assert run.status is RunStatus.SKIPPED
    assert run.reason == str(told.value)


def test_a_frame_of_another_band_or_time_gets_no_flat(built: tuple[Services, Sequence[RunKey]]) -> None:
    ready, _ = built
    with ready.transaction() as records:
        observation = records.observations.get(SCIENCE)
        survey = Survey(name="raw")
        today = planned_key(records, observation, survey, PREPARATION)
        for other in (replace(observation, band="g"), replace(observation, mid_mjd=observation.mid_mjd + 40.0)):
            assert planned_key(records, other, survey, PREPARATION) != today


@pytest.mark.parametrize(
    ("calibrated", "more", "rule"),
    [
        (True, {}, "calibrated: the survey says so"),
        (None, {"FLATCORR": "COMPLETE"}, "calibrated: header says FLATCORR = COMPLETE"),
    ],
)
def test_calibrated_exposures_pass_by_the_masters_and_the_rule_is_recorded(
    calibrated: bool | None, more: dict[str, str], rule: str
) -> None:
    files = {**calibration_files(NIGHT), f"{NIGHT}/science.fits": science_file(**more)}
    ready = services(files, calibrated=calibrated)
    run_ingest(ready, "raw")
    build_masters(ready, plan_calibrations(ready, survey="raw", config=CALIBRATE), CALIBRATE)
    run = prepared(ready, run_preprocess(ready, SCIENCE, PREPARATION))
    assert (run.calibration, run.masters) == (rule, ())


def test_uncalibrated_frames_can_be_refused() -> None:
    ready = services({f"{NIGHT}/science.fits": science_file()})
    run_ingest(ready, "raw")
    strict = replace(PREPARATION, calibrate=replace(CALIBRATE, allow_uncalibrated=False))
    with pytest.raises(NoCalibration, match="neither survey nor header says"):
        run_preprocess(ready, SCIENCE, strict)


def test_a_master_unlike_the_one_before_is_rejected_recorded_and_never_applied() -> None:
    later = "2024-01-20"
    shifted = replace(DETECTOR, bias=DETECTOR.bias + 40.0 * (np.arange(300) > 150)[None, :])
    files = {**calibration_files(NIGHT), **calibration_files(later, shifted, seed=500)}
    files[f"{later}/science.fits"] = science_file(later)
    ready = services(files)
    run_ingest(ready, "raw")
    groups = [
        one
        for one in plan_calibrations(ready, survey="raw", config=CALIBRATE)
        if one.kind is CalibrationKind.BIAS or one.nights[0] == NIGHT
    ]
    result = build_masters(ready, groups, CALIBRATE)
    (reason,) = result.skipped.values()
    assert "too many pixels of the new master bias deviate" in reason
    assert "allowed=0.05, sigma=6" in reason
    with ready.transaction() as records:
        (rejected,) = [one for one in records.calibration_masters.search() if one.status is MasterStatus.REJECTED]
    assert rejected.version == 2
    assert rejected.deviating_fraction == pytest.approx(0.5, abs=0.02)
    run = prepared(ready, run_preprocess(ready, f"raw:{later}/science.fits", PREPARATION))
    assert rejected.digest not in run.masters

    with pytest.raises(BadConfiguration, match="for a reason"):
        run_settle_master(ready, rejected.digest, accept=True, reason=" ")
    run_settle_master(ready, rejected.digest, accept=True, reason="new amplifier")
    accepted = prepared(ready, run_preprocess(ready, f"raw:{later}/science.fits", PREPARATION))
    assert rejected.digest in accepted.masters
    with ready.transaction() as records:
        events = list(records.events.all())
    assert ("calibration.settled", rejected.digest) in [(one.name, one.subject) for one in events]


def test_too_few_frames_and_missing_masters_are_told_with_their_numbers() -> None:
    files = {name: file for name, file in calibration_files(NIGHT).items() if "bias4" not in name}
    ready = services(files)
    run_ingest(ready, "raw")
    bias, dark, _ = plan_calibrations(ready, survey="raw", config=CALIBRATE)
    with pytest.raises(TooFewInputs, match="n=4, required=5"):
        run_build_calibration(ready, bias, CALIBRATE)
    with pytest.raises(NoCalibration, match="a master dark needs a valid master bias"):
        run_build_calibration(ready, dark, CALIBRATE)


def test_a_broken_frame_is_left_out_and_the_others_make_the_master() -> None:
    files = calibration_files(NIGHT)
    ready = services({**files, f"{NIGHT}/bias5.fits": calibration_files(NIGHT, seed=77)[f"{NIGHT}/bias4.fits"]})
    run_ingest(ready, "raw")
    client = ready.surveys["raw"]
    assert isinstance(client, MemorySurvey)
    del client.files[f"{NIGHT}/bias2.fits"]
    (bias, *_) = plan_calibrations(ready, survey="raw", config=CALIBRATE)
    run_build_calibration(ready, bias, CALIBRATE)
    (made,) = masters(ready).values()
    assert made.n_inputs == 5
    assert f"raw:{NIGHT}/bias2.fits" not in made.inputs


def test_a_rejected_master_is_rejected_again_without_building_it_again() -> None:
    ready = services(calibration_files(NIGHT))
    run_ingest(ready, "raw")
    (bias, *_) = plan_calibrations(ready, survey="raw", config=CALIBRATE)
    run_build_calibration(ready, bias, CALIBRATE)
    (made,) = masters(ready).values()
    run_settle_master(ready, made.digest, accept=False, reason="light leak")
    with pytest.raises(RejectedMaster, match="light leak"):
        run_build_calibration(ready, bias, CALIBRATE)
