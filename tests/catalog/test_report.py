import json
import math
from dataclasses import replace

import pytest

from astrid_core.catalog.exposure_facts import SEARCHED, SKIPPED, UNFINISHED, ExposureRuns, choose_runs, exposure_facts
from astrid_core.catalog.night_table import night_table, truth_sentences
from astrid_core.catalog.report import NightFacts, night_facts
from astrid_core.catalog.truth import FalseEntry, Missed, TruthTally
from astrid_core.differencing.entities import Quality, QualityLevel
from astrid_core.observations.entities import Rejection
from astrid_core.shared.runs import RunKey
from tests.catalog.invented import light_curve, measured
from tests.catalog.night import NIGHT, START_MJD, difference_run, model_run, observation, preprocess_run

PLACES = [(20.0, 20.0, 12.0), (60.0, 60.0, 6.0)]
TALLY = TruthTally(
    min_snr=8.0,
    radius_arcsec=1.5,
    n_expected=40,
    n_recovered=39,
    missed=(Missed(object_id="T7", ra_deg=150.0, dec_deg=-2.0, predicted_snr=8.4, seen="no candidate"),),
    n_hidden=3,
    n_entries=50,
    false=(FalseEntry(entry_id="0" * 36, ra_deg=150.1, dec_deg=2.0, score=0.7, significance=-6.0, near="star"),),
    usable_mpix=8.0,
)


def searched(number: int) -> ExposureRuns:
    seen = observation(number)
    difference = difference_run(seen, PLACES)
    run = model_run(difference, [0.9, None])
    return ExposureRuns(observation=seen, preprocess=preprocess_run(seen), difference=difference, model_run=run)


def invented_night() -> NightFacts:
    one = searched(1)
    assert one.model_run is not None
    unlucky, unlucky2, lost = observation(2), observation(3), observation(4)
    new, new_points = light_curve(1, measured(one.model_run.detections[0].id, mid_mjd=START_MJD + 0.01))
    old, old_points = light_curve(2, measured("x:1", mid_mjd=START_MJD - 3.0), measured("x:2", mid_mjd=START_MJD))
    return night_facts(
        survey="demo",
        night=NIGHT,
        min_score=0.5,
        exposures=[
            one,
            ExposureRuns(
                observation=unlucky,
                preprocess=preprocess_run(unlucky),
                difference=difference_run(unlucky, reason="reference covers too little (overlap=0.05, required=0.2)"),
            ),
            ExposureRuns(observation=unlucky2, preprocess=preprocess_run(unlucky2, reason="too few stars (found=2)")),
            ExposureRuns(observation=lost),
        ],
        references=[],
        rejections=[Rejection(survey="demo", archive_id="broken/cut.fits", reason="file ends early (bytes=2880)")],
        light_curves={new.id: new_points, old.id: old_points},
        truth=TALLY,
    )


def test_every_exposure_is_searched_skipped_or_failed_with_stage_and_reason() -> None:
    facts = invented_night()
    assert [(one.outcome, one.stage) for one in facts.exposures] == [
        (SEARCHED, ""),
        (SKIPPED, "difference"),
        (SKIPPED, "preprocess"),
        (UNFINISHED, "preprocess"),
    ]
    assert facts.exposures[2].reason == "too few stars (found=2)"


def test_numbers_of_an_exposure_come_from_its_runs() -> None:
    one = invented_night().exposures[0]
    assert (one.n_candidates, one.n_detections, one.n_published) == (2, 1, 1)
    assert one.fwhm_arcsec == pytest.approx(2.5)
    assert one.usable_mpix == pytest.approx(0.5)
    assert (one.registration_rms_pix, one.score_noise, one.n_stars) == (0.05, 1.01, 40)


def test_an_exposure_that_is_not_green_brings_its_reasons() -> None:
    runs = searched(1)
    assert exposure_facts(runs, min_score=0.5, published=()).warning == ""
    assert runs.difference is not None
    verdict = Quality(level=QualityLevel.RED, reasons=("red: 12000 candidates on 1 Mpix", "yellow: seeing"))
    doubted = replace(runs, difference=replace(runs.difference, quality=verdict))
    found = exposure_facts(doubted, min_score=0.5, published=())
    assert (found.quality, found.warning) == ("red", "red: 12000 candidates on 1 Mpix; yellow: seeing")


def test_an_object_is_new_if_its_first_point_is_of_this_night() -> None:
    facts = invented_night()
    assert (facts.n_entries_new, facts.n_entries_known) == (1, 1)


def test_time_is_summed_by_stage() -> None:
    assert invented_night().elapsed_s == {"preprocess": 4.0, "references": 0.0, "difference": 5.0, "detect": 1.0}


def test_facts_are_json_and_what_is_no_number_becomes_null() -> None:
    facts = invented_night()
    broken = replace(facts, exposures=(replace(facts.exposures[0], score_noise=math.nan),))
    text = json.dumps(broken.as_json(), allow_nan=False)
    assert json.loads(text)["exposures"][0]["score_noise"] is None


def test_the_report_follows_the_preferred_run_then_the_published_one() -> None:
    seen = observation(1)
    difference = difference_run(seen, PLACES)
    first, second = (model_run(difference, [0.9, 0.2], model=f"unet/{version}") for version in (1, 2))
    records = {
        "preprocess_runs": [preprocess_run(seen)],
        "difference_runs": [difference],
        "model_runs": [first, second],
    }
    assert choose_runs(seen, **records, preferred=[first.key]).model_run == first  # type: ignore[arg-type]
    assert choose_runs(seen, **records, published={first.detections[0].id}).model_run == first  # type: ignore[arg-type]
    assert choose_runs(seen, **records).model_run == second  # type: ignore[arg-type]


def test_a_success_counts_more_than_an_earlier_skip() -> None:
    seen = observation(1)
    skipped = replace(difference_run(seen, reason="no reference"), key=RunKey("difference-zzz"))
    done = difference_run(seen, PLACES)
    runs = choose_runs(seen, preprocess_runs=[preprocess_run(seen)], difference_runs=[done, skipped], model_runs=[])
    assert runs.difference == done
    assert runs.preprocess is not None


def test_the_table_fits_a_terminal_and_names_everything() -> None:
    table = night_table(invented_night())
    assert max(len(line) for line in table.splitlines()) <= 100
    flat = " ".join(table.split())
    for expected in (
        "4 in: 1 searched, 2 skipped, 1 failed; 1 files of the survey rejected",
        "2 entries: 1 new, 1 known",
        "reference covers too little (overlap=0.05, required=0.2)",
        "preprocess: too few stars (found=2)",
        "broken/cut.fits file ends early (bytes=2880)",
        "39 of 40 transients with predicted S/N >= 8 on unmasked pixels (97.5 %); 1 missed, 3 more on masked pixels",
        "1 of 50 catalog entries in 8.00 usable Mpix, 0.50 per 4 Mpix",
        "missed T7",
        "predicted S/N 8.4; no candidate",
        "on a star",
    ):
        assert expected in flat


def test_columns_are_aligned_whatever_the_length_of_a_name() -> None:
    facts = invented_night()
    long = replace(facts.exposures[0], archive_id="a/very/deep/folder/with/an/exposure/of/a/long/name.fits.fz")
    head, rule, *rows = (
        night_table(replace(facts, exposures=(facts.exposures[0], long))).split("\n\n")[1].splitlines()[1:]
    )
    assert len({len(line) for line in (head, rule.rstrip(), *rows)} - {100}) == 1
    assert rows[1].startswith("…")


def test_a_night_without_exposures_and_truth_is_told_too() -> None:
    facts = NightFacts(survey="demo", night=NIGHT, min_score=0.5, exposures=())
    assert "No exposure was searched." in night_table(facts)
    assert truth_sentences(facts) is None


def test_without_expected_transients_no_percentage_is_claimed() -> None:
    tally = replace(TALLY, n_expected=0, n_recovered=0, missed=(), usable_mpix=0.0)
    sentences = truth_sentences(replace(invented_night(), truth=tally))
    assert sentences is not None
    assert "%" not in sentences[0]
    assert "per 4 Mpix" not in sentences[1]
