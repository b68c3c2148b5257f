import numpy as np
import pytest

from astrid_core.detection.config import DetectConfig
from astrid_core.detection.cutouts import CHANNELS
from astrid_core.detection.triplets import centred, read_planes, triplet_stamps
from tests.synthetic.fields import Source, draw


def triplet(flux: float = 400.0, *, side: int = 63, seed: int = 1, scale: float = 1.0) -> np.ndarray:
    """Return a triplet with a star in a corner and a source of ``flux`` (sigma 1 per pixel) in the middle."""
    rng = np.random.default_rng(seed)
    star = draw((side, side), [Source(x_pix=6.0, y_pix=8.0, flux=9000.0)], 3.0)
    middle = Source(x_pix=float(side // 2), y_pix=float(side // 2), flux=abs(flux))
    light = draw((side, side), [middle], 3.0)
    new, old = (light, 0.0 * light) if flux > 0.0 else (0.0 * light, light)
    noise = rng.normal(0.0, 1.0, (2, side, side))
    science, reference = 200.0 + star + new + noise[0], 90.0 + (star + old + 0.3 * noise[1]) / 4.0
    return np.asarray(np.stack([science * scale, reference, (new - old + noise[0]) * scale]), dtype=np.float32)


def _plane(planes: np.ndarray, name: str) -> np.ndarray:
    return np.asarray(planes[..., CHANNELS.index(name)])


@pytest.mark.parametrize("side", [31, 32, 63, 64, 101, 127])
def test_the_middle_of_a_triplet_of_any_size_comes_to_the_middle_of_the_stamp(side: int) -> None:
    stamps = triplet_stamps(triplet(side=side)[None], size_pix=64, config=DetectConfig())
    assert stamps.offset.tolist() == [[32, 32]]
    score = _plane(stamps.pixels[0], "score")
    row, column = np.unravel_index(int(score.argmax()), score.shape)
    assert np.hypot(row - 32, column - 32) <= 1.0
    assert _plane(stamps.pixels[0], "masked").sum() == max(0, 64 * 64 - min(side, 64) ** 2)


def test_neither_units_nor_skies_matter() -> None:
    one, other = (
        triplet_stamps(triplet(scale=scale)[None], size_pix=64, config=DetectConfig()) for scale in (1.0, 37.0)
    )
    np.testing.assert_allclose(one.pixels, other.pixels, atol=1e-2)
    old, new = (_plane(one.pixels[0], name) for name in ("old", "new"))
    # The reference has another unit: the star is as bright in both all the same.
    assert old[9, 7] == pytest.approx(new[9, 7], abs=0.2)


def test_what_faded_looks_like_what_appeared() -> None:
    found = read_planes(triplet(-400.0)[None])
    assert found.sign.tolist() == [-1]
    assert _plane(found.planes, "score")[0, 31, 31] > 3.0
    assert _plane(found.planes, "new")[0, 31, 31] > _plane(found.planes, "old")[0, 31, 31] + 1.0


def test_pixels_that_are_no_sky_show_nothing_but_the_mask() -> None:
    made = triplet()
    made[0, 3, 40] = np.nan
    made[1, 50, 5] = -99999.0
    planes = read_planes(made[None]).planes[0]
    assert np.isfinite(planes).all()
    assert np.argwhere(_plane(planes, "masked")).tolist() == [[3, 40], [50, 5]]
    assert planes[3, 40].tolist() == [0.0, 0.0, 0.0, 0.0, 1.0]


def test_a_triplet_that_tells_nothing_is_refused_with_the_reason() -> None:
    nothing, flat, hidden = np.full((3, 63, 63), np.nan), np.ones((3, 63, 63)), triplet()
    hidden[2, 24:39, 24:39] = np.nan
    stamps = triplet_stamps(np.stack([nothing, triplet(), flat, hidden]), size_pix=64, config=DetectConfig())
    assert stamps.index.tolist() == [1]
    assert sorted(stamps.refused) == [0, 2, 3]
    assert "is a number (usable=0" in stamps.refused[0]
    assert "no noise" in stamps.refused[2]
    assert "disc of one FWHM" in stamps.refused[3]


@pytest.mark.parametrize("shape", [(31, 31), (32, 64), (63, 63), (101, 77), (127, 127)])
def test_many_triplets_give_what_each_of_them_gives_alone(shape: tuple[int, int]) -> None:
    made = _various(shape, n=70)
    together = triplet_stamps(made, size_pix=64, config=DetectConfig())
    alone = [triplet_stamps(one[None], size_pix=64, config=DetectConfig()) for one in made]
    kept = [number for number, one in enumerate(alone) if len(one)]
    assert len(kept) < len(made)
    assert together.index.tolist() == kept
    np.testing.assert_allclose(together.pixels, np.concatenate([one.pixels for one in alone]), atol=1e-5)
    assert together.refused == {number: one.refused[0] for number, one in enumerate(alone) if not len(one)}


def _various(shape: tuple[int, int], *, n: int) -> np.ndarray:
    """Return noise of different units and levels, and with it each kind of flaw."""
    rng = np.random.default_rng(5)
    made = rng.normal(0.0, 1.0, (n, 3, *shape)) * rng.uniform(0.1, 50.0, (n, 3, 1, 1)) + rng.uniform(
        0, 1e4, (n, 3, 1, 1)
    )
    made[1, 0, 3:9] = np.nan
    made[2, 2, :, :7] = np.nan
    made[3, 1, 5, 5:9] = -99999.0
    made[4, 0, 7, 7], made[4, 1, 6, 7] = -99999.0, -99999.0
    made[5] = np.nan
    made[6, 2] = 3.0
    made[7, 0, 1, 1] = np.inf
    made[66, 1] = np.nan
    made[67, :, 2:] = np.nan
    return made.astype(np.float32)


@pytest.mark.parametrize("side", [31, 32])
def test_the_difference_is_shown_in_units_of_its_scatter(side: int) -> None:
    made = np.random.default_rng(2).normal(70.0, 9.0, (2, 3, side, side)).astype(np.float32)
    made[1, 2, :3] = np.nan
    found = read_planes(made)
    for planes, values in zip(found.planes, made[:, 2].astype(float), strict=True):
        away = values - np.nanmedian(values)
        expected = np.nan_to_num(away / (1.4826 * np.nanmedian(np.abs(away))))
        np.testing.assert_allclose(np.abs(np.sinh(_plane(planes, "difference"))), np.abs(expected), atol=1e-5)


def test_a_fill_value_of_the_difference_spoils_little_but_its_surroundings() -> None:
    made = triplet(40.0)
    spoilt = made.copy()
    spoilt[2, 3, 3] = np.finfo(np.float32).min
    one, other = (read_planes(images[None]).planes[0] for images in (made, spoilt))
    assert np.isfinite(other).all()
    np.testing.assert_allclose(one[20:, 20:], other[20:, 20:], atol=0.1)


def test_no_triplets_are_no_stamps() -> None:
    assert len(triplet_stamps(np.zeros((0, 3, 40, 40)), size_pix=64, config=DetectConfig())) == 0


def test_a_large_triplet_is_cut_and_a_small_one_padded() -> None:
    planes = np.zeros((101, 31, 5), dtype=np.float32)
    planes[50, 15, 0] = 1.0
    box = centred(planes, 64)
    assert box[32, 32, 0] == 1.0
    assert box[..., 4].sum() == 64 * 33
