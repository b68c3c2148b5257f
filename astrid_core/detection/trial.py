"""Inject sources into a pair, search it, and compare: what a search finds, measured on the exposure itself."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from astrid_core.detection.config import DetectConfig
from astrid_core.detection.cutouts import cut_stamps
from astrid_core.detection.injected_search import Searched, TrialPair, search_with_injections
from astrid_core.detection.ports import Scorer
from astrid_core.differencing.completeness import (
    CANDIDATES,
    DETECTIONS,
    EVERYWHERE,
    GALAXIES,
    Completeness,
    FluxCheck,
    check_fluxes,
    false_rate,
    match,
    measure_completeness,
)
from astrid_core.differencing.config import DifferenceConfig
from astrid_core.differencing.extract import Peak
from astrid_core.differencing.inject_config import InjectConfig
from astrid_core.differencing.inject_plan import Injection
from astrid_core.differencing.pair import PairDifference
from astrid_core.differencing.products import read_difference, write_difference
from astrid_core.differencing.search_quality import SearchQuality
from astrid_core.preprocessing.config import PreprocessConfig
from astrid_core.shared.sky import SkyPosition

VERSION = 3
"""Raise when the same inputs should give a different result."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialConfig:
    """All settings that decide what a trial measures."""

    inject: InjectConfig
    preprocess: PreprocessConfig
    difference: DifferenceConfig
    detect: DetectConfig
    min_score: float
    """Detections count from this network score on: as in the catalog."""
    max_false_per_deg2: float = 0.0
    """If positive, from the score on that the model keeps for this density: who loads the model sets ``min_score``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """What became of one injection."""

    injection: Injection
    position: SkyPosition | None
    """Where it was put; None without sky coordinates."""
    peak: Peak | None
    """None where it was missed."""
    network_score: float | None
    """None without a model, and for a candidate that could not be scored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One exposure searched with injections and without."""

    recoveries: tuple[Recovery, ...]
    quality: SearchQuality
    searched: Searched


def run_trial(
    pair: TrialPair,
    config: TrialConfig,
    scorer: Scorer | None,
    *,
    seed: int,
    progress: Callable[[str], None] = lambda _: None,
) -> Trial:
    """Search a pair, inject into it by plan, search it again by the same chain, and compare.

    Equal arguments give equal results. Raises what ``search_with_injections`` raises.
    """
    searched = search_with_injections(pair, config.inject, config.difference, seed=seed, progress=progress)
    before, after, plan = searched.before, searched.after, searched.plan
    progress("comparing")
    found = match(plan, after.peaks, config.inject.match_fwhm * max(after.science_fwhm_pix, after.reference_fwhm_pix))
    peaks = [None if number is None else after.peaks[number] for number in found]
    scores = _scores(after, [peak for peak in peaks if peak is not None], config, scorer)
    n_usable_pix = int((before.difference.mask == 0).sum())
    rates = {CANDIDATES: false_rate(len(before.peaks), n_usable_pix)}
    if scorer is not None:
        believed = _scores(before, before.peaks, config, scorer)
        rates[DETECTIONS] = false_rate(sum(_counts(score, config) for score in believed), n_usable_pix)
    recoveries = _recoveries(plan, peaks, scores, before)
    return Trial(
        searched=searched,
        recoveries=recoveries,
        quality=SearchQuality(
            completeness=_completeness(recoveries, pair.zero_point_mag, config, with_model=scorer is not None),
            false_rates=rates,
            fluxes=_fluxes(recoveries, config.inject.min_flux_snr),
            notes=_notes(pair, searched, config.inject, scorer),
        ),
    )


def _scores(
    searched: PairDifference, peaks: Sequence[Peak], config: TrialConfig, scorer: Scorer | None
) -> list[float | None]:
    scores: list[float | None] = [None] * len(peaks)
    if scorer is None or not peaks:
        return scores
    # Written and read, so that the network sees what it sees of every other difference.
    product = read_difference(write_difference(searched))
    stamps = cut_stamps(product, peaks, size_pix=scorer.stamp_pix, config=config.detect)
    for number, score in zip(stamps.index, scorer.judge(stamps).score, strict=True):
        scores[int(number)] = float(score)
    return scores


def _recoveries(
    plan: Sequence[Injection], peaks: Sequence[Peak | None], scores: Sequence[float | None], before: PairDifference
) -> tuple[Recovery, ...]:
    places: list[SkyPosition | None] = [None] * len(plan)
    if before.science.wcs is not None:
        sky = before.science.wcs.pixel_to_world([one.x_pix for one in plan], [one.y_pix for one in plan]).icrs
        places = [
            SkyPosition(ra_deg=float(ra) % 360.0, dec_deg=float(dec))
            for ra, dec in zip(sky.ra.deg, sky.dec.deg, strict=True)
        ]
    left = iter(scores)
    return tuple(
        Recovery(injection=one, position=at, peak=peak, network_score=None if peak is None else next(left))
        for one, at, peak in zip(plan, places, peaks, strict=True)
    )


def _counts(score: float | None, config: TrialConfig) -> bool:
    return score is not None and score >= config.min_score


def _completeness(
    recoveries: Sequence[Recovery], zero_point_mag: float | None, config: TrialConfig, *, with_model: bool
) -> tuple[Completeness, ...]:
    levels = {CANDIDATES: np.array([one.peak is not None for one in recoveries], dtype=bool)}
    if with_model:
        levels[DETECTIONS] = np.array([_counts(one.network_score, config) for one in recoveries], dtype=bool)
    on_host = np.array([one.injection.on_host for one in recoveries], dtype=bool)
    places: dict[str, NDArray[np.bool_]] = {EVERYWHERE: np.ones_like(on_host)}
    if on_host.any():
        places[GALAXIES] = on_host
    edges = np.geomspace(*config.inject.snr, config.inject.n_bins + 1)
    return tuple(
        measure_completeness(
            [one.injection for one, is_here in zip(recoveries, chosen, strict=True) if is_here],
            recovered[chosen],
            level=level,
            place=place,
            snr_edges=edges,
            zero_point_mag=zero_point_mag,
        )
        for level, recovered in levels.items()
        for place, chosen in places.items()
    )


def _fluxes(recoveries: Sequence[Recovery], min_snr: float) -> FluxCheck:
    bright = [
        (one.injection.flux, one.peak.flux, one.peak.flux_err)
        for one in recoveries
        if one.peak is not None and abs(one.injection.predicted_snr) >= min_snr
    ]
    injected, measured, errors = np.array(bright, dtype=float).reshape(-1, 3).T
    # What faded is compared by its absolute value: too faint is too faint.
    sign = np.sign(injected)
    return check_fluxes(sign * injected, sign * measured, errors)


def _notes(pair: TrialPair, searched: Searched, config: InjectConfig, scorer: Scorer | None) -> tuple[str, ...]:
    gains, plan = searched.gains, searched.plan
    said = {
        f"only {len(plan)} of {config.n_sources} sources found room": len(plan) < config.n_sources,
        "no gain is known: injected sources carry no photon noise of their own": gains.science is None,
        "no saturation level is known: injected sources never saturate": pair.well.saturation is None,
        "no faded sources: one of the frames has no sky coordinates": not gains.takes_faded
        and config.faded_fraction > 0.0,
        "the reference tells no gain: faded sources carry no photon noise of their own": gains.reference is None
        and any(one.flux < 0.0 for one in plan),
        "no extended source was found: none was injected into a galaxy": config.host_fraction > 0.0
        and not any(one.on_host for one in plan),
        "no trained model: completeness of candidates only": scorer is None,
    }
    return tuple(text for text, applies in said.items() if applies)
