from dataclasses import replace

import numpy as np
import pytest
from astropy.wcs import WCS

from astrid_core.observations.entities import WcsOrigin
from astrid_core.preprocessing.config import AstrometryConfig
from astrid_core.preprocessing.solve_wcs import search_region, solve
from astrid_core.preprocessing.tangent_plane import plane_at, to_sky
from astrid_core.preprocessing.wcs_quality import AstrometricSolution
from astrid_core.shared.errors import BadConfiguration, NoAstrometricSolution
from astrid_core.shared.sky import SkyPosition
from tests.synthetic.star_fields import FieldPlan, StarField, draw_field, frame_wcs, worst_pix

CONFIG = AstrometryConfig(blind_scales_arcsec=(0.5, 2.0))
SKY = SkyPosition(ra_deg=210.0, dec_deg=33.0)
NORTH = SkyPosition(ra_deg=77.0, dec_deg=89.97)


def _field(seed: int = 1, **plan: object) -> StarField:
    return draw_field(replace(FieldPlan(centre=SKY), **plan), np.random.default_rng(seed))  # type: ignore[arg-type]


def _solved(
    field: StarField, wcs: WCS | None, config: AstrometryConfig = CONFIG, *, origin: WcsOrigin = WcsOrigin.HEADER
) -> AstrometricSolution:
    return solve(
        field.xy, field.flux, shape=field.shape, stars=field.stars, wcs=wcs, origin=origin, err_pix=field.err_pix,
        config=config,
    )  # fmt: skip


def _spoiled(wcs: WCS, *, arcsec: float, turn_deg: float, scale: float) -> WCS:
    turn = np.radians(turn_deg)
    spoiled = wcs.deepcopy()
    matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    spoiled.wcs.cd = scale * wcs.wcs.cd @ matrix
    spoiled.wcs.crval = to_sky(plane_at(*wcs.wcs.crval), np.array([[0.6, 0.8]]) * arcsec / 3600.0)[0]
    spoiled.wcs.set()
    return spoiled


@pytest.mark.parametrize("centre", [SKY, NORTH], ids=["sky", "pole"])
@pytest.mark.parametrize("mirrored", [False, True])
def test_a_header_off_by_arcseconds_rotation_and_scale_is_refined(centre: SkyPosition, mirrored: bool) -> None:
    field = _field(
        centre=centre, mirrored=mirrored, err_pix=0.05, shape=(2048, 2048), scale_arcsec=0.4, region_deg=0.25
    )
    solution = _solved(field, _spoiled(field.wcs, arcsec=5.0, turn_deg=0.2, scale=1.01))
    assert solution.method == "refined"
    assert worst_pix(solution.wcs, field.wcs, field.shape) < 0.05
    assert solution.offset_arcsec == pytest.approx(5.0, abs=0.1)


def test_a_right_header_is_confirmed_and_kept() -> None:
    field = _field()
    solution = _solved(field, field.wcs)
    assert (solution.method, solution.model) == ("header", "header as it is")
    assert solution.wcs.to_header() == field.wcs.to_header()


def test_the_numbers_of_a_solution_are_right() -> None:
    field = _field(n_stars=300, err_pix=0.2)
    solution = _solved(field, _spoiled(field.wcs, arcsec=2.0, turn_deg=0.0, scale=1.0))
    expected = np.hypot(200.0, 5.0)  # mas: 0.2 pixels of an arcsecond, and the catalog's own 5 mas
    assert solution.rms_x_mas == pytest.approx(expected, rel=0.15)
    assert solution.rms_y_mas == pytest.approx(expected, rel=0.15)
    assert solution.held_out_x_mas == pytest.approx(solution.rms_x_mas, rel=0.05)
    assert solution.excess_x_mas < 0.5 * expected, "errors that are known explain the scatter"
    assert solution.measurement_err_mas == pytest.approx(200.0, rel=0.01)
    assert solution.catalog_err_mas == pytest.approx(5.0)
    assert solution.n_matched == pytest.approx(300, rel=0.1)
    assert solution.n_expected == pytest.approx(375, rel=0.1), "the frame misses a fifth of the catalog stars"
    assert solution.residual_map.n_stars.sum() == solution.n_matched
    assert np.abs(solution.residual_map.dx_mas).max() < 5.0 * expected / np.sqrt(10.0)


def test_scatter_that_no_error_explains_is_told_apart() -> None:
    field = _field(n_stars=300, err_pix=0.2)
    solution = _solved(replace(field, err_pix=np.full_like(field.err_pix, 0.05)), field.wcs)
    assert solution.excess_x_mas == pytest.approx(np.sqrt(0.2**2 - 0.05**2) * 1000.0, rel=0.2)


@pytest.mark.parametrize("turn_deg", [0.0, 77.0, 180.0])
@pytest.mark.parametrize("mirrored", [False, True])
def test_a_pointing_without_orientation_is_enough(turn_deg: float, mirrored: bool) -> None:
    field = _field(rotation_deg=turn_deg, mirrored=mirrored)
    pointing = frame_wcs(FieldPlan(centre=SkyPosition(ra_deg=210.1, dec_deg=33.1), scale_arcsec=1.05))
    solution = _solved(field, pointing, origin=WcsOrigin.POINTING)
    assert solution.method == "pointing"
    assert worst_pix(solution.wcs, field.wcs, field.shape) < 0.3


def test_a_header_that_is_wholly_wrong_in_rotation_serves_as_pointing() -> None:
    field = _field(rotation_deg=140.0)
    solution = _solved(field, frame_wcs(FieldPlan(centre=SKY)))
    assert solution.method == "pointing"


@pytest.mark.parametrize("centre", [SKY, NORTH], ids=["sky", "pole"])
@pytest.mark.parametrize("seed", range(4))
def test_fifteen_stars_and_five_spurious_ones_are_found_in_a_degree_of_sky(seed: int, centre: SkyPosition) -> None:
    field = _field(seed, centre=centre, n_stars=15, missing=0.3, spurious=0.3, err_pix=0.2, region_deg=1.0,
                   rotation_deg=50.0 * seed, mirrored=bool(seed % 2))  # fmt: skip
    solution = _solved(field, None)
    assert solution.method == "blind"
    assert worst_pix(solution.wcs, field.wcs, field.shape) < 1.0


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("known", [True, False], ids=["header", "blind"])
def test_stars_of_another_field_are_never_accepted(seed: int, known: bool) -> None:
    field, other = _field(seed, n_stars=100), _field(seed + 100, n_stars=100)
    with pytest.raises(NoAstrometricSolution):
        _solved(replace(field, stars=other.stars), field.wcs if known else None)


def test_a_frame_with_strong_distortion_is_matched_out_to_its_corners() -> None:
    field = _field(n_stars=200, err_pix=0.05)
    off = field.xy - 511.5
    bent = replace(field, xy=field.xy - 8e-8 * off * (off**2).sum(axis=1, keepdims=True))  # 30 pixels in the corners
    solution = _solved(bent, field.wcs)
    assert solution.model != "linear"
    assert solution.n_matched > 0.9 * 200
    assert solution.rms_pix < 0.1


def test_too_much_scatter_is_rejected_with_the_number() -> None:
    field = _field(err_pix=0.3)
    with pytest.raises(NoAstrometricSolution, match=r"scatter too much .*rms_x_mas=.*allowed_mas=100"):
        _solved(field, field.wcs, replace(CONFIG, max_rms_mas=100.0))


def test_too_few_stars_are_no_solution() -> None:
    field = _field()
    with pytest.raises(NoAstrometricSolution, match="n_sources=4"):
        solve(field.xy[:4], field.flux[:4], shape=field.shape, stars=field.stars, wcs=field.wcs, config=CONFIG)


def test_the_region_holds_the_frame_and_what_the_header_may_be_off() -> None:
    wcs = frame_wcs(FieldPlan(centre=NORTH))
    region = search_region(wcs, (1024, 1024), WcsOrigin.HEADER, CONFIG)
    corner = wcs.wcs_pix2world([[-60.0, -60.0]], 0)[0]
    assert region.contains(SkyPosition(ra_deg=float(corner[0]) % 360.0, dec_deg=float(corner[1])))
    assert region.radius_deg is not None
    assert region.radius_deg < 0.25


@pytest.mark.parametrize(
    "wrong",
    [{"search_radius_arcsec": 0.0}, {"max_order": 9}, {"min_matched": 2}, {"max_log_chance": 0.0},
     {"blind_scales_arcsec": (2.0, 1.0)}, {"pointing_scale_error": 0.9}],
    ids=str,
)  # fmt: skip
def test_settings_out_of_range_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(BadConfiguration):
        AstrometryConfig(**wrong)  # type: ignore[arg-type]
