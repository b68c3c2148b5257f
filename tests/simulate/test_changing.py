import numpy as np
import pytest

from astrid_core.shared.sky import SkyPosition, separation_arcsec
from astrid_core.simulate.changing import ChangingObject

PLACE = SkyPosition(ra_deg=359.9999, dec_deg=60.0)


def test_a_transient_shines_between_its_times() -> None:
    new = ChangingObject(object_id="t", kind="transient", position=PLACE, mag_ab=20.0, from_mjd=10.0, until_mjd=20.0)
    assert [new.brightness(mjd) for mjd in (9.999, 10.0, 19.999, 20.0)] == [0.0, 1.0, 1.0, 0.0]
    assert new.place(15.0) == PLACE


def test_a_variable_star_swings_about_its_mean() -> None:
    star = ChangingObject(
        object_id="v", kind="variable", position=PLACE, mag_ab=18.0, amplitude=0.3, period_d=2.0, phase=0.25
    )
    values = [star.brightness(mjd) for mjd in np.linspace(0.0, 2.0, 41)[:-1]]
    assert values[0] == pytest.approx(1.3)
    assert min(values) == pytest.approx(0.7)
    assert np.mean(values) == pytest.approx(1.0)


def test_an_asteroid_moves_by_its_rate_also_across_right_ascension_zero() -> None:
    asteroid = ChangingObject(
        object_id="a",
        kind="moving",
        position=PLACE,
        mag_ab=19.0,
        epoch_mjd=100.0,
        east_arcsec_h=30.0,
        north_arcsec_h=-40.0,
    )
    later = asteroid.place(100.0 + 1.0 / 24.0)
    assert asteroid.place(100.0) == PLACE
    assert separation_arcsec(PLACE, later) == pytest.approx(50.0, rel=1e-3)
    assert later.ra_deg < 1.0
    assert later.dec_deg < PLACE.dec_deg
