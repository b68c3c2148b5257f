"""Compare what a network did in a night with the nights before."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from astrid_core.catalog.config import TrackConfig
from astrid_core.catalog.model_track import SCORE_EDGES, ModelTrack, ScoreBin, Share
from astrid_core.curation.entities import Verdict
from astrid_core.detection.drift import Drift, DriftLevel, FloatArray, measure_drift, shares
from astrid_core.detection.evaluate import calibration_error
from astrid_core.differencing.completeness import CompletenessBin

SCORE, INJECTED_SCORE = "score", "score of injected sources"
_ANSWERS = (SCORE, INJECTED_SCORE)
"""What the network says; all else is what it was shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """What one exposure tells of the network that scored it; arrays hold one value per candidate that was scored."""

    band: str
    model: str
    """``name/version``."""
    score: FloatArray
    anomaly: FloatArray
    """NaN from a network that tells none."""
    abs_significance: FloatArray
    """abs(S_corr) of every candidate, scored or not."""
    unscored: Mapping[str, int]
    """Candidates without a score, by reason."""
    seeing_arcsec: float | None
    sky_rms: float | None
    """Counts."""
    limiting_mag: float | None
    verdicts: tuple[tuple[float, Verdict], ...] = ()
    """Score and verdict of each detection that people have judged."""
    injected: tuple[CompletenessBin, ...] = ()
    """What the network found again of injected sources, by predicted S/N; empty where nothing was injected."""
    injected_score: FloatArray = field(default_factory=lambda: np.empty(0))
    """Of injected sources that became candidates."""


def track_model(
    tonight: Sequence[Scored],
    before: Sequence[Scored],
    *,
    survey: str,
    night: str,
    instrument: str,
    n_nights_before: int,
    config: TrackConfig,
) -> ModelTrack:
    """Compare the exposures of a night, of one network version and instrument, with earlier ones of the instrument.

    What the network was shown is compared with earlier exposures in the bands of the night, whoever scored them; what
    it said only with what the same version said. Raises ValueError without an exposure or for several versions.
    """
    (model,) = {one.model for one in tonight}
    bands = {one.band for one in tonight}
    alike = [one for one in before if one.band in bands]
    own = [one for one in alike if one.model == model]
    drifts = _drifts(tonight, alike, own, config)
    completeness, completeness_before = _completeness(tonight, own)
    judged = [one for exposure in (*own, *tonight) for one in exposure.verdicts]
    scores = np.array([score for score, verdict in judged if verdict is not Verdict.UNSURE], dtype=float)
    is_real = np.array([verdict is Verdict.REAL for _, verdict in judged if verdict is not Verdict.UNSURE], dtype=bool)
    claimed = scores >= config.min_score
    reasons = sum((Counter(one.unscored) for one in tonight), Counter[str]())
    n_candidates = sum(len(one.abs_significance) for one in tonight)
    return ModelTrack(
        model=model,
        survey=survey,
        night=night,
        instrument=instrument,
        n_exposures=len(tonight),
        n_exposures_before=len(alike),
        n_nights_before=n_nights_before,
        n_candidates=n_candidates,
        unscored=Share.of(reasons.total(), n_candidates),
        unscored_reasons=dict(reasons.most_common()),
        score_shares=shares(_joined(tonight, "score"), SCORE_EDGES),
        score_shares_before=shares(_joined(own, "score"), SCORE_EDGES),
        drifts=drifts,
        limits=config.limits,
        completeness=completeness,
        completeness_before=completeness_before,
        false=Share.of(int((claimed & ~is_real).sum()), int(claimed.sum())),
        n_unsure=len(judged) - len(scores),
        calibration=_calibration(scores, is_real),
        ece=calibration_error(scores, is_real) if len(scores) >= config.min_verdicts else None,
        alarm=_alarm(drifts, completeness, completeness_before, config),
    )


def _drifts(
    tonight: Sequence[Scored], alike: Sequence[Scored], own: Sequence[Scored], config: TrackConfig
) -> tuple[Drift, ...]:
    return tuple(
        measure_drift(
            quantity,
            _joined(tonight, name),
            _joined(peers, name),
            limits=config.limits,
            min_values=least,
        )
        for quantity, name, peers, least in (
            (SCORE, "score", own, config.min_candidates),
            (INJECTED_SCORE, "injected_score", own, config.min_candidates),
            ("anomaly", "anomaly", own, config.min_candidates),
            ("abs(S_corr)", "abs_significance", alike, config.min_candidates),
            ("seeing (arcsec)", "seeing_arcsec", alike, config.min_exposures),
            ("sky noise (counts)", "sky_rms", alike, config.min_exposures),
            ("limiting magnitude", "limiting_mag", alike, config.min_exposures),
        )
    )


def _joined(exposures: Sequence[Scored], name: str) -> FloatArray:
    """Return the values of all exposures; a number that an exposure does not have is NaN."""
    values = [np.atleast_1d(np.asarray(getattr(one, name), dtype=float)) for one in exposures]
    return np.concatenate(values) if values else np.empty(0)


def _completeness(tonight: Sequence[Scored], own: Sequence[Scored]) -> tuple[Share, Share]:
    injected = [one.injected for one in tonight if one.injected]
    edges = _edges(injected[0]) if injected else ()
    # Sources of other brightness say nothing about the same ones.
    earlier = [one.injected for one in own if one.injected and _edges(one.injected) == edges]
    return _found([one for one in injected if _edges(one) == edges]), _found(earlier)


def _found(curves: Sequence[Sequence[CompletenessBin]]) -> Share:
    bins = [one for curve in curves for one in curve]
    return Share.of(sum(one.n_recovered for one in bins), sum(one.n_injected for one in bins))


def _edges(bins: Sequence[CompletenessBin]) -> tuple[tuple[float, float], ...]:
    return tuple((one.low, one.high) for one in bins)


def _calibration(scores: FloatArray, is_real: np.ndarray) -> tuple[ScoreBin, ...]:
    where = np.searchsorted(SCORE_EDGES[1:-1], scores, side="right")
    return tuple(
        ScoreBin(
            low=low,
            high=high,
            promised=float(scores[where == number].mean()) if (where == number).any() else None,
            real=Share.of(int(is_real[where == number].sum()), int((where == number).sum())),
        )
        for number, (low, high) in enumerate(pairwise(SCORE_EDGES))
    )


def _alarm(drifts: Sequence[Drift], now: Share, before: Share, config: TrackConfig) -> str:
    """Return what has drifted while completeness fell: neither of them is an alarm alone."""
    moved = [one for one in drifts if one.level is DriftLevel.ACT and one.quantity not in _ANSWERS]
    if not moved or now.fraction is None or now.high is None or before.fraction is None or before.low is None:
        return ""
    if now.high >= before.low or before.fraction - now.fraction < config.min_fall:
        return ""
    worst = max(moved, key=lambda one: one.psi or 0.0)
    return (
        f"{worst.quantity} has moved from {worst.median_before:.3g} to {worst.median:.3g} (PSI {worst.psi:.2f}), and "
        f"completeness fell from {100 * before.fraction:.0f} % to {100 * now.fraction:.0f} % "
        f"({now.n} of {now.n_of} injected sources)"
    )
