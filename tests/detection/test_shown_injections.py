"""Which injections become seeds: what was found, believed, alone and appeared, over the whole range of S/N."""

from dataclasses import replace

import numpy as np

from astrid_core.detection.shown_injections import choose_shown, numbers_behind
from astrid_core.detection.trial import Recovery
from astrid_core.differencing.extract import Peak
from astrid_core.differencing.inject_config import InjectConfig
from astrid_core.differencing.inject_plan import Injection

CONFIG = InjectConfig(snr=(2.5, 20.0), n_bins=8)


def recovery(number: int, snr: float, *, x_pix: float | None = None, score: float | None = 0.9) -> Recovery:
    at = 100.0 * number if x_pix is None else x_pix
    peak = Peak(
        x_pix=at, y_pix=50.0, x_err_pix=0.1, y_err_pix=0.1, score=snr, flux=100.0 * snr, flux_err=100.0, chi2=1.0,
        fwhm_pix=3.0, ellipticity=0.0, flags=0,
    )  # fmt: skip
    injection = Injection(number=number, x_pix=at, y_pix=50.0, flux=100.0 * snr, predicted_snr=snr, on_host=False)
    return Recovery(injection=injection, position=None, peak=peak, network_score=score)


def chosen(recoveries: list[Recovery], *, n: int = 10, name: str = "inject-1") -> list[int]:
    found = choose_shown(recoveries, CONFIG, n=n, min_score=0.5, apart_pix=20.0, name=name)
    return [one.injection.number for one in found]


def test_bright_and_faint_ones_are_chosen_alike_and_the_same_again() -> None:
    # Ten faint ones for every bright one, as a search finds more of what is more.
    snr = [3.0] * 100 + [18.0] * 10
    made = [recovery(number, one) for number, one in enumerate(snr, start=1)]
    got = chosen(made)
    assert sum(number <= 100 for number in got) == sum(number > 100 for number in got) == 5
    assert chosen(made[::-1]) == got
    assert chosen(made, name="inject-2") != got
    assert set(chosen(made, n=4)) < set(got)
    assert chosen([], n=4) == chosen(made, n=0) == []


def test_what_was_missed_or_not_believed_or_faded_or_crowded_is_left_out() -> None:
    good = recovery(1, 10.0)
    faded = recovery(5, 10.0)
    faded = replace(faded, injection=replace(faded.injection, flux=-1000.0))
    made = [
        good,
        replace(recovery(2, 10.0), peak=None, network_score=None),
        recovery(3, 10.0, score=0.49),
        recovery(4, 10.0, score=None),
        faded,
        recovery(6, 10.0),
        # Missed, but its light is there.
        replace(recovery(7, 10.0, x_pix=615.0), peak=None, network_score=None),
    ]
    assert chosen(made) == [1]


def test_numbers_lie_behind_those_of_the_exposure_and_differ() -> None:
    made = [recovery(number, 10.0) for number in range(1, 13)]
    for n_detections in (0, 1, 500):
        numbers = list(numbers_behind(n_detections, made, name="inject-1"))
        assert numbers == list(numbers_behind(n_detections, made, name="inject-1"))
        assert len(set(numbers)) == 12
        assert min(numbers) > n_detections
        assert numbers != sorted(numbers)
    assert np.ptp(list(numbers_behind(500, made, name="inject-1"))) > 50
