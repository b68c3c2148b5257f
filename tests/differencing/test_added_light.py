"""The light of an injected source, added to a stored difference, shows what the search with it showed."""

import io

import numpy as np
import pytest

from astrid_core.detection.injected_search import Searched, TrialPair, search_with_injections
from astrid_core.differencing.added_light import ALONE_FWHM, added_light, read_light, with_light, write_light
from astrid_core.differencing.config import DifferenceConfig
from astrid_core.differencing.inject import Well
from astrid_core.differencing.inject_config import InjectConfig
from astrid_core.differencing.pair import PairDifference
from astrid_core.differencing.products import write_difference
from astrid_core.differencing.stored_planes import PLANES, read_layout, read_stamp
from astrid_core.shared.errors import CorruptArtifact
from astrid_core.shared.images import FloatImage
from tests.synthetic.pairs import GAIN, Exposure, make_sky, prepared

SHAPE = (300, 320)
CONFIG = InjectConfig(n_sources=12, snr=(15.0, 20.0), host_fraction=0.0, faded_fraction=0.0)


@pytest.fixture(scope="module")
def searched() -> Searched:
    sky = make_sky(SHAPE, seed=5, density=1 / 1200)
    pair = TrialPair(
        science=prepared(sky, Exposure(fwhm=3.2), seed=6),
        reference=prepared(sky, Exposure(fwhm=2.8, depth=2.0, sky=600.0), seed=7),
        well=Well(gain_e_count=GAIN, saturation=60000.0),
    )
    return search_with_injections(pair, CONFIG, DifferenceConfig(), seed=3)


def stamp(pair: PairDifference, x_pix: float, y_pix: float, *, half_pix: int) -> FloatImage:
    content = write_difference(pair)

    def part(start: int, n_bytes: int) -> bytes:
        return content[start : start + n_bytes]

    return read_stamp(part, read_layout(part), PLANES, x_pix=x_pix, y_pix=y_pix, half_pix=half_pix)


def test_around_the_source_every_plane_is_that_of_the_search_with_it(searched: Searched) -> None:
    one = searched.plan[0]
    at = {"x_pix": one.x_pix, "y_pix": one.y_pix}
    before, after = (stamp(pair, **at, half_pix=31) for pair in (searched.before, searched.after))
    shown = with_light(before, added_light(searched.before, searched.after, **at))
    away = np.hypot(*np.mgrid[-31:32, -31:32])
    known = np.isfinite(before) & np.isfinite(after)
    assert known[:, away < 9.0].all()
    for number in range(len(PLANES)):
        np.testing.assert_allclose(shown[number, away < 9.0], after[number, away < 9.0], rtol=1e-5, atol=1e-3)
    assert float(after[3, 31, 31] - before[3, 31, 31]) > 8.0
    # Far from it nothing is changed, and no seam stands out of the noise of the difference.
    np.testing.assert_array_equal(shown[:, :8], before[:, :8])
    noise = np.nanstd(before[2])
    fading = known[2] & (away < ALONE_FWHM * 3.2 - 2.0)
    assert float(np.abs(shown[2] - after[2])[fading].max()) < 0.3 * noise


def test_stamps_of_any_size_agree_and_other_sources_are_left_out(searched: Searched) -> None:
    one = searched.plan[1]
    at = {"x_pix": one.x_pix, "y_pix": one.y_pix}
    light = added_light(searched.before, searched.after, **at)
    assert light.shape[1] < 61
    large, small = (with_light(stamp(searched.before, **at, half_pix=half), light) for half in (140, 5))
    np.testing.assert_array_equal(large[:, 135:146, 135:146], small)
    (two,) = (with_light(stamp(searched.before, **at, half_pix=5)[:2], light),)
    np.testing.assert_array_equal(two, small[:2])
    for other in searched.plan[2:]:
        x, y = round(other.x_pix - one.x_pix) + 140, round(other.y_pix - one.y_pix) + 140
        if 0 <= x < 281 and 0 <= y < 281:
            assert large[3, y, x] == stamp(searched.before, **at, half_pix=140)[3, y, x]


def test_at_the_edge_of_the_frame_the_light_ends_with_it(searched: Searched) -> None:
    light = added_light(searched.before, searched.after, x_pix=1.0, y_pix=SHAPE[0] - 2.0)
    half = light.shape[1] // 2
    assert np.isfinite(light).all()
    assert not light[:, :, : half - 1].any()
    assert not light[:, half + 2 :].any()


def test_light_is_kept_as_it_is_and_nothing_else_is_taken_for_it() -> None:
    light = np.arange(4 * 9, dtype=np.float32).reshape(4, 3, 3)
    np.testing.assert_array_equal(read_light(write_light(light)), light)
    buffer = io.BytesIO()
    np.save(buffer, light.astype(float))
    for content in (b"", b"no light", write_light(light)[:-1], buffer.getvalue(), write_light(light[:3])):
        with pytest.raises(CorruptArtifact):
            read_light(content)
