"""Which calibration frames make one master."""

from astrid_core.observations.entities import CalibrationFrame, CalibrationKind
from astrid_core.preprocessing.calibrate_config import CalibrateConfig
from astrid_core.preprocessing.group_frames import CalibrationGroup, group_frames

CONFIG = CalibrateConfig(max_gap_days=7.0, valid_days=30.0, max_inputs=20)


def bias_frames(days: range, *, per_night: int = 10) -> list[CalibrationFrame]:
    return [
        CalibrationFrame(
            survey="raw", archive_id=f"{day}/{number}.fits", extension=0, file_digest=f"{day:032x}{number:032x}",
            kind=CalibrationKind.BIAS, instrument="camera", detector="", binning="1x1", width_pix=100, height_pix=100,
            band="", exposure_s=0.0, mid_mjd=60000.0 + day + number / 1440.0, saturation_adu=None,
        )
        for day in days
        for number in range(per_night)
    ]  # fmt: skip


def used(group: CalibrationGroup) -> list[float]:
    return [60000.0 + int(one.split(":")[1].split("/")[0]) for one in group.frame_ids]


def test_a_pause_begins_another_group() -> None:
    groups = group_frames([*bias_frames(range(2)), *bias_frames(range(10, 11))], CONFIG)
    assert [len(one.frame_ids) for one in groups] == [20, 10]


def test_masters_of_every_night_for_months_serve_every_night() -> None:
    groups = group_frames(bias_frames(range(120)), CONFIG)
    assert {len(one.frame_ids) for one in groups} == {CONFIG.max_inputs}
    spans = [(min(used(one)) - CONFIG.valid_days, max(used(one)) + CONFIG.valid_days) for one in groups]
    unserved = [day for day in range(120) if not any(first <= 60000.0 + day <= last for first, last in spans)]
    assert unserved == []
    assert len({one.label for one in groups}) == len(groups)


def test_what_comes_later_leaves_the_groups_before_it_as_they_are() -> None:
    some, more = (group_frames(bias_frames(range(n)), CONFIG) for n in (100, 120))
    assert more[: len(some) - 1] == some[:-1]


def test_one_night_is_never_divided() -> None:
    groups = group_frames(bias_frames(range(0, 35, 5), per_night=60), CONFIG)
    assert len({one.label for one in groups}) == len(groups) == 1
