import re
from pathlib import Path

import pytest

from astrid_core.shared.errors import BadConfiguration
from astrid_core.stages.heavy import HeavyStage
from include.pod_profiles import read_pod_plan

SHIPPED = Path(__file__).resolve().parents[2] / "include" / "config" / "compute.toml"


def test_every_heavy_stage_has_profiles_for_small_and_large_frames() -> None:
    plan = read_pod_plan(SHIPPED)
    assert set(plan.profiles) == {str(stage) for stage in HeavyStage}
    for stage in HeavyStage:
        small, large = plan.choose(stage, 4.2), plan.choose(stage, 100.0)
        assert small.memory_gib < large.memory_gib
        assert plan.choose(stage, 4.2, above_gib=small.memory_gib).memory_gib > small.memory_gib


def test_a_frame_that_fits_nowhere_is_told_with_its_size() -> None:
    plan = read_pod_plan(SHIPPED)
    with pytest.raises(BadConfiguration, match="frame_mpix=9000"):
        plan.choose("detect", 9000.0)
    with pytest.raises(BadConfiguration, match="more_than_gib=1000"):
        plan.choose("detect", 1.0, above_gib=1000.0)


@pytest.mark.parametrize(("seconds_each", "least"), [(91.8, 1), (6.0, 15), (1e9, 1), (0.0, 1)])
def test_a_pod_gets_so_many_items_that_its_start_is_a_tenth(seconds_each: float, least: int) -> None:
    assert read_pod_plan(SHIPPED).rules.least_items(seconds_each) == least


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (("gpu = 1", "gpus = 1"), "gpus"),
        (("memory_gib = 6", "memory_gib = 0"), "memory_gib"),
        (("[pod]", "[pods]"), "pod"),
        (("cpu = 2", "cpu ="), "cannot be read"),
        (("deadline_s = 21600", "deadline_s = -1"), "deadline_s"),
    ],
)
def test_what_is_wrong_in_the_file_is_named(tmp_path: Path, change: tuple[str, str], reason: str) -> None:
    path = tmp_path / "compute.toml"
    path.write_text(SHIPPED.read_text().replace(*change, 1))
    with pytest.raises(BadConfiguration, match=re.escape(reason)):
        read_pod_plan(path)
