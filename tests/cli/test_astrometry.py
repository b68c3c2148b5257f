"""``astrid catalog`` and ``astrid solve``, on a simulated exposure and its own sky."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from astropy.wcs import WCS

from astrid_core.adapters.catalogs.shards import ShardCatalog
from astrid_core.cli.main import main
from astrid_core.shared.sky import Region
from astrid_core.simulate.config import SurveyConfig
from astrid_core.simulate.population import draw_constant_sky
from astrid_core.simulate.schedule import field_names
from astrid_core.simulate.star_catalog import reference_stars
from astrid_core.simulate.survey import canvas_of
from tests.synthetic.star_fields import worst_pix

SIMULATE = ("--size", "512", "--fields", "1", "--nights", "2", "--exposures", "1", "--wcs-error", "4", "--trails", "0")


@pytest.fixture(scope="module")
def survey(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two exposures whose headers are off by pixels, and the catalog of their sky."""
    out = tmp_path_factory.mktemp("survey") / "sky"
    assert main(["simulate", "--out", str(out), *SIMULATE]) == 0
    return out


@pytest.fixture
def frame(survey: Path) -> Path:
    return min(survey.rglob("*.fits"))


def _solved(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    capsys.readouterr()
    assert main(["solve", "--json", *arguments]) == 0, capsys.readouterr().err
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_a_simulated_exposure_is_tied_to_the_catalog_of_its_sky(
    survey: Path, frame: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = _solved(capsys, str(frame), "--catalog", str(survey / "stars"), "--write", str(tmp_path / "out.fits"))
    assert found["method"] == "refined"
    assert found["n_matched"] > 30
    assert found["offset_arcsec"] > 0.1
    assert found["rms_x_mas"] < 100.0  # a quarter of a pixel: most of the stars are faint
    with fits.open(frame) as before, fits.open(tmp_path / "out.fits") as after:
        assert np.array_equal(before[0].data, after[0].data)
        assert after[0].header["CRDER1"] == pytest.approx(found["rms_x_mas"] / 3.6e6)
        new = WCS(after[0].header)
        assert worst_pix(new, WCS(before[0].header), (512, 512)) > 0.5
    again = _solved(capsys, str(tmp_path / "out.fits"), "--catalog", str(survey / "stars"))
    assert again["method"] == "header", "the solution that was written is confirmed"


def test_a_frame_without_header_is_found_in_a_region(
    survey: Path, frame: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with fits.open(frame) as hdus:
        fits.PrimaryHDU(hdus[0].data[:, ::-1]).writeto(tmp_path / "bare.fits")
        centre = hdus[0].header["CRVAL1"], hdus[0].header["CRVAL2"]
    region = f"cone({centre[0]!r},{centre[1]!r},0.3deg)"
    place = ("--catalog", str(survey / "stars"), "--region", region, "--scale", "0.3", "0.6")
    assert _solved(capsys, str(tmp_path / "bare.fits"), *place)["method"] == "blind"
    assert main(["solve", str(tmp_path / "bare.fits"), "--catalog", str(survey / "stars")]) == 99
    assert "bare.fits" in capsys.readouterr().err


def test_what_cannot_be_solved_names_the_file_and_the_reason(
    survey: Path, frame: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    noise = np.random.default_rng(1).normal(100.0, 5.0, (200, 200)).astype(np.float32)
    with fits.open(frame) as hdus:
        fits.PrimaryHDU(noise, hdus[0].header).writeto(tmp_path / "noise.fits")
    assert main(["solve", str(tmp_path / "noise.fits"), "--catalog", str(survey / "stars")]) == 99
    assert "too few stars for astrometry (file=noise.fits" in capsys.readouterr().err
    monkeypatch.delenv("ASTRID_STAR_CATALOG", raising=False)
    assert main(["solve", str(frame)]) == 65
    assert "ASTRID_STAR_CATALOG" in capsys.readouterr().err
    assert main(["solve", str(frame), "--catalog", str(tmp_path)]) == 65


def test_a_table_of_stars_becomes_a_catalog(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(3)
    columns = {"ra": rng.uniform(10.0, 11.0, 500), "dec": rng.uniform(-0.5, 0.5, 500)}
    columns |= {f"phot_{band}_mean_mag": rng.uniform(12.0, 20.0, 500) for band in ("g", "bp", "rp")}
    Table(columns).write(tmp_path / "gaia.csv")
    options = ("--name", "gaia", "--release", "dr3", "--out", str(tmp_path / "stars"))
    assert main(["catalog", "import", str(tmp_path / "gaia.csv"), *options]) == 65
    assert "epoch" in capsys.readouterr().err
    assert main(["catalog", "import", str(tmp_path / "gaia.csv"), *options, "--epoch", "2016.0"]) == 0
    assert "gaia dr3 " in capsys.readouterr().out
    stars = ShardCatalog(tmp_path / "stars").stars(Region.parse("cone(10.5,0.0,0.3deg)"), max_stars=1000)
    brightest = int(
        np.argmin(columns["phot_g_mean_mag"] + 9.0 * (np.hypot(columns["ra"] - 10.5, columns["dec"]) > 0.3))
    )
    assert stars.mags["G"][0] == pytest.approx(columns["phot_g_mean_mag"][brightest] + 0.1136)
    assert np.isnan(stars.ra_err_mas).all()
    Table({"x": [1.0], "y": [2.0]}).write(tmp_path / "other.csv")
    assert main(["catalog", "import", str(tmp_path / "other.csv"), *options]) == 65
    assert "phot_g_mean_mag" in capsys.readouterr().err
    (tmp_path / "page.fits").write_text("<html>log in</html>")
    assert main(["catalog", "import", str(tmp_path / "page.fits"), *options]) == 65
    assert capsys.readouterr().err.startswith("astrid catalog: file has none of the formats")


def test_the_errors_that_the_simulated_catalog_states_are_those_it_has() -> None:
    config = SurveyConfig(side_pix=1024, n_fields=1)
    stars = reference_stars(config)
    canvas = canvas_of(config, field_names(config)[0])

    true = draw_constant_sky(canvas, config.sky).stars
    nearest = [int(np.argmin(np.hypot(true.dec_deg - dec, (true.ra_deg - ra) * np.cos(np.radians(dec)))))
               for ra, dec in zip(stars.ra_deg, stars.dec_deg, strict=True)]  # fmt: skip
    off = (stars.dec_deg - true.dec_deg[nearest]) * 3.6e6 / stars.dec_err_mas
    assert np.std(off) == pytest.approx(1.0, abs=0.1)
    assert np.std((stars.mags["r"] - true.mag_ab[nearest]) / stars.mag_errs["r"]) == pytest.approx(1.0, abs=0.1)
