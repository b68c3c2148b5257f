"""Thresholds that a model keeps, by false alarms per square degree of empty sky."""

from collections.abc import Mapping

import pytest

from astrid_core.detection.thresholds import threshold_of
from astrid_core.shared.errors import BadConfiguration, CorruptArtifact

FOR_ALL = {"thresholds_per_deg2": {"10": 0.6, "30": 0.25, "2.5": 0.9}}
BY_INSTRUMENT = {"thresholds_per_deg2": {"widecam": {"10": 0.7}, "*": {"10": 0.5, "30": 0.2}}}


def _threshold(manifest: Mapping[str, object], density: float, instrument: str = "widecam") -> float:
    return threshold_of(manifest, model="unet/3", instrument=instrument, max_false_per_deg2=density)


def test_a_density_names_its_threshold() -> None:
    assert [_threshold(FOR_ALL, density) for density in (10.0, 30.0, 2.5)] == [0.6, 0.25, 0.9]


def test_an_instrument_has_its_own_and_the_star_stands_for_all_others() -> None:
    assert _threshold(BY_INSTRUMENT, 10.0) == 0.7
    assert _threshold(BY_INSTRUMENT, 10.0, "othercam") == 0.5
    assert _threshold(BY_INSTRUMENT, 30.0, "") == 0.2


def test_an_unnamed_instrument_stands_for_all_others_too() -> None:
    stored = {"thresholds_per_deg2": {"widecam": {"10": 0.7}, "": {"10": 0.4}}}
    assert _threshold(stored, 10.0, "othercam") == 0.4


@pytest.mark.parametrize("manifest", [{}, {"thresholds_per_deg2": {}}, {"thresholds_per_deg2": None}])
def test_a_model_that_was_never_measured_is_refused_by_name(manifest: Mapping[str, object]) -> None:
    with pytest.raises(BadConfiguration, match=r"model=unet/3.*max_false_per_deg2=10"):
        _threshold(manifest, 10.0)


def test_a_density_that_was_not_measured_is_refused_with_those_that_were() -> None:
    with pytest.raises(BadConfiguration, match=r"model=unet/3.*max_false_per_deg2=20.*known=2.5, 10, 30"):
        _threshold(FOR_ALL, 20.0)


def test_one_instrument_does_not_borrow_from_another() -> None:
    with pytest.raises(BadConfiguration, match=r"instrument=othercam.*known=widecam"):
        _threshold({"thresholds_per_deg2": {"widecam": {"10": 0.7}}}, 10.0, "othercam")
    with pytest.raises(BadConfiguration, match="known=10"):
        _threshold(BY_INSTRUMENT, 30.0)


@pytest.mark.parametrize("table", [{"10": 1.5}, {"10": float("nan")}, {"ten": 0.5}, {"10": None}, [0.5]])
def test_what_is_no_score_is_corrupt(table: object) -> None:
    with pytest.raises(CorruptArtifact, match="unet/3"):
        _threshold({"thresholds_per_deg2": {"*": table, "widecam": {"10": 0.5}}}, 10.0, "othercam")
