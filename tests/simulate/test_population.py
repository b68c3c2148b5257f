from dataclasses import replace

import numpy as np
import pytest

from astrid_core.shared.sky import separation_arcsec
from astrid_core.simulate.config import CameraConfig, ConditionsConfig, SkyConfig
from astrid_core.simulate.depth import adu_of, mag_of, ordinary_depth
from astrid_core.simulate.events import add_events
from astrid_core.simulate.population import FieldSky, draw_constant_sky, power_law
from astrid_core.simulate.seeds import generator
from tests.simulate.skies import canvas

ON = canvas(1000)
SKY = SkyConfig(transients_per_mpix=100.0, faded_per_mpix=40.0, variables_per_mpix=30.0, moving_per_mpix=5.0)
CONSTANT = draw_constant_sky(ON, SKY)


def events(sky: FieldSky = CONSTANT, config: SkyConfig = SKY) -> FieldSky:
    return add_events(sky, ON, config, change_mjd=60005.0, night_mjd=(60000.0, 60010.0))


def test_the_luminosity_function_has_its_slope_and_limits() -> None:
    flux = power_law(generator(1), 20000, 0.8, (1.0, 1e4))
    assert (flux.min() >= 1.0, flux.max() <= 1e4) == (True, True)
    assert (flux > 10.0).mean() == pytest.approx(10.0**-0.8, rel=0.03)
    assert (flux > 100.0).mean() == pytest.approx(10.0**-1.6, rel=0.1)


def test_as_many_stars_and_galaxies_stand_out_as_asked_for() -> None:
    limit = mag_of(ON.depth.five_sigma_adu, ON.camera.zero_point_mag)
    # Drawn on the frame and a margin of 80 pixels around it.
    area = 1.16**2
    assert (CONSTANT.stars.mag_ab < limit).sum() == pytest.approx(700 * area, rel=0.15)
    assert (CONSTANT.galaxies.mag_ab < limit).sum() == pytest.approx(250 * area, rel=0.25)


def test_the_yardstick_is_the_noise_of_a_psf_fit() -> None:
    depth = ordinary_depth(CameraConfig(), ConditionsConfig())
    five = depth.five_sigma_adu
    assert five / np.sqrt(depth.variance_adu2 + five / depth.gain_e_adu) == pytest.approx(5.0)
    new = depth.flux_of_change(20.0)
    assert new / np.sqrt(1.25 * depth.variance_adu2 + new / depth.gain_e_adu) == pytest.approx(20.0)
    assert adu_of(mag_of(123.4, 27.0), 27.0) == pytest.approx(123.4)


def test_transients_appear_or_vanish_and_carry_the_asked_significance() -> None:
    found = [one for one in events().changing if one.kind == "transient"]
    new, faded = ([one for one in found if one.brightness(mjd) > 0.0] for mjd in (60010.0, 60000.0))
    assert (len(new), len(faded)) == (100, 40)
    assert not set(new) & set(faded)
    low, high = (mag_of(ON.depth.flux_of_change(snr), ON.camera.zero_point_mag) for snr in SKY.transient_snr)
    mags = np.array([one.mag_ab for one in new])
    assert (mags.max() <= low, mags.min() >= high) == (True, True)
    snr = np.array([ON.depth.flux_of_change(8.0) < adu_of(mag, ON.camera.zero_point_mag) for mag in mags])
    assert snr.mean() == pytest.approx(np.log(60 / 8) / np.log(60 / 4), abs=0.15)


def test_six_in_ten_transients_lie_on_a_galaxy() -> None:
    found = [one for one in events().changing if one.kind == "transient"]
    on_galaxy = [one for one in found if one.host_id]
    assert len(on_galaxy) / len(found) == pytest.approx(0.6, abs=0.12)
    galaxies = CONSTANT.galaxies
    for one in on_galaxy:
        host = int(one.host_id.rsplit("-", 1)[1]) - 1
        centre = replace(one.position, ra_deg=float(galaxies.ra_deg[host]), dec_deg=float(galaxies.dec_deg[host]))
        assert separation_arcsec(one.position, centre) <= 3.5 * float(galaxies.disc_scale_arcsec[host]) + 1e-6


def test_without_galaxies_transients_have_no_host() -> None:
    config = replace(SKY, galaxies_per_mpix=0.0)
    found = events(draw_constant_sky(ON, config), config).changing
    assert len([one for one in found if one.kind == "transient"]) == 140
    assert not any(one.host_id for one in found)


def test_asteroids_cross_the_field_in_every_night() -> None:
    found = [one for one in events().changing if one.kind == "moving"]
    assert len(found) == 10
    for one in found:
        moved = separation_arcsec(one.place(one.epoch_mjd), one.place(one.epoch_mjd + 1.0 / 24.0))
        assert 8.0 <= moved <= 45.1


def test_names_are_unique() -> None:
    names = [one.object_id for one in events().changing]
    assert len(names) == len(set(names))


def test_one_kind_of_object_does_not_change_another() -> None:
    fewer = replace(SKY, variables_per_mpix=0.0, galaxies_per_mpix=0.0, on_galaxy_fraction=0.0)
    sky = draw_constant_sky(ON, fewer)
    assert (sky.stars.ra_deg == CONSTANT.stars.ra_deg).all()
    alone = {one.object_id: one for one in events(sky, fewer).changing if one.kind == "moving"}
    assert alone == {one.object_id: one for one in events().changing if one.kind == "moving"}
