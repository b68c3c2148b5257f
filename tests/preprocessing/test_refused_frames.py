"""Frames whose PSF nothing tells: the reason carries the numbers."""

import numpy as np
import pytest

from astrid_core.bootstrap import load_pipeline
from astrid_core.cli.frames import prepare_file
from astrid_core.preprocessing.background import fit_background
from astrid_core.preprocessing.psf import measure_psf
from astrid_core.preprocessing.sources import detect_sources
from astrid_core.shared.errors import TooFewSources
from benchmarks.real_frames import REAL_DATA
from tests.synthetic.fields import draw, stars


def test_stars_with_lost_cores_are_counted_in_the_reason() -> None:
    shape = (256, 256)
    light = draw(shape, stars(shape, seed=4, density=1 / 3000, faintest=5000.0, brightest=5e4), 3.0)
    pixels = (light + np.random.default_rng(5).normal(0.0, 5.0, shape)).astype(np.float32)
    nothing = np.zeros(shape, dtype=bool)
    background = fit_background(pixels, nothing, box_pix=64)
    sources = detect_sources(pixels, background.rms, nothing, threshold_sigma=5.0)
    lost = light > 0.3 * light.max()
    lost[np.rint(sources.y_pix).astype(int), np.rint(sources.x_pix).astype(int)] = True

    with pytest.raises(TooFewSources) as caught:
        measure_psf(pixels, lost, sources, saturation=None, max_stars=200, min_snr=20.0)

    n_looked_at, n_edge, n_masked = (
        int(str(caught.value.facts[name])) for name in ("n_looked_at", "n_edge", "n_masked")
    )
    assert caught.value.facts["n_stars"] == 0
    assert n_masked == n_looked_at - n_edge
    assert n_masked > 5


@pytest.mark.real
@pytest.mark.skipif(not REAL_DATA.is_dir(), reason=f"the real data are not at {REAL_DATA}; set ASTRID_REAL_DATA")
def test_an_exposure_that_follows_pluto_has_trails_for_stars_and_is_refused_with_their_ellipticity() -> None:
    # MTFLAG is T: Hubble followed a moving target. All sources lie along one direction, twice as long as wide.
    with pytest.raises(TooFewSources) as caught:
        prepare_file(REAL_DATA / "ingest-images" / "hst_wfc3_flt_pluto1.fits", load_pipeline())

    assert caught.value.facts["n_stars"] == 0
    assert float(str(caught.value.facts["median_ellipticity"])) > 0.4
