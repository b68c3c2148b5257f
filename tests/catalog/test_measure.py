import math

import pytest

from astrid_core.catalog.config import PublishConfig, ReportConfig
from astrid_core.catalog.entities import EntryStatus
from astrid_core.catalog.exports.config import ExportConfig
from astrid_core.catalog.measure import ab_magnitude, catalog_entry, entry_status
from astrid_core.curation.entities import Verdict
from astrid_core.shared.errors import BadConfiguration
from tests.catalog.invented import light_curve, measured


@pytest.mark.parametrize("flux", [100.0, -100.0])
def test_a_hundred_counts_are_five_magnitudes_brighter_than_one(flux: float) -> None:
    mag, err = ab_magnitude(flux, 10.0, zero_point_mag=25.0)
    assert mag == pytest.approx(20.0)
    assert err == pytest.approx(0.10857, abs=1e-5)


@pytest.mark.parametrize(("flux", "zero_point"), [(100.0, None), (0.0, 25.0), (math.nan, 25.0)])
def test_without_zero_point_or_flux_there_is_no_magnitude(flux: float, zero_point: float | None) -> None:
    assert ab_magnitude(flux, 1.0, zero_point_mag=zero_point) == (None, None)


def test_an_object_sums_up_its_light_curve_whatever_the_order() -> None:
    members = [
        measured("b:1", mid_mjd=60372.0, significance=-30.0, score=0.7, east_arcsec=0.4),
        measured("a:1", mid_mjd=60371.0, significance=10.0, score=0.95),
    ]
    entry, points = light_curve(3, *members)
    assert (entry.first_mjd, entry.last_mjd, entry.n_detections) == (60371.0, 60372.0, 2)
    assert (entry.best_score, entry.peak_significance) == (0.95, -30.0)
    assert (entry.position.ra_deg - 150.0) * 3600.0 == pytest.approx(0.36, abs=1e-6)
    assert catalog_entry(points[::-1]) == entry


@pytest.mark.parametrize(
    ("verdicts", "status"),
    [
        ([None, None], EntryStatus.CANDIDATE),
        ([Verdict.UNSURE, None], EntryStatus.CANDIDATE),
        ([Verdict.BOGUS, None], EntryStatus.REJECTED),
        ([Verdict.BOGUS, Verdict.REAL], EntryStatus.CONFIRMED),
        ([Verdict.BOGUS, Verdict.UNSURE], EntryStatus.CANDIDATE),
    ],
)
def test_verdicts_decide_the_status(verdicts: list[Verdict | None], status: EntryStatus) -> None:
    assert entry_status(verdicts) is status


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        (PublishConfig, {"match_radius_arcsec": 0.0}),
        (PublishConfig, {"min_score": 2.0}),
        (PublishConfig, {"min_abs_significance": -1.0}),
        (PublishConfig, {"max_false_per_deg2": -1.0}),
        (PublishConfig, {"max_false_per_deg2": math.nan}),
        (ExportConfig, {"statuses": ("great",)}),
        (ExportConfig, {"statuses": ()}),
        (ExportConfig, {"min_detections": 0}),
        (ReportConfig, {"cutout_pix": 50}),
        (ReportConfig, {"truth_radius_arcsec": 0.0}),
    ],
)
def test_settings_out_of_range_are_refused(kind: type, settings: dict[str, object]) -> None:
    with pytest.raises(BadConfiguration):
        kind(**settings)
