from pathlib import Path

import pytest

from astrid_core.cli.main import build_parser, main
from astrid_core.cli.survey import survey_config
from astrid_core.simulate.config import SurveyConfig
from astrid_core.simulate.survey import TRUTH

QUICK = ("--fields", "1", "--size", "128", "--nights", "2", "--exposures", "1", "--seed", "5")


def config_of(*options: str) -> SurveyConfig:
    return survey_config(build_parser().parse_args(["simulate", "--out", "survey", *options]))


def test_without_options_it_is_the_survey_of_the_demo() -> None:
    assert config_of() == SurveyConfig()


def test_every_option_reaches_its_setting() -> None:
    config = config_of(
        *QUICK, "--reference-exposures", "2", "--first-night", "2023-01-01", "--cadence", "1", "--band", "g",
        "--seeing", "2", "5", "--stars", "1", "--galaxies", "2", "--transients", "3", "--faded", "4",
        "--variables", "5", "--moving", "6", "--transient-snr", "10", "20", "--cosmic-rays", "7", "--trails", "8",
        "--wcs-error", "9",
    )  # fmt: skip
    sky, conditions = config.sky, config.conditions
    assert (config.seed, config.n_fields, config.side_pix, config.n_nights) == (5, 1, 128, 2)
    assert (config.last_exposures, config.reference_exposures, config.cadence_nights) == (1, 2, 1)
    assert (config.first_night, config.band) == ("2023-01-01", "g")
    assert (sky.stars_per_mpix, sky.galaxies_per_mpix, sky.transients_per_mpix) == (1.0, 2.0, 3.0)
    assert (sky.faded_per_mpix, sky.variables_per_mpix, sky.moving_per_mpix) == (4.0, 5.0, 6.0)
    assert (sky.transient_snr, conditions.seeing_pix) == ((10.0, 20.0), (2.0, 5.0))
    assert (conditions.cosmic_rays_per_mpix, conditions.trails_per_exposure, conditions.wcs_error_pix) == (
        7.0,
        8.0,
        9.0,
    )


def test_it_writes_a_survey_once_and_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "survey"
    assert main(["simulate", "--out", str(out), *QUICK]) == 0
    told = capsys.readouterr().out
    assert "2024-03-01/field1_r_1.fits: FWHM" in told
    assert "the night to search is 2024-03-05" in told
    assert str(out / TRUTH) in told
    assert main(["simulate", "--out", str(out), *QUICK]) == 0
    assert capsys.readouterr().out.startswith("nothing to do")


@pytest.mark.parametrize(
    ("options", "says"),
    [(("--size", "20"), "side_pix"), (("--seeing", "5", "2"), "seeing_pix"), ((), "other settings")],
)
def test_a_refusal_says_why(
    options: tuple[str, ...], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "survey"
    assert main(["simulate", "--out", str(out), *QUICK]) == 0
    assert main(["simulate", "--out", str(out), *options]) == 65
    assert says in capsys.readouterr().err
