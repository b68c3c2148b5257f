import io
from dataclasses import replace

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table

from astrid_core.differencing.config import DifferenceConfig
from astrid_core.differencing.flux_scale import match_background, measure_flux_ratio
from astrid_core.differencing.pair import PairDifference, difference_pair
from astrid_core.differencing.products import candidate_table, read_difference, write_difference
from astrid_core.preprocessing.sources import detect_sources
from astrid_core.shared.errors import BadConfiguration, CorruptArtifact, TooFewSources
from astrid_core.shared.images import SkyImage
from tests.synthetic.fields import Source
from tests.synthetic.pairs import Exposure, expose, make_sky, prepared, true_psf

SHAPE = (330, 350)
NEW = Source(x_pix=120.0, y_pix=200.0, flux=9000.0)


def _pair() -> PairDifference:
    sky = make_sky(SHAPE, seed=41, n_galaxies=15)
    science = prepared(sky, Exposure(fwhm=3.2, shift=(1.5, 0.7)), seed=1, extra=[NEW])
    return difference_pair(science, prepared(sky, Exposure(fwhm=2.7, sky=75.0), seed=2), DifferenceConfig())


def test_the_same_pair_gives_the_same_bytes_when_computed_again() -> None:
    one, other = _pair(), _pair()
    assert write_difference(one) == write_difference(other)
    assert candidate_table(one) == candidate_table(other)


def test_the_file_holds_what_the_contract_names() -> None:
    pair = _pair()
    content = write_difference(pair)
    with fits.open(io.BytesIO(content)) as hdus:
        assert {"DIFFERENCE", "SCORE", "VARIANCE", "MASK", "PSF"} <= {hdu.name for hdu in hdus}
        header = hdus[0].header
        assert header["FLXRATIO"] == pytest.approx(pair.flux_ratio)
        assert header["SCORESIG"] == pytest.approx(pair.difference.score_noise)
        assert hdus["SCORE"].header["CTYPE1"].startswith("RA---TAN")
    back = read_difference(content)
    assert np.array_equal(back.score, pair.difference.score)
    assert np.array_equal(back.mask, pair.difference.mask)
    with pytest.raises(CorruptArtifact):
        read_difference(content[: len(content) // 2])


def test_the_table_lists_the_strongest_first_with_sky_positions() -> None:
    pair = _pair()
    table = Table.read(candidate_table(pair).decode(), format="ascii.ecsv")
    wanted = [
        "ra_deg", "dec_deg", "x_pix", "y_pix", "x_err_pix", "y_err_pix", "score", "flux", "flux_err", "chi2",
        "fwhm_pix", "ellipticity", "flags",
    ]  # fmt: skip
    assert table.colnames == wanted
    assert (np.diff(np.abs(table["score"])) <= 0.0).all()
    first = table[0]
    assert (first["x_pix"], first["y_pix"]) == pytest.approx((NEW.x_pix + 1.5, NEW.y_pix + 0.7), abs=0.3)
    assert first["flux"] == pytest.approx(NEW.flux, rel=0.05)
    assert pair.science.wcs is not None
    sky = pair.science.wcs.pixel_to_world(first["x_pix"], first["y_pix"])
    assert (first["ra_deg"], first["dec_deg"]) == pytest.approx((sky.ra.deg, sky.dec.deg))


def _exposed(fwhm: float, depth: float, seed: int) -> SkyImage:
    sky = make_sky(SHAPE, seed=43, n_galaxies=30)
    image, _ = expose(sky, Exposure(fwhm=fwhm, depth=depth), seed=seed)
    return replace(image, psf=true_psf(SHAPE, fwhm))


def test_the_flux_ratio_is_exact_between_unequal_psfs_and_inverts_when_exchanged() -> None:
    sharp, broad = _exposed(2.4, 1.0, 1), _exposed(4.0, 0.7, 2)
    noise = np.full(SHAPE, 13.0, dtype=np.float32)
    sources = detect_sources(sharp.pixels, noise, ~sharp.usable, threshold_sigma=5.0)
    ratio = measure_flux_ratio(broad, sharp, sources)
    assert ratio == pytest.approx(0.7, rel=0.01)
    assert measure_flux_ratio(sharp, broad, sources) == pytest.approx(1.0 / ratio, rel=0.01)
    with pytest.raises(TooFewSources, match="n_stars="):
        measure_flux_ratio(broad, sharp, sources.take(slice(0, 2)))


def test_a_gradient_in_one_image_is_taken_out() -> None:
    one, other = _exposed(3.0, 1.0, 3), _exposed(3.0, 1.0, 4)
    slope = np.linspace(0.0, 60.0, SHAPE[1], dtype=np.float32)[None, :].repeat(SHAPE[0], axis=0)
    level = match_background(replace(one, pixels=one.pixels + slope), other, box_pix=40)
    assert np.abs(level - slope)[30:-30, 30:-30].max() < 5.0


@pytest.mark.parametrize(
    "change",
    [{"threshold_sigma": 1.0}, {"min_overlap": 0.0}, {"tile_pix": 64}, {"overlap_pix": 400}, {"max_mask_weight": 1.0}],
)
def test_settings_out_of_range_are_refused(change: dict[str, float]) -> None:
    with pytest.raises(BadConfiguration):
        replace(DifferenceConfig(), **change)  # type: ignore[arg-type]
