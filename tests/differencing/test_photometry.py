import numpy as np
import pytest
from astropy.table import Table
from numpy.typing import NDArray

from astrid_core.differencing.photometry import UPPER_LIMIT_SIGMA, force_photometry, forced_table, pixel_positions
from astrid_core.differencing.subtract import Difference
from astrid_core.shared.images import MaskPlane
from astrid_core.shared.sky import SkyPosition
from tests.synthetic.differences import make_difference
from tests.synthetic.fields import wcs

SHAPE = (400, 400)


def _grid(step: int, *, seed: int) -> NDArray[np.float64]:
    rng = np.random.default_rng(seed)
    places = np.array(
        [(x, y) for x in range(30, SHAPE[1] - 30, step) for y in range(30, SHAPE[0] - 30, step)], dtype=float
    )
    return places + rng.uniform(-0.5, 0.5, places.shape)


def _with(
    places: NDArray[np.float64], flux: float, *, fwhm: float = 2.4, noise: float = 1.0, seed: int = 1
) -> Difference:
    sources = [(x, y, flux) for x, y in places]
    return make_difference(SHAPE, sources, fwhm=fwhm, noise=noise, seed=seed)


@pytest.mark.parametrize("fwhm", [2.4, 3.5])
def test_fluxes_between_the_pixels_are_right_to_a_few_thousandths(fwhm: float) -> None:
    places = _grid(30, seed=2)
    measured = force_photometry(_with(places, 1000.0, fwhm=fwhm, noise=1e-3), places)
    assert measured.flux == pytest.approx(np.full(len(places), 1000.0), rel=4e-3)


def test_errors_are_honest_where_something_is_and_where_nothing_is() -> None:
    places = _grid(13, seed=3)
    for flux in (0.0, 60.0):
        measured = force_photometry(_with(places, flux), places)
        pulls = (measured.flux - flux) / measured.flux_err
        assert len(pulls) > 600
        assert pulls.mean() == pytest.approx(0.0, abs=0.12)
        assert pulls.std() == pytest.approx(1.0, abs=0.1)
        assert measured.score == pytest.approx(measured.flux / measured.flux_err)


def test_sources_fainter_than_an_upper_limit_hide_below_it() -> None:
    places = _grid(13, seed=4)
    measured = force_photometry(_with(places, 10.0), places)
    assert (measured.upper_limit >= UPPER_LIMIT_SIGMA * measured.flux_err).all()
    assert (measured.upper_limit > 10.0).mean() > 0.99


def test_nothing_is_measured_on_masked_pixels_and_off_the_frame_and_the_reason_is_given() -> None:
    places = np.array([[100.0, 100.0], [200.2, 100.3], [-0.6, 50.0], [50.0, 399.6], [np.nan, 10.0], [399.4, 0.0]])
    result = make_difference(SHAPE, [], fwhm=3.0, noise=1.0, seed=5, masked={(100, 200): MaskPlane.SATURATED})
    measured = force_photometry(result, places)
    off = MaskPlane.NO_DATA
    assert measured.flags.tolist() == [0, MaskPlane.SATURATED, off, off, off, 0]
    for values in (measured.flux, measured.flux_err, measured.score, measured.upper_limit):
        assert np.isfinite(values).tolist() == [True, False, False, False, False, True]


def test_no_position_gives_no_measurement_and_other_shapes_are_refused() -> None:
    result = make_difference(SHAPE, [], fwhm=3.0, noise=1.0, seed=6)
    assert len(force_photometry(result, []).flux) == 0
    assert len(force_photometry(result, np.zeros((0, 2))).flux) == 0
    with pytest.raises(ValueError, match=r"\(4,\)"):
        force_photometry(result, [1.0, 2.0, 3.0, 4.0])


def test_positions_on_the_sky_come_back_as_pixels() -> None:
    frame = wcs(SHAPE)
    sky = frame.pixel_to_world([10.25, 300.5], [20.75, 111.0])
    positions = [SkyPosition(ra_deg=float(one.ra.deg), dec_deg=float(one.dec.deg)) for one in sky]
    behind = SkyPosition(ra_deg=(positions[0].ra_deg + 180.0) % 360.0, dec_deg=-positions[0].dec_deg)
    places = pixel_positions([*positions, behind], frame)
    assert places[:2] == pytest.approx(np.array([[10.25, 20.75], [300.5, 111.0]]), abs=1e-6)
    result = make_difference(SHAPE, [], fwhm=3.0, noise=1.0, seed=7)
    assert force_photometry(result, places).flags.tolist() == [0, 0, MaskPlane.NO_DATA]
    assert pixel_positions([], frame).shape == (0, 2)


def test_the_table_keeps_the_order_and_the_units() -> None:
    places = _grid(90, seed=8)
    measured = force_photometry(_with(places, 50.0), places)
    table = Table.read(forced_table(measured).decode(), format="ascii.ecsv")
    assert table["x_pix"].tolist() == pytest.approx(places[:, 0].tolist())
    assert str(table["flux"].unit) == "ct"
    assert forced_table(measured) == forced_table(force_photometry(_with(places, 50.0), places))
