import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from astrid_core.adapters.surveys.directory import DirectoryClient
from astrid_core.catalog.truth import CHANGING_KINDS, TruthRow
from astrid_core.catalog.truth_table import read_truth
from astrid_core.observations.config import IngestConfig
from astrid_core.observations.entities import Observation, Survey
from astrid_core.observations.frames import read_frame
from astrid_core.shared.errors import BadConfiguration
from astrid_core.simulate.survey import MANIFEST, TRUTH, simulate_survey
from tests.simulate.skies import SMALL


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("survey") / "simulated"
    simulate_survey(SMALL, out)
    return out


@pytest.fixture(scope="module")
def truth(folder: Path) -> tuple[TruthRow, ...]:
    return read_truth((folder / TRUTH).read_bytes())


def digests(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def observations(folder: Path) -> list[Observation]:
    client = DirectoryClient(Survey(name="simulated"), folder, IngestConfig())
    found = list(client.discover())
    assert all(isinstance(one, Observation) for one in found), found
    return [one for one in found if isinstance(one, Observation)]


def test_the_same_settings_give_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    summary = simulate_survey(SMALL, tmp_path / "again")
    assert summary.is_new
    assert digests(tmp_path / "again") == digests(folder)
    assert set(digests(folder)) == {*summary.exposures, MANIFEST, TRUTH}


def test_another_seed_gives_another_sky(folder: Path, tmp_path: Path) -> None:
    simulate_survey(replace(SMALL, seed=2), tmp_path / "other")
    ours, theirs = digests(folder), digests(tmp_path / "other")
    assert all(ours[name] != theirs[name] for name in ours)


def test_more_exposures_leave_the_others_as_they_were(folder: Path, tmp_path: Path) -> None:
    simulate_survey(replace(SMALL, n_fields=2, reference_exposures=2, last_exposures=3), tmp_path / "more")
    ours, theirs = digests(folder), digests(tmp_path / "more")
    assert {name for name in ours if ours[name] != theirs[name]} == {MANIFEST, TRUTH}
    assert len(theirs) == 2 + 2 * (2 * 2 + 3)


def test_headers_say_what_ingest_needs(folder: Path) -> None:
    for one in observations(folder):
        assert one.night == one.archive_id.split("/")[0]
        assert (one.band, one.object_name, one.exposure_s) == ("r", "field1", 60.0)
        assert (one.gain_e_adu, one.read_noise_e, one.saturation_adu) == (1.6, 6.0, 60000.0)
        assert one.zero_point_mag == pytest.approx(27.9, abs=0.15)
        assert one.pixel_scale_arcsec == pytest.approx(0.4, rel=1e-3)
        assert one.wcs_origin == "header"


def test_pixels_are_whole_unsigned_counts_over_a_sky(folder: Path) -> None:
    for path in folder.glob("*/*.fits"):
        with fits.open(path) as hdus:
            assert hdus[0].data.dtype == np.uint16
            assert hdus[0].data.shape == (192, 192)
            assert 200 < np.median(hdus[0].data) < 450


def test_truth_names_the_exposures_of_the_survey(folder: Path, truth: tuple[TruthRow, ...]) -> None:
    seen = observations(folder)
    for row in truth:
        assert row.exposure is None or sum(row.applies_to(one) for one in seen) == 1
        if row.exposure is not None:
            by_time = replace(row, exposure=None)
            assert [one.archive_id for one in seen if by_time.applies_to(one)] == [row.exposure]


def test_truth_has_every_kind_and_a_row_for_each_object_and_exposure(truth: tuple[TruthRow, ...]) -> None:
    kinds = {row.kind for row in truth}
    assert {*CHANGING_KINDS, "star", "galaxy", "cosmic_ray", "hot_pixel"} <= kinds
    changes = [(row.object_id, row.exposure) for row in truth if row.kind in CHANGING_KINDS]
    assert len(changes) == len(set(changes))
    constant = [row for row in truth if row.kind in ("star", "galaxy")]
    assert all(row.exposure is None and row.predicted_snr is None for row in constant)


def test_transients_change_in_the_last_night_only(truth: tuple[TruthRow, ...]) -> None:
    rows = [row for row in truth if row.kind == "transient" and row.predicted_snr is not None]
    last = max(row.exposure or "" for row in rows)[:10]
    for row in rows:
        assert row.predicted_snr is not None
        in_last = (row.exposure or "").startswith(last)
        if not in_last:
            assert row.predicted_snr == pytest.approx(0.0, abs=1e-3)
        elif "-new-" in row.object_id:
            assert row.predicted_snr > 1.0
        else:
            assert row.predicted_snr < -1.0


def test_a_bright_new_source_is_where_truth_says(folder: Path, truth: tuple[TruthRow, ...]) -> None:
    """Compare counts around it with those of the nights before; headers are off by half a pixel or so."""
    brightest = max((row for row in truth if row.kind == "transient"), key=lambda row: row.predicted_snr or 0.0)
    assert brightest.predicted_snr is not None
    assert brightest.predicted_snr > 15.0
    light = {}
    for one in observations(folder):
        frame = read_frame((folder / one.archive_id).read_bytes(), extension=0, name=one.archive_id)
        assert frame.wcs is not None
        x, y = frame.wcs.world_to_pixel_values(brightest.ra_deg, brightest.dec_deg)
        rows, columns = slice(round(float(y)) - 2, round(float(y)) + 3), slice(round(float(x)) - 2, round(float(x)) + 3)
        light[one.archive_id] = float(frame.pixels[rows, columns].mean() - np.median(frame.pixels))
    after = light.pop(str(brightest.exposure))
    before = [value for name, value in light.items() if name[:10] != str(brightest.exposure)[:10]]
    assert after > max(before) + 20.0


def test_a_survey_that_is_there_is_left_alone(folder: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    lines: list[str] = []
    summary = simulate_survey(SMALL, folder, progress=lines.append)
    assert not summary.is_new
    assert lines == []
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


def test_a_survey_that_was_cut_off_is_completed(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "cut"
    simulate_survey(SMALL, out)
    (out / TRUTH).unlink()
    missing = next(out.glob("*/*.fits"))
    missing.unlink()
    assert simulate_survey(SMALL, out).is_new
    assert digests(out) == digests(folder)


def test_no_other_folder_is_written_into(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(BadConfiguration, match="other settings"):
        simulate_survey(replace(SMALL, seed=9), folder)
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "thesis.tex").write_text("mine")
    with pytest.raises(BadConfiguration, match="not empty"):
        simulate_survey(SMALL, foreign)
    (foreign / MANIFEST).write_text("[]")
    with pytest.raises(BadConfiguration, match=r"survey\.json cannot be read"):
        simulate_survey(SMALL, foreign)
    with pytest.raises(NotADirectoryError):
        simulate_survey(SMALL, foreign / MANIFEST)
    assert sorted(path.name for path in foreign.iterdir()) == [MANIFEST, "thesis.tex"]


def test_an_empty_folder_is_taken_and_progress_is_told(tmp_path: Path) -> None:
    lines: list[str] = []
    summary = simulate_survey(SMALL, tmp_path, progress=lines.append)
    assert [line.split(":")[0] for line in lines] == list(summary.exposures)
    assert summary.n_objects["transient"] == 9
    assert summary.n_bright > 0
