import base64
import io
import re
import time
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from astrid_core.catalog.cutouts import Cutouts, cut, draw
from astrid_core.catalog.exposure_facts import ExposureRuns
from astrid_core.catalog.page import Portrait, night_page
from astrid_core.catalog.portraits import choose_sitters
from astrid_core.catalog.report import NightFacts, RejectedFile
from astrid_core.catalog.report_links import Links
from tests.catalog.invented import light_curve, measured
from tests.catalog.night import NIGHT, START_MJD, difference_run, frame_with_sources, model_run, observation
from tests.catalog.test_report import invented_night

CENTRE = 25


def stamps(height: float) -> dict[str, NDArray[np.float32]]:
    source = cut(frame_with_sources([(50.0, 50.0, height)]), x_pix=50.0, y_pix=50.0, size=51)
    empty = cut(frame_with_sources([]), x_pix=50.0, y_pix=50.0, size=51)
    return {"science": source, "reference": empty, "difference": source - empty, "score": source}


def pixels(uri: str) -> NDArray[np.uint8]:
    content = base64.b64decode(uri.removeprefix("data:image/png;base64,"))
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGBA"))


def shown(cutouts: Cutouts, **changes: object) -> Portrait:
    usual = Portrait(
        name="Object 1b2c3d4e",
        ra_deg=150.0,
        dec_deg=-2.0,
        score=0.987,
        significance=12.3,
        mag_ab=20.5,
        mag_err=0.1,
        band="r",
        exposure="exposure1.fits",
        is_new=True,
        truth="transient T1",
        is_true=True,
        cutouts=cutouts,
    )
    return replace(usual, **changes)  # type: ignore[arg-type]


class _Resources(HTMLParser):
    """Collects what a page would load and which pictures nobody can hear about."""

    def __init__(self) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.n_mute = 0
        self.open_tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        facts = dict(attrs)
        self.loaded += [value for name, value in attrs if name in {"src", "href", "srcset", "data"} and value]
        self.n_mute += tag == "img" and not facts.get("alt")
        if tag in {"script", "link", "iframe", "object"}:
            self.loaded.append(tag)
        if tag not in {"meta", "img", "br"}:
            self.open_tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open_tags.pop() == tag


def test_a_cut_is_centred_and_holds_no_data_beyond_the_edge() -> None:
    plane = np.arange(100, dtype=np.float32).reshape(10, 10)
    stamp = cut(plane, x_pix=0.4, y_pix=9.0, size=5)
    assert stamp[2, 2] == plane[9, 0]
    assert np.isnan(stamp[:, :2]).all()
    assert np.isnan(stamp[3:]).all()
    assert np.isfinite(stamp[:3, 2:]).all()
    assert np.isnan(cut(plane, x_pix=40.0, y_pix=5.0, size=5)).all()


def test_rows_run_upwards_and_missing_pixels_are_transparent() -> None:
    planes = stamps(50.0)
    planes["score"] = planes["score"].copy()
    planes["score"][0, :] = np.nan
    score = pixels(draw(planes, significance=50.0).score)
    assert (score[-1, :, 3] == 0).all()
    assert (score[:-1, :, 3] == 255).all()


def test_what_brightened_is_red_and_what_faded_is_blue() -> None:
    risen, faded = (pixels(draw(stamps(height), significance=height).score) for height in (20.0, -20.0))
    assert int(risen[CENTRE, CENTRE, 0]) > int(risen[CENTRE, CENTRE, 2])
    assert int(faded[CENTRE, CENTRE, 2]) > int(faded[CENTRE, CENTRE, 0])


def test_a_new_source_is_bright_in_science_and_absent_in_the_reference() -> None:
    cutouts = draw(stamps(50.0), significance=50.0)
    science, reference = pixels(cutouts.science), pixels(cutouts.reference)
    assert int(science[CENTRE, CENTRE, 0]) > int(reference[CENTRE, CENTRE, 0]) + 60


@pytest.mark.parametrize("value", [0.0, np.nan])
def test_pictures_of_nothing_can_be_drawn(value: float) -> None:
    flat = np.full((51, 51), value, dtype=np.float32)
    cutouts = draw(dict.fromkeys(("science", "reference", "difference", "score"), flat), significance=5.0)
    assert pixels(cutouts.difference).shape == (51, 51, 4)


def test_an_exposure_to_be_careful_with_is_on_the_page_with_its_reason() -> None:
    night = invented_night()
    assert "careful with" not in night_page(night, [])
    first = replace(night.exposures[0], quality="orange", warning="orange: noise of the score on sources 1.4")
    page = night_page(replace(night, exposures=(first, *night.exposures[1:])), [])
    assert "careful with" in page
    assert "noise of the score on sources 1.4" in page
    assert 'class="light orange"' in page


def test_the_page_loads_nothing_and_describes_every_picture() -> None:
    page = night_page(invented_night(), [shown(draw(stamps(20.0), significance=20.0))])
    found = _Resources()
    found.feed(page)
    assert len(found.loaded) == 4
    assert all(source.startswith("data:image/png;base64,") for source in found.loaded)
    assert found.n_mute == 0
    assert not found.open_tags
    assert not re.search(r"url\(|@import|https?://", page)


def test_the_page_tells_the_numbers_of_the_night() -> None:
    page = " ".join(night_page(invented_night(), [shown(draw(stamps(20.0), significance=20.0))]).split())
    for expected in (
        "Night of 2 March 2024",
        "39 <small>of 40</small>",
        "reference covers too little (overlap=0.05, required=0.2)",
        "file ends early (bytes=2880)",
        "transient T1",
        "150.00000° −2.00000°",
        "0.987",
        "+12.3σ",
        "20.50 ± 0.10",
    ):
        assert expected in page


def test_names_of_files_cannot_write_markup() -> None:
    facts = replace(
        invented_night(), rejected=(RejectedFile(archive_id="<script>alert(1)</script>.fits", reason="<b>"),)
    )
    page = night_page(facts, [])
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_a_night_of_nothing_has_a_page_too() -> None:
    page = night_page(NightFacts(survey="demo", night=NIGHT, min_score=0.5, exposures=()), [])
    assert "No exposure was searched." in page
    assert "No detection to show." in page


def test_unknown_numbers_are_dashes_and_an_unmatched_place_is_said_to_be_so() -> None:
    cutouts = draw(stamps(20.0), significance=20.0)
    unknown = shown(cutouts, ra_deg=None, dec_deg=None, score=None, mag_ab=None, mag_err=None, truth="", is_true=False)
    page = night_page(invented_night(), [unknown])
    assert "nothing known here" in page
    assert ">None" not in page
    assert "nan" not in page.replace("base64", "").lower().split("<main>")[1].split("data:image")[0]


def test_pictures_of_24_objects_take_less_than_two_seconds() -> None:
    planes = stamps(20.0)
    began = time.process_time()
    night_page(invented_night(), [shown(draw(planes, significance=20.0)) for _ in range(24)])
    assert time.process_time() - began < 2.0


def test_each_object_sits_once_with_its_best_detection() -> None:
    runs = []
    for number, scores in ((1, [0.7, 0.99]), (2, [0.9, 0.3])):
        seen = observation(number)
        difference = difference_run(seen, [(20.0, 20.0, 12.0), (60.0, 60.0, 6.0)])
        runs.append(ExposureRuns(observation=seen, difference=difference, model_run=model_run(difference, scores)))
    assert runs[0].model_run is not None
    assert runs[1].model_run is not None
    twice = [runs[0].model_run.detections[0].id, runs[1].model_run.detections[0].id]
    entry, points = light_curve(1, *(measured(name, mid_mjd=START_MJD + n) for n, name in enumerate(twice)))
    (sitter,) = choose_sitters(runs, {entry.id: points}, limit=24)
    assert (sitter.detection.id, sitter.is_new) == (twice[1], True)
    unpublished = choose_sitters(runs, {}, limit=3)
    assert [one.detection.score for one in unpublished] == [0.99, 0.9, 0.7]
    assert {one.is_new for one in unpublished} == {None}


def test_what_failed_leads_to_its_log_and_other_exposures_to_what_is_on_record() -> None:
    night = invented_night()
    links = Links(
        stage="https://airflow.example/runs/a%2B1/tasks/search_batch.{stage}/mapped",
        observation="https://airflow.example/observations/{observation}",
    )
    page = night_page(night, [], links)
    for one in night.exposures:
        place = {
            "failed": f"https://airflow.example/runs/a%2B1/tasks/search_batch.{one.stage}/mapped",
            "skipped": f"https://airflow.example/observations/{one.observation_id.replace(':', '%3A')}",
        }.get(one.outcome)
        if place:
            assert f'<a href="{place}">{one.archive_id}</a>' in page
    # Where nobody knows the run, what failed leads to its record, too; and nothing leads nowhere.
    (lost,) = (one for one in night.exposures if one.outcome == "failed")
    assert replace(links, stage="").of(lost).startswith("https://airflow.example/observations/")
    assert "<a href" not in night_page(replace(night, notices=()), []).split("<main>")[1]
    with pytest.raises(ValueError, match="begins with"):
        Links(stage="javascript:alert(1)")
