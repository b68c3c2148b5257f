from dataclasses import replace

import numpy as np
import pytest
from astropy.wcs import WCS, Sip

from astrid_core.preprocessing.grid_map import map_grid
from astrid_core.preprocessing.register import resample
from astrid_core.shared.images import MaskPlane, SkyImage
from tests.synthetic.fields import FloatArray, Source, draw, wcs

SHAPE = (150, 180)
STARS = [Source(x_pix=60.0, y_pix=70.0, flux=1000.0), Source(x_pix=120.3, y_pix=90.6, flux=500.0)]


def _image(frame: WCS, *, shift: tuple[float, float] = (0.0, 0.0)) -> SkyImage:
    moved = [Source(x_pix=one.x_pix + shift[0], y_pix=one.y_pix + shift[1], flux=one.flux) for one in STARS]
    return SkyImage(
        pixels=draw(SHAPE, moved, 3.0).astype(np.float32),
        variance=np.ones(SHAPE, dtype=np.float32),
        mask=np.zeros(SHAPE, dtype=np.uint16),
        wcs=frame,
    )


def test_an_image_on_its_own_grid_stays_as_it_is() -> None:
    image = _image(wcs(SHAPE))
    same = resample(image, wcs(SHAPE), SHAPE)
    assert np.abs(same.pixels - image.pixels).max() < 1e-3
    assert same.usable.all()


def test_stars_land_where_the_sky_says() -> None:
    there = resample(_image(wcs(SHAPE, shift=(7.3, -4.6)), shift=(7.3, -4.6)), wcs(SHAPE), SHAPE)
    expected = _image(wcs(SHAPE)).pixels
    good = there.usable
    assert good.mean() > 0.9
    # A cubic spline through a star of three pixels is off by one or two per cent of its peak.
    assert np.abs(there.pixels - expected)[good].max() < 0.02 * expected.max()
    assert there.pixels[good].sum() == pytest.approx(expected[good].sum(), rel=1e-3)


def test_what_the_frame_does_not_cover_is_no_data_and_masks_grow_by_the_spline() -> None:
    image = _image(wcs(SHAPE))
    mask = np.zeros(SHAPE, dtype=np.uint16)
    mask[40, 50] = MaskPlane.COSMIC_RAY
    moved = resample(replace(image, mask=mask), wcs(SHAPE, shift=(20.0, 0.0)), SHAPE)
    assert (moved.mask[:, :19] & MaskPlane.NO_DATA).all()
    assert np.isnan(moved.pixels[:, :19]).all()
    assert not (moved.mask[:, 21:] & MaskPlane.NO_DATA).any()
    hit = (moved.mask & MaskPlane.COSMIC_RAY) != 0
    assert hit[40, 68:73].all()
    assert hit.sum() == 13


def test_a_grid_on_the_other_side_of_the_sky_is_not_covered() -> None:
    far = wcs(SHAPE)
    far.wcs.crval = [330.0, -2.0]
    far.wcs.set()
    assert not resample(_image(wcs(SHAPE)), far, SHAPE).usable.any()


def test_an_image_without_sky_coordinates_is_a_wrong_argument() -> None:
    with pytest.raises(ValueError, match="sky coordinates"):
        resample(replace(_image(wcs(SHAPE)), wcs=None), wcs(SHAPE), SHAPE)


def _scaled(scale: float) -> tuple[WCS, tuple[int, int]]:
    """Return a grid of the same field whose pixels have ``scale`` arcsec where those of the image have one."""
    shape = (round(SHAPE[0] / scale), round(SHAPE[1] / scale))
    return wcs(shape, scale_arcsec=scale), shape


def _distorted(kind: str) -> WCS:
    """Return a grid whose pixels change by some per cent over the frame."""
    header = wcs(SHAPE).to_header()
    grid = WCS(header)
    if kind == "SIP":
        grid.wcs.ctype = ["RA---TAN-SIP", "DEC--TAN-SIP"]
        a, b = np.zeros((4, 4)), np.zeros((4, 4))
        a[2, 0], a[1, 1], a[3, 0], b[0, 2], b[1, 2] = 2e-4, -1e-4, 1e-6, 1.5e-4, -2e-6
        grid.sip = Sip(a, b, None, None, grid.wcs.crpix)
    else:
        header["CTYPE1"], header["CTYPE2"] = "RA---TPV", "DEC--TPV"
        for axis in (1, 2):
            header[f"PV{axis}_0"], header[f"PV{axis}_1"] = 0.0, 1.0
            header[f"PV{axis}_4"], header[f"PV{axis}_7"] = 0.6, 20.0
        grid = WCS(header)
    grid.wcs.set()
    return grid


def _aperture(image: SkyImage, x_pix: float, y_pix: float, radius_pix: float) -> FloatArray:
    y, x = np.indices(image.shape)
    return np.asarray(image.pixels[np.hypot(x - x_pix, y - y_pix) < radius_pix], dtype=float)


@pytest.mark.parametrize(
    "grid", [_scaled(0.6), _scaled(1.0), _scaled(1.7), (_distorted("SIP"), SHAPE), (_distorted("TPV"), SHAPE)]
)
def test_a_star_keeps_its_flux_and_the_sky_its_light_on_any_grid(grid: tuple[WCS, tuple[int, int]]) -> None:
    # Stars alone first, on a black sky: their whole light lies in the aperture on either grid.
    image = _image(wcs(SHAPE))
    there = resample(image, *grid)
    for one in STARS:
        x, y = (float(axis) for axis in grid[0].world_to_pixel(wcs(SHAPE).pixel_to_world(one.x_pix, one.y_pix)))
        scale = float(np.sqrt(np.abs(np.linalg.det(grid[0].pixel_scale_matrix)))) * 3600.0
        before = _aperture(image, one.x_pix, one.y_pix, 20.0).sum()
        assert _aperture(there, x, y, 20.0 / scale).sum() == pytest.approx(before, rel=0.005)
    sky = resample(replace(image, pixels=np.full(SHAPE, 7.0, dtype=np.float32)), *grid)
    y, x = np.mgrid[20:41:20, 20:41:20].astype(float)
    step = 0.5
    for row, column in zip(y.ravel(), x.ravel(), strict=True):
        # The area of one new pixel in old ones, from its corners on the sky.
        corner_x, corner_y = wcs(SHAPE).world_to_pixel(
            grid[0].pixel_to_world(
                column + np.array([-step, step, step, -step]), row + np.array([-step, -step, step, step])
            )
        )
        area = 0.5 * abs(float((corner_x * np.roll(corner_y, -1) - corner_y * np.roll(corner_x, -1)).sum()))
        assert sky.pixels[int(row), int(column)] == pytest.approx(7.0 * area, rel=0.002)


def test_the_pixels_of_the_distorted_grids_do_differ() -> None:
    for kind in ("SIP", "TPV"):
        area = map_grid(wcs(SHAPE), _distorted(kind), SHAPE).rows(0, SHAPE[0]).area
        assert area.max() / area.min() > 1.02


@pytest.mark.parametrize("scale", [0.6, 1.0, 1.7])
def test_the_variance_of_a_sum_over_an_aperture_is_the_sum_of_the_variances(scale: float) -> None:
    rng = np.random.default_rng(1)
    sums, variances = [], []
    _, shape = _scaled(scale)
    moved = wcs(shape, scale_arcsec=scale, shift=(0.37, 0.61))
    for _ in range(12):
        noise = replace(_image(wcs(SHAPE)), pixels=rng.normal(0.0, 1.0, SHAPE).astype(np.float32))
        there = resample(noise, moved, shape)
        side = round(12 / scale)
        for top in range(side, shape[0] - 2 * side, side):
            for left in range(side, shape[1] - 2 * side, side):
                box = np.s_[top : top + side, left : left + side]
                sums.append(float(there.pixels[box].sum()))
                variances.append(float(there.variance[box].sum()))
    assert np.var(sums) / np.mean(variances) == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize("value", [np.nan, 1e5])
def test_what_a_bad_pixel_holds_shows_nowhere_but_there(value: float) -> None:
    image = _image(wcs(SHAPE))
    mask = np.zeros(SHAPE, dtype=np.uint16)
    mask[70, 100], mask[30:45, 30:50] = MaskPlane.BAD, MaskPlane.SATURATED
    spoiled = np.where(mask != 0, np.float32(value), image.pixels)
    grid = wcs(SHAPE, shift=(0.4, 0.3))
    plain, there = resample(image, grid, SHAPE), resample(replace(image, pixels=spoiled, mask=mask), grid, SHAPE)
    good = there.usable
    assert np.isfinite(there.pixels[good]).all()
    # Beyond the two pixels that carry the mask only the replaced value is left, damped by the prefilter.
    assert np.abs(there.pixels - plain.pixels)[good].max() < 0.003 * image.pixels.max()
    y, x = np.indices(SHAPE)
    far = (np.hypot(x - 100, y - 70) > 4.0) & ((x < 26) | (x > 54) | (y < 26) | (y > 49))
    edge = np.s_[3:-3, 3:-3]
    assert good[edge][far[edge]].all()
