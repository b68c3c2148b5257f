from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from astrid_core.detection.entities import Detection
from astrid_core.differencing.entities import Candidate
from astrid_core.observations.entities import Observation, WcsOrigin
from astrid_core.preprocessing.entities import ImageQuality, PreprocessRun, WCSInfo
from astrid_core.shared.artifacts import ArtifactRef
from astrid_core.shared.runs import RunKey, RunStatus
from astrid_core.shared.sky import SkyPosition
from include.quality.candidates import check_candidates
from include.quality.data_docs import forget_old
from include.quality.gate import GateClosed
from include.quality.observations import check_observations
from include.quality.overview import overview, read_checks
from include.quality.places import PAGES, docs_of
from include.quality.preparations import check_preparations

_NIGHT = "2026-11-20"
_NOON_MJD = 61364.5

_EXPOSURE = Observation(
    survey="demo",
    archive_id="2026-11-20/a.fits",
    extension=0,
    file_digest="0f" * 32,
    position=SkyPosition(ra_deg=150.0, dec_deg=2.0),
    radius_deg=0.1,
    wcs_origin=WcsOrigin.HEADER,
    pixel_scale_arcsec=0.5,
    width_pix=512,
    height_pix=512,
    band="r",
    exposure_s=60.0,
    mid_mjd=_NOON_MJD + 0.6,
)

_CANDIDATE = Candidate(
    run=RunKey("difference-1"),
    number=1,
    position=SkyPosition(ra_deg=150.01, dec_deg=2.01),
    x_pix=100.0,
    y_pix=200.0,
    x_err_pix=0.1,
    y_err_pix=0.1,
    score=-12.0,
    flux=-900.0,
    flux_err=75.0,
    chi2=1.0,
    fwhm_pix=3.0,
    ellipticity=0.1,
    flags=0,
)


def _detected(**changed: Any) -> tuple[Observation, Detection]:
    return _EXPOSURE, Detection(model_run=RunKey("detect-1"), candidate=replace(_CANDIDATE, **changed), score=0.9)


def test_good_exposures_pass() -> None:
    second = replace(_EXPOSURE, archive_id="2026-11-20/b.fits", mid_mjd=_NOON_MJD)
    assert check_observations([_EXPOSURE, second], night=_NIGHT) == 2


def test_a_night_without_exposures_passes() -> None:
    assert check_observations([], night=_NIGHT) == 0
    assert check_candidates([], threshold_sigma=5.0) == 0


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("exposure_s", 0.0),
        ("exposure_s", float("nan")),
        ("mid_mjd", _NOON_MJD - 0.01),
        ("mid_mjd", _NOON_MJD + 1.0),
        ("file_digest", "0F" * 32),
        ("radius_deg", 0.0),
        ("width_pix", 0),
        ("pixel_scale_arcsec", float("inf")),
    ],
)
def test_a_bad_exposure_closes_the_gate_and_is_named(column: str, value: object) -> None:
    other = replace(_EXPOSURE, archive_id="2026-11-20/bad.fits", **{column: value})  # type: ignore[arg-type]
    with pytest.raises(GateClosed) as caught:
        check_observations([_EXPOSURE, other], night=_NIGHT)
    assert caught.value.facts["column"] == column
    assert str(caught.value.facts["value"]) == str(value)
    assert caught.value.facts["id"] == "demo:2026-11-20/bad.fits"
    assert (caught.value.facts["n_rows"], caught.value.facts["of"]) == (1, 2)


def test_two_rows_of_one_name_close_the_gate() -> None:
    with pytest.raises(GateClosed, match="be unique") as caught:
        check_observations([_EXPOSURE, _EXPOSURE], night=_NIGHT)
    assert caught.value.facts["value"] == _EXPOSURE.id


def test_good_candidates_pass_bright_and_faded() -> None:
    assert check_candidates([_detected(), _detected(number=2, score=5.0, flux=100.0)], threshold_sigma=5.0) == 2


@pytest.mark.parametrize(
    ("changed", "column"),
    [
        ({"score": 4.9}, "abs_score"),
        ({"score": float("nan")}, "abs_score"),
        ({"flux": float("inf")}, "flux"),
        ({"flux_err": 0.0}, "flux_err"),
        ({"flux_err": float("nan")}, "flux_err"),
        ({"x_pix": float("nan")}, "x_pix"),
        ({"y_pix": -1.0}, "y_pix"),
        ({"x_pix": 512.0}, "width_pix and x_pix"),
        ({"position": None}, "ra_deg"),
    ],
)
def test_a_bad_candidate_closes_the_gate_and_is_named(changed: dict[str, Any], column: str) -> None:
    with pytest.raises(GateClosed) as caught:
        check_candidates([_detected(), _detected(number=2, **changed)], threshold_sigma=5.0)
    assert caught.value.facts["column"] == column
    assert caught.value.facts["id"] == "detect-1:2"


def test_a_frame_without_orientation_needs_no_positions() -> None:
    _, detection = _detected(position=None)
    frame = replace(_EXPOSURE, wcs_origin=WcsOrigin.POINTING)
    assert check_candidates([(frame, detection)], threshold_sigma=5.0) == 1


def test_a_score_beyond_one_closes_the_gate() -> None:
    observation, detection = _detected()
    with pytest.raises(GateClosed, match="probability"):
        check_candidates([(observation, replace(detection, score=1.2))], threshold_sigma=5.0)


_PREPARED = PreprocessRun(
    key=RunKey("preprocess-1"),
    status=RunStatus.SUCCEEDED,
    observation_id="demo:2026-11-20/a.fits",
    image=ArtifactRef(digest="0f" * 32, media_type="application/fits", n_bytes=100),
    wcs=WCSInfo(origin=WcsOrigin.HEADER, pixel_scale_arcsec=0.5),
    quality=ImageQuality(
        n_stars=40, fwhm_pix=3.0, psf_residual=0.02, sky=100.0, sky_rms=10.0, gain_e_count=1.0, saturation=None,
        masked_fraction=0.01, depth_mag=None,
    ),
)  # fmt: skip


def test_prepared_exposures_pass() -> None:
    assert check_preparations([_PREPARED]) == 1
    assert check_preparations([]) == 0


@pytest.mark.parametrize(
    ("column", "value"), [("sky_rms", 0.0), ("fwhm_pix", float("nan")), ("masked_fraction", 1.2), ("n_stars", 0)]
)
def test_a_bad_preparation_closes_the_gate_and_is_named(column: str, value: float) -> None:
    assert _PREPARED.quality is not None
    bad = replace(_PREPARED, key=RunKey("preprocess-2"), observation_id="demo:bad.fits",
                  quality=replace(_PREPARED.quality, **{column: value}))  # type: ignore[arg-type]  # fmt: skip
    with pytest.raises(GateClosed, match=column):
        check_preparations([_PREPARED, bad])


def test_what_was_checked_is_a_page_whether_or_not_the_gate_closes(tmp_path: Path) -> None:
    check_preparations([_PREPARED], about="demo 2026-11-20", docs=docs_of(tmp_path))
    bad = replace(_EXPOSURE, exposure_s=0.0)
    with pytest.raises(GateClosed):
        check_observations([bad], night=_NIGHT, docs=docs_of(tmp_path))
    closed, passed = read_checks(docs_of(tmp_path))
    assert (passed.table, passed.about, passed.failed) == ("preparations", "demo 2026-11-20", ())
    assert (closed.table, closed.about) == ("observations", f"night {_NIGHT}")
    (failure,) = closed.failed
    assert failure.startswith("exposure_s: values to be between")
    assert failure.endswith("1 of 1 rows are not")
    page = overview((closed, passed))
    assert "exposure_s" in page
    assert "passed" in page
    for check in (closed, passed):
        assert (docs_of(tmp_path) / PAGES / check.page).exists()


def test_a_system_that_checked_nothing_yet_says_so(tmp_path: Path) -> None:
    assert "Nothing was checked yet" in overview(read_checks(tmp_path))


def test_old_results_make_room_for_new_ones(tmp_path: Path) -> None:
    place = tmp_path / "validations" / "candidates" / "a night"
    for number in range(70):
        (place / f"20261120T{number:06d}Z").mkdir(parents=True)
    forget_old(tmp_path, "candidates")
    left = sorted(one.name for one in place.iterdir())
    assert len(left) == 60
    assert left[-1] == "20261120T000069Z"
