import numpy as np
import pytest

from astrid_core.catalog.entities import LightCurvePoint
from astrid_core.catalog.truth import TruthRow, in_frame, labels, must_be_found, rows_for, tally
from tests.catalog.invented import light_curve, measured
from tests.catalog.night import SIDE_PIX, difference_run, frame_wcs, model_run, observation, sky_at

EXPOSURE = observation(1)


def known(
    name: str,
    x_pix: float,
    y_pix: float,
    *,
    kind: str = "transient",
    snr: float | None = 12.0,
    exposure: str | None = None,
) -> TruthRow:
    place = sky_at(x_pix, y_pix)
    return TruthRow(
        object_id=name, kind=kind, ra_deg=place.ra_deg, dec_deg=place.dec_deg, predicted_snr=snr, exposure=exposure
    )


def seen_at(number: int, x_pix: float, y_pix: float, *, observation_id: str = EXPOSURE.id) -> LightCurvePoint:
    place = sky_at(x_pix, y_pix)
    _, (point,) = light_curve(
        number, measured(f"run:{number}", centre=(place.ra_deg, place.dec_deg), observation=observation_id)
    )
    return point


@pytest.mark.parametrize(
    ("exposure", "mid_mjd", "applies"),
    [
        (None, None, True),
        ("exposure1.fits", None, True),
        ("2024-03-02/exposure1.fits", None, True),
        ("osure1.fits", None, False),
        ("exposure2.fits", EXPOSURE.mid_mjd, False),
        (None, EXPOSURE.mid_mjd, True),
        (None, EXPOSURE.mid_mjd + 0.001, False),
    ],
)
def test_a_row_speaks_of_its_exposure_or_its_time(exposure: str | None, mid_mjd: float | None, applies: bool) -> None:
    row = TruthRow(object_id="t", kind="transient", ra_deg=1.0, dec_deg=1.0, exposure=exposure, mid_mjd=mid_mjd)
    assert row.applies_to(EXPOSURE) is applies


def test_what_moved_through_the_reference_is_known_where_it_was() -> None:
    other = observation(2)
    rows = [
        known("new", 10, 10, exposure=EXPOSURE.archive_id),
        known("gone by", 20, 20, kind="moving", exposure=other.archive_id),
        known("varied then", 30, 30, kind="variable", exposure=other.archive_id),
        known("hit", 40, 40, kind="cosmic_ray", exposure=other.archive_id),
    ]
    assert rows_for(rows, EXPOSURE) == (rows[0],)
    assert rows_for(rows, EXPOSURE, [other]) == (rows[0], rows[1])
    assert rows_for(rows, EXPOSURE, [observation(3)]) == (rows[0],)


def test_masked_pixels_are_told_from_unmasked_ones_and_from_places_outside() -> None:
    mask = np.zeros((SIDE_PIX, SIDE_PIX), dtype=np.uint16)
    mask[70, 30] = 4
    rows = [known("clear", 30, 69), known("masked", 30, 70), known("outside", 150, 30), known("far", 50, 50)]
    rows[3] = TruthRow(object_id="far", kind="transient", ra_deg=330.0, dec_deg=-2.0)
    assert in_frame(rows, mask=mask, wcs=frame_wcs()) == ((rows[0], True), (rows[1], False))
    assert in_frame(rows, mask=mask, wcs=None) == ()


def test_only_bright_transients_must_be_found_whether_they_rise_or_fade() -> None:
    rows = [known("a", 1, 1), known("b", 1, 1, snr=-9.0), known("c", 1, 1, snr=7.9), known("d", 1, 1, kind="variable")]
    assert [row.object_id for row in must_be_found(rows, min_snr=8.0)] == ["a", "b"]


def test_recovered_missed_and_hidden_are_counted_per_object_with_their_denominator() -> None:
    found, lost, hidden = known("found", 20, 20), known("lost", 40, 40, snr=9.0), known("hidden", 60, 60)
    outcome = tally(
        sights=[(found, True), (found, True), (lost, True), (hidden, False), (found, False)],
        rows_of={EXPOSURE.id: [found, lost, hidden]},
        points=[seen_at(1, 21, 20)],
        n_usable_pix=4_000_000,
        min_snr=8.0,
        radius_arcsec=1.5,
    )
    assert (outcome.n_expected, outcome.n_recovered, outcome.n_hidden) == (2, 1, 1)
    assert [(one.object_id, one.predicted_snr) for one in outcome.missed] == [("lost", 9.0)]
    assert outcome.false == ()
    assert outcome.usable_mpix == pytest.approx(4.0)


def test_a_missed_one_says_what_the_search_saw_there() -> None:
    torn, unsure, unseen = known("torn", 10, 10, snr=19.8), known("unsure", 40, 40, snr=9.0), known("unseen", 60, 60)
    run = model_run(difference_run(EXPOSURE, [(10, 10, 21.3), (40, 40, 5.1), (40.5, 40, 8.8)]), [None, 0.4, 0.3])
    outcome = tally(
        sights=[(row, True) for row in (torn, unsure, unseen)],
        rows_of={EXPOSURE.id: [torn, unsure, unseen]},
        points=[],
        detections=run.detections,
        n_usable_pix=1,
        min_snr=8.0,
        radius_arcsec=1.5,
    )
    assert {one.object_id: one.seen for one in outcome.missed} == {
        "torn": f"+21.3 sigma, not scored: {run.detections[0].unscored_reason}",
        "unsure": "+8.8 sigma, score 0.300",
        "unseen": "no candidate",
    }


def test_an_entry_beyond_the_radius_neither_recovers_nor_is_true() -> None:
    row = known("t", 20, 20)
    outcome = tally(
        sights=[(row, True)],
        rows_of={EXPOSURE.id: [row]},
        points=[seen_at(1, 21.6, 20)],
        n_usable_pix=1,
        min_snr=8.0,
        radius_arcsec=1.5,
    )
    assert outcome.n_recovered == 0
    assert len(outcome.false) == 1


def test_a_residual_on_a_constant_star_is_false_but_says_what_it_lies_on() -> None:
    rows = [known("s1", 20, 20, kind="star"), known("v1", 40, 40, kind="variable")]
    outcome = tally(
        sights=[],
        rows_of={EXPOSURE.id: rows},
        points=[seen_at(1, 20, 20), seen_at(2, 40, 40), seen_at(3, 60, 60)],
        n_usable_pix=1,
        min_snr=8.0,
        radius_arcsec=1.5,
    )
    assert [one.near for one in outcome.false] == ["star", ""]
    assert outcome.n_entries == 3


def test_what_moves_is_compared_at_its_time() -> None:
    later = observation(2)
    here = known("asteroid", 20, 20, kind="moving", exposure=EXPOSURE.archive_id)
    there = known("asteroid", 50, 20, kind="moving", exposure=later.archive_id)
    rows_of = {EXPOSURE.id: [here], later.id: [there]}
    on_time = [seen_at(1, 20, 20), seen_at(2, 50, 20, observation_id=later.id)]
    too_late = [seen_at(3, 20, 20, observation_id=later.id)]
    assert set(labels(on_time, rows_of, radius_arcsec=1.5)) == {"run:1", "run:2"}
    assert labels(too_late, rows_of, radius_arcsec=1.5) == {}


def test_a_label_prefers_what_changed_over_its_host() -> None:
    rows = [known("g1", 20, 20, kind="galaxy"), known("t1", 20.5, 20)]
    assert labels([seen_at(1, 20, 20)], {EXPOSURE.id: rows}, radius_arcsec=1.5)["run:1"].object_id == "t1"
