"""Contract of CalibrationFrames and CalibrationMasters."""

from dataclasses import replace

import pytest

from astrid_core.observations.entities import CalibrationFrame, CalibrationKind
from astrid_core.preprocessing.entities import CalibrationData, DetectorSetup, MasterStatus
from astrid_core.shared.errors import UnknownRecord
from astrid_core.shared.runs import RunKey
from tests.adapters.databases import AnyDatabase
from tests.adapters.invented import MID_MJD, artifact

SETUP = DetectorSetup(survey="demo", instrument="camera", detector="3", binning="2x2", width_pix=1056, height_pix=1024)


def frame(number: int = 1, *, survey: str = "demo", after_days: float = 0.0) -> CalibrationFrame:
    return CalibrationFrame(
        survey=survey,
        archive_id=f"night/flat{number}.fits",
        extension=2,
        file_digest=f"{number:064x}",
        kind=CalibrationKind.FLAT,
        instrument="camera",
        detector="3",
        binning="2x2",
        width_pix=1056,
        height_pix=1024,
        band="r",
        exposure_s=1.0 / 3.0,
        mid_mjd=MID_MJD + after_days,
        saturation_adu=None,
    )


def master(number: int = 50, *, kind: CalibrationKind = CalibrationKind.FLAT, version: int = 1) -> CalibrationData:
    return CalibrationData(
        image=artifact(number),
        kind=kind,
        setup=SETUP,
        band="r" if kind is CalibrationKind.FLAT else "",
        valid_from_mjd=MID_MJD - 30.0,
        valid_to_mjd=MID_MJD + 30.1,
        mid_mjd=MID_MJD,
        version=version,
        inputs=("demo:night/flat1.fits", "demo:night/flat2.fits"),
        level=1.0 + 1e-15,
        scatter=0.01,
        deviating_fraction=None,
        status=MasterStatus.ACCEPTED,
        recipe=RunKey(f"calibration-{number}"),
        elapsed_s=4.5,
    )


def test_a_calibration_frame_comes_back_bit_for_bit_and_may_be_described_anew(database: AnyDatabase) -> None:
    with database.transaction() as records:
        assert records.calibration_frames.add(frame())
        assert not records.calibration_frames.add(frame())
    with database.transaction() as records:
        assert records.calibration_frames.get("demo:night/flat1.fits") == frame()
        changed = replace(frame(), saturation_adu=6e4)
        assert records.calibration_frames.add(changed)
        assert records.calibration_frames.get(changed.id) == changed
        with pytest.raises(UnknownRecord, match="demo:nowhere"):
            records.calibration_frames.get("demo:nowhere")


def test_frames_are_searched_by_survey_kind_and_nights(database: AnyDatabase) -> None:
    late, early, other = frame(1, after_days=3.0), frame(2), frame(3, survey="other")
    bias = replace(frame(4, after_days=1.0), kind=CalibrationKind.BIAS, band="")
    with database.transaction() as records:
        for one in (late, early, other, bias):
            records.calibration_frames.add(one)
        search = records.calibration_frames.search
        assert search(survey="demo") == (early, bias, late)
        assert search(survey="demo", kind=CalibrationKind.FLAT) == (early, late)
        assert search(survey="demo", first_night=bias.night) == (bias, late)
        assert search(survey="demo", first_night=bias.night, last_night=bias.night) == (bias,)
        assert search(survey="nobody") == ()


def test_a_master_comes_back_bit_for_bit_and_its_digest_is_taken_once(database: AnyDatabase) -> None:
    with database.transaction() as records:
        records.calibration_masters.lock()
        assert records.calibration_masters.add(master())
        assert not records.calibration_masters.add(replace(master(), version=9))
    with database.transaction() as records:
        assert records.calibration_masters.get(master().digest) == master()
        with pytest.raises(UnknownRecord, match="no such master"):
            records.calibration_masters.get("f" * 64)


def test_masters_are_searched_by_survey_setup_kind_and_time(database: AnyDatabase) -> None:
    flat, bias = master(50), master(51, kind=CalibrationKind.BIAS)
    later = replace(master(52, version=2), valid_from_mjd=MID_MJD + 40.0, valid_to_mjd=MID_MJD + 90.0)
    other = replace(master(53), setup=replace(SETUP, detector="4"))
    with database.transaction() as records:
        for one in (later, flat, bias, other):
            records.calibration_masters.add(one)
        search = records.calibration_masters.search
        assert search(setup=SETUP) == (bias, flat, later)
        assert search(survey="demo", kind=CalibrationKind.FLAT) == (flat, other, later)
        assert search(setup=SETUP, at_mjd=MID_MJD) == (bias, flat)
        assert search(setup=SETUP, at_mjd=MID_MJD + 40.0) == (later,)
        assert search(survey="other") == ()


def test_a_master_is_settled_by_hand(database: AnyDatabase) -> None:
    rejected = replace(master(), status=MasterStatus.REJECTED, reason="deviates", deviating_fraction=0.3)
    with database.transaction() as records:
        records.calibration_masters.add(rejected)
    with database.transaction() as records:
        records.calibration_masters.settle(rejected.digest, MasterStatus.ACCEPTED, "new amplifier")
    with database.transaction() as records:
        settled = records.calibration_masters.get(rejected.digest)
        assert settled == replace(rejected, status=MasterStatus.ACCEPTED, reason="new amplifier")
        with pytest.raises(UnknownRecord):
            records.calibration_masters.settle("f" * 64, MasterStatus.ACCEPTED, "why")
