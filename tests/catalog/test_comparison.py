"""A night beside earlier ones, and what is worth a look in it."""

from dataclasses import replace

import pytest

from astrid_core.catalog.comparison import beside
from astrid_core.catalog.coverage import Coverage, Footprint, cover
from astrid_core.catalog.coverage_map import coverage_maps, legend
from astrid_core.catalog.figures import MIN_NIGHTS, compare
from astrid_core.catalog.latency import Latency, describe_duration
from astrid_core.catalog.model_track import Share
from astrid_core.catalog.page import night_page
from astrid_core.catalog.reviews import ReviewFacts
from tests.catalog.test_report import invented_night

STEADY = [{"seeing_arcsec.r": 1.0 + 0.05 * (night % 3), "candidates_per_mpix": 50.0} for night in range(30)]


def box(
    ra_deg: float, dec_deg: float, *, side_deg: float = 0.5, depth: float | None = 20.0, band: str = "r"
) -> Footprint:
    half = side_deg / 2.0
    corners = tuple((ra_deg + x) % 360.0 for x in (-half, half, half, -half))
    ends = (dec_deg - half, dec_deg - half, dec_deg + half, dec_deg + half)
    return Footprint(
        observation_id=f"demo:{ra_deg}", band=band, corners=tuple(zip(corners, ends, strict=True)), limiting_mag=depth
    )


@pytest.mark.parametrize(
    ("seeing", "unusual", "is_worse"),
    [(1.1, "", False), (1.3, "", False), (2.0, "higher", True), (0.5, "lower", False)],
)
def test_seeing_is_unusual_far_from_the_last_thirty_nights(seeing: float, unusual: str, is_worse: bool) -> None:
    (found,) = compare({"seeing_arcsec.r": seeing}, STEADY)
    assert (found.unusual, found.is_worse) == (unusual, is_worse)
    assert (found.n_short, found.n_long) == (7, 30)


def test_nothing_is_unusual_before_enough_nights_are_there() -> None:
    (found,) = compare({"candidates_per_mpix": 5000.0}, STEADY[: MIN_NIGHTS - 1])
    assert found.unusual == ""
    assert compare({"candidates_per_mpix": 5000.0}, STEADY[:MIN_NIGHTS])[0].unusual == "higher"


def test_a_figure_that_few_nights_have_is_compared_with_these() -> None:
    nights: list[dict[str, float | None]] = [{"purity": None}, {"purity": 0.875}, {}, {"purity": 0.625}]
    (found,) = compare({"purity": None}, nights)
    assert (found.n_long, found.median_long, found.unusual) == (2, 0.75, "")


def test_what_is_bad_comes_first_and_names_the_exposures() -> None:
    night = invented_night()
    red = replace(night.exposures[0], quality="red")
    found = beside(replace(night, exposures=(red, *night.exposures[1:])), [{"candidates_per_mpix": 0.1}] * 9).notices
    assert [one.is_bad for one in found] == sorted((one.is_bad for one in found), reverse=True)
    texts = [one.text for one in found]
    assert "Failed: 1 exposure: 2024-03-02/exposure4.fits." in texts
    assert "Quality red: 1 exposure: 2024-03-02/exposure1.fits." in texts
    assert any(text.startswith("Candidates per Mpix is far higher than usual: 4, median of 9") for text in texts)
    assert any("was not measured" in text for text in texts)


def test_a_night_without_fault_has_no_notice() -> None:
    night = invented_night()
    clean = replace(night, exposures=night.exposures[:1])
    (only,) = beside(clean, []).notices
    assert not only.is_bad
    page = night_page(beside(clean, []), [])
    assert "No earlier night of this survey has a report" in page


def test_every_link_of_the_page_leads_to_a_place_on_it() -> None:
    people = ReviewFacts(
        n_queued=5, n_open=3, n_disputed=1, n_votes=6, n_curators=2, krippendorff_alpha=0.5, fleiss_kappa=None,
        purity=Share.of(8, 10), seeds_found=Share.of(0, 0),
    )  # fmt: skip
    facts = beside(replace(invented_night(), reviews=people, coverage=cover([box(10.0, 5.0)])), STEADY)
    page = night_page(facts, [])
    for notice in facts.notices:
        if notice.place:
            assert f'href="#{notice.place}"' in page
            assert f'id="{notice.place}"' in page
    assert "49–94 %: 8 of 10 judged detections" in page
    assert "0.249 deg²" in page or "0.25 deg²" in page


def covered(*footprints: Footprint) -> Coverage:
    found = cover(footprints)
    assert found is not None
    return found


def test_sky_that_is_covered_twice_counts_once() -> None:
    one = covered(box(10.0, 0.0))
    assert one.area_deg2 == pytest.approx(0.25, rel=0.01)
    assert covered(box(10.0, 0.0), box(10.0, 0.0)).area_deg2 == one.area_deg2
    assert covered(box(10.0, 0.0), box(10.25, 0.0)).area_deg2 == pytest.approx(0.375, rel=0.01)
    assert cover([]) is None


def test_a_frame_across_ra_zero_is_as_large_as_elsewhere_and_drawn_whole() -> None:
    across = covered(box(0.0, 0.0))
    assert across.area_deg2 == pytest.approx(covered(box(40.0, 0.0)).area_deg2, rel=0.005)
    (drawn,) = coverage_maps(across)
    assert drawn.size == "0.5° × 0.5°"


def test_depths_are_told_by_band_and_deeper_frames_lie_on_top() -> None:
    frames = [box(10.0 + number, 0.0, depth=20.0 + 0.1 * number) for number in range(5)]
    whole = covered(*frames, box(30.0, 0.0, band="g", depth=None))
    assert {one.band: one.limiting_mag for one in whole.bands} == {"r": pytest.approx(20.2), "g": None}
    drawn = next(one for one in coverage_maps(whole) if one.band == "r")
    shades = [frame.shade for frame in drawn.frames]
    assert shades == sorted(shade or 0 for shade in shades)
    assert [one["text"] for one in legend(drawn)] == ["below 20.10", "20.10–20.20", "20.20–20.30", "from 20.30"]


def test_percentiles_lie_between_neighbours() -> None:
    found = Latency.of([3.0, 1.0, 2.0])
    assert (found.n, found.p50_s) == (3, 2.0)
    assert found.p95_s == pytest.approx(2.9)
    assert Latency.of([]) == Latency(n=0, p50_s=None, p95_s=None)


@pytest.mark.parametrize(
    ("seconds", "text"), [(None, "–"), (3.21, "3.2 s"), (600.0, "10.0 min"), (9000.0, "2.5 h"), (864000.0, "10.0 d")]
)
def test_durations_are_told_in_the_unit_that_suits_them(seconds: float | None, text: str) -> None:
    assert describe_duration(seconds) == text
