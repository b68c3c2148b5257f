"""What a night says of the network, as short sentences and as coordinates of small pictures."""

from collections.abc import Mapping
from itertools import pairwise

from astrid_core.catalog.model_track import SCORE_EDGES, ModelTrack, Share
from astrid_core.detection.drift import Drift, DriftLevel, DriftLimits

_WORDS = {
    DriftLevel.STEADY: "as before",
    DriftLevel.WARN: "has moved",
    DriftLevel.ACT: "has moved far",
}
_GROUP, _BAR = 40.0, 15.0
"""Of the histogram: width of a bin and of each of its two bars."""


def verdict_of(track: ModelTrack) -> tuple[str, str]:
    """Return one line on the whole and its tone: ``good``, ``bad`` or empty."""
    if track.alarm:
        return "alarm", "bad"
    if track.moved:
        names = ", ".join(one.quantity.partition(" (")[0] for one in track.moved)
        return f"moved: {names}", ""
    if all(one.psi is None for one in track.drifts):
        return "too little to compare with", ""
    return "as before", "good"


def headline(track: ModelTrack) -> str:
    """Return what a picture is of: version and instrument."""
    return f"{track.model} on {track.instrument}" if track.instrument else track.model


def describe_drift(drift: Drift, limits: DriftLimits) -> str:
    """Return in words what an index says, or why there is none."""
    if drift.psi is None:
        return f"too few to compare: {drift.n} now, {drift.n_before} before"
    if drift.level is DriftLevel.STEADY and drift.psi >= limits.warn:
        return "may be chance: few values"
    return _WORDS[drift.level]


def describe_share(share: Share) -> str:
    """Return a part with its counts and interval."""
    if share.fraction is None or share.low is None or share.high is None:
        return "not measured"
    low, high = 100.0 * share.low, 100.0 * share.high
    return f"{100.0 * share.fraction:.1f} % ({share.n} of {share.n_of}; {low:.1f} to {high:.1f} %)"


def sentences(track: ModelTrack) -> Mapping[str, str]:
    """Return the figures beside the pictures, each with its number of cases, by what they are of."""
    reasons = "; ".join(f"{n} {reason}" for reason, n in track.unscored_reasons.items())
    before = "no earlier night to compare with"
    if track.completeness_before.n_of:
        before = f"before {describe_share(track.completeness_before)}"
    found = "no injections" if not track.completeness.n_of else f"{describe_share(track.completeness)}, {before}"
    false = "nobody has judged a detection" if not track.false.n_of else describe_share(track.false)
    unsure = f"; of {track.n_unsure} more people are unsure" if track.n_unsure else ""
    error = f"too few verdicts: {track.n_judged}"
    if track.ece is not None:
        error = f"{track.ece:.3f}, from {track.n_judged} verdicts"
    return {
        "Injected sources that it believes": found,
        "Called false by people": false + unsure,
        "Not scored": f"{track.unscored.n} of {track.unscored.n_of}" + (f": {reasons}" if reasons else ""),
        "Error of the score as a probability": error,
    }


def histogram(track: ModelTrack) -> tuple[Mapping[str, float | str], ...]:
    """Return the bars of the scores: for each bin its place, and the heights now and before, 0 to 1."""
    highest = max(*track.score_shares, *track.score_shares_before) or 1.0
    return tuple(
        {
            "x": _GROUP * number,
            "x_before": _GROUP * number + _BAR,
            "label": f"{low:.1f}",
            "now": now / highest,
            "before": before / highest,
            "text": f"score {low:.1f} to {high:.1f}: {100 * now:.1f} % tonight, {100 * before:.1f} % before",
        }
        for number, ((low, high), now, before) in enumerate(
            zip(pairwise(SCORE_EDGES), track.score_shares, track.score_shares_before, strict=True)
        )
    )


def reliability(track: ModelTrack) -> tuple[Mapping[str, float | str], ...]:
    """Return the points of the calibration in a square of side 100 whose y points down, with their intervals."""
    return tuple(
        {
            "x": round(100.0 * one.promised, 1),
            "y": round(100.0 - 100.0 * one.real.fraction, 1),
            "y_low": round(100.0 - 100.0 * one.real.low, 1),
            "y_high": round(100.0 - 100.0 * one.real.high, 1),
            "text": f"score {one.low:.1f} to {one.high:.1f}: {describe_share(one.real)} real",
        }
        for one in track.calibration
        if one.promised is not None
        and one.real.fraction is not None
        and one.real.low is not None
        and one.real.high is not None
    )
