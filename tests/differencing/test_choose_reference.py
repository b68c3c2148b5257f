from dataclasses import replace

import pytest

from astrid_core.differencing.config import DifferenceConfig
from astrid_core.differencing.leave_out import LeaveOut
from astrid_core.differencing.references import choose_references
from tests.adapters.invented import reference
from tests.catalog.night import NIGHT, observation

SEEN = observation(1)
FULL = replace(
    reference(), position=SEEN.position, band=SEEN.band, survey=SEEN.survey, instrument=SEEN.instrument,
    nights=("2024-01-01",), is_thin=False, version=1, leaves_out="",
)  # fmt: skip


def _without(leave_out: LeaveOut) -> str:
    newer = replace(FULL, version=2, leaves_out=leave_out.text, image=replace(FULL.image, digest="2" * 64))
    (found,) = choose_references(SEEN, [FULL, newer], DifferenceConfig())
    return found.leaves_out


@pytest.mark.parametrize(
    "leave_out",
    [
        LeaveOut(nights=frozenset({NIGHT})),
        LeaveOut(observation_ids=frozenset({SEEN.id})),
        LeaveOut(before_mjd=SEEN.mid_mjd - 100.0, nights=frozenset({"2020-01-01"})),
    ],
)
def test_a_reference_that_leaves_an_exposure_out_is_built_for_it(leave_out: LeaveOut) -> None:
    assert _without(leave_out) == leave_out.text


@pytest.mark.parametrize(
    "leave_out",
    [
        LeaveOut(nights=frozenset({"2020-01-01"})),
        LeaveOut(observation_ids=frozenset({"demo:other.fits"})),
        LeaveOut(before_mjd=SEEN.mid_mjd + 100.0),
    ],
)
def test_a_reference_that_leaves_others_out_comes_after_one_that_leaves_nothing_out(leave_out: LeaveOut) -> None:
    assert _without(leave_out) == ""
