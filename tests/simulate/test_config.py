from dataclasses import replace
from typing import Any

import pytest

from astrid_core.shared.errors import BadConfiguration
from astrid_core.simulate.config import CameraConfig, ConditionsConfig, SkyConfig, SurveyConfig
from astrid_core.simulate.pair import PairConfig


@pytest.mark.parametrize(
    ("kind", "changed"),
    [
        (SurveyConfig, {"seed": -1}),
        (SurveyConfig, {"n_fields": 0}),
        (SurveyConfig, {"side_pix": 100}),
        (SurveyConfig, {"n_nights": 1}),
        (SurveyConfig, {"last_exposures": 0}),
        (SurveyConfig, {"band": "../r"}),
        (SurveyConfig, {"first_night": "yesterday"}),
        (SkyConfig, {"stars_per_mpix": -1.0}),
        (SkyConfig, {"star_slope": 0.0}),
        (SkyConfig, {"on_galaxy_fraction": 1.5}),
        (SkyConfig, {"transient_snr": (60.0, 4.0)}),
        (SkyConfig, {"transients_per_mpix": float("nan")}),
        (CameraConfig, {"gain_e_adu": 0.0}),
        (CameraConfig, {"saturation_adu": 70000.0}),
        (CameraConfig, {"zero_point_mag": 3.0}),
        (ConditionsConfig, {"seeing_pix": (1.0, 2.0)}),
        (ConditionsConfig, {"moffat_beta": 1.0}),
        (ConditionsConfig, {"ellipticity": 0.9}),
        (ConditionsConfig, {"psf_variation": 0.5}),
        (ConditionsConfig, {"trails_per_exposure": -0.1}),
        (PairConfig, {"side_pix": 64}),
        (PairConfig, {"reference_depth": (5, 3)}),
        (PairConfig, {"clipped_fraction": 2.0}),
    ],
)
def test_a_setting_out_of_range_is_named_with_its_value(kind: Any, changed: dict[str, object]) -> None:
    with pytest.raises(BadConfiguration, match=rf"{next(iter(changed))}.*got="):
        kind(**changed)


def test_every_setting_is_part_of_the_digest() -> None:
    config = SurveyConfig()
    others = [
        replace(config, seed=2),
        replace(config, sky=SkyConfig(stars_per_mpix=1.0)),
        replace(config, camera=CameraConfig(gain_e_adu=2.0)),
        replace(config, conditions=ConditionsConfig(sky_gradient=0.2)),
    ]
    assert config.digest == SurveyConfig().digest
    assert len({config.digest, *(one.digest for one in others)}) == 5
