import json
from dataclasses import replace

import numpy as np
import pytest

from astrid_core.detection.gate import Check, GateConfig, GateResult, at_most, check_calibration, compare, probes
from astrid_core.detection.training_set import Examples
from astrid_core.shared.errors import BadConfiguration

CONFIG = GateConfig(n_frames=20, n_quiet=10, n_resampled=400)
N_REAL, N_FALSE = 10, 10
"""Of each busy frame; quiet ones have only false candidates."""


def _examples() -> Examples:
    n = 20 * (N_REAL + N_FALSE) + 10 * N_FALSE
    frame = np.concatenate([np.repeat(np.arange(20), N_REAL + N_FALSE), np.repeat(np.arange(20, 30), N_FALSE)])
    is_real = np.concatenate([np.tile(np.repeat([True, False], 10), 20), np.zeros(10 * N_FALSE, dtype=bool)])
    size = np.tile([5.5, 6.0, 7.0, 9.0, 10.0, 12.0, 15.0, 17.0, 20.0, 30.0], n // 10)
    return Examples(
        stamps=np.zeros((n, 4, 4, 1), dtype=np.float32),
        offset=np.zeros((n, 2), dtype=np.intp),
        triplets=np.zeros((n, 4, 4, 1), dtype=np.float32),
        classes=np.zeros((n, 4, 4), dtype=np.uint8),
        is_real=is_real,
        score=(size * np.where(np.arange(n) % 2, 1.0, -1.0)).astype(np.float32),
        frame=frame.astype(np.int32),
        weight=np.ones(n, dtype=np.float32),
        searched_mpix=1.0,
    )


EXAMPLES = _examples()
PERFECT = EXAMPLES.is_real.astype(float)


def _checks(score: np.ndarray, examples: Examples = EXAMPLES) -> dict[str, Check]:
    both = {"frame": score, "triplet": PERFECT[: len(score)]}
    old = dict.fromkeys(("frame", "triplet"), PERFECT[: len(score)])
    return {check.name: check for check in compare(examples, both, old, CONFIG)}


def test_a_network_passes_against_itself() -> None:
    checks = _checks(PERFECT)
    assert len(checks) == 22
    assert all(check.passed for check in checks.values())
    assert (checks["frame: real accepted, all"].n, checks["frame: false rejected, quiet sky"].n) == (200, 100)


def test_a_loss_in_one_slice_alone_is_found() -> None:
    faint = EXAMPLES.is_real & (np.abs(EXAMPLES.score) < 6.5) & (EXAMPLES.frame % 3 == 0)
    checks = _checks(np.where(faint, 0.1, PERFECT))
    failed = {name for name, check in checks.items() if not check.passed}
    assert "frame: real accepted, 5 to 8 sigma" in failed
    assert not [name for name in failed if "false" in name or "triplet" in name or "16" in name]
    worse = checks["frame: real accepted, 5 to 8 sigma"]
    assert worse.challenger == pytest.approx(1.0 - 14 / 60)
    assert worse.low is not None
    assert worse.high is not None
    assert worse.low < -14 / 60 < worse.high < 0.0


def test_a_loss_that_one_frame_alone_shows_may_be_chance() -> None:
    one = EXAMPLES.is_real & (EXAMPLES.frame == 3)
    check = _checks(np.where(one, 0.1, PERFECT))["frame: real accepted, all"]
    assert check.challenger == pytest.approx(0.95)
    assert check.high == 0.0
    assert check.passed


def test_a_small_loss_is_borne() -> None:
    one_of_a_hundred = np.zeros(len(PERFECT), dtype=bool)
    one_of_a_hundred[np.flatnonzero(EXAMPLES.is_real)[::100]] = True
    assert _checks(np.where(one_of_a_hundred, 0.1, PERFECT))["frame: real accepted, all"].passed


def test_networks_that_err_equally_often_rarely_stop_one_another() -> None:
    stopped = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        first, second = (np.where(rng.random(len(PERFECT)) < 0.05, 1.0 - PERFECT, PERFECT) for _ in range(2))
        new, old = ({"frame": score, "triplet": score} for score in (first, second))
        stopped += not all(check.passed for check in compare(EXAMPLES, new, old, replace(CONFIG, n_resampled=2000)))
    assert stopped <= 3


def test_false_ones_that_are_accepted_on_quiet_sky_count() -> None:
    quiet = EXAMPLES.frame >= 20
    checks = _checks(np.where(quiet & (np.arange(len(quiet)) % 5 == 0), 0.9, PERFECT))
    assert not checks["frame: false rejected, quiet sky"].passed
    assert checks["frame: real accepted, all"].passed


def test_what_was_not_measured_does_not_pass() -> None:
    only_false = EXAMPLES.take(~EXAMPLES.is_real, searched_mpix=1.0)
    checks = _checks(np.zeros(len(only_false)), only_false)
    assert not checks["frame: real accepted, all"].passed
    assert "not measured" in str(checks["frame: real accepted, all"])
    assert "frame: real accepted, faded" not in checks
    assert not at_most("parity", None, 1e-6).passed
    assert not GateResult(key="", challenger="", champion="", checks=()).passed


def test_calibration_is_measured_where_much_changes() -> None:
    score = np.where(EXAMPLES.frame < 20, np.where(PERFECT > 0.5, 0.8, 0.2), 0.9)
    check = check_calibration(EXAMPLES, score, CONFIG, champion=PERFECT)
    assert (check.n, check.champion) == (400, 0.0)
    assert check.challenger == pytest.approx(0.2)
    assert not check.passed
    assert check_calibration(EXAMPLES, score, replace(CONFIG, max_ece=0.25), champion=None).passed


def test_a_result_survives_the_log_and_shows_every_number() -> None:
    checks = (*_checks(PERFECT).values(), at_most("memory", 5.0, 4.0))
    result = GateResult(key="gate-1", challenger="net/2", champion="net/1", checks=checks)
    assert GateResult.of(json.loads(json.dumps(result.facts()))) == result
    assert result.failures == ("memory: 5; must be at most 4",)
    assert len(result.table().splitlines()) == 2 + len(checks)
    assert result.table().splitlines()[-1] == "| memory |  | 5 |  |  | at most 4 | **fails** |"


def test_probes_are_always_the_same() -> None:
    first, again = probes(32), probes(32)
    np.testing.assert_array_equal(first.pixels, again.pixels)
    assert first.pixels.shape[1:3] == (32, 32)
    assert first.pixels[-1, 16, 16, 0] > first.pixels[-1, 0, 0, 0]


@pytest.mark.parametrize("wrong", [{"n_frames": 2}, {"max_loss": 0.0}, {"n_resampled": 1}, {"max_memory_gib": -1.0}])
def test_settings_without_sense_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(BadConfiguration, match=next(iter(wrong))):
        GateConfig(**wrong)  # type: ignore[arg-type] # that is the question
