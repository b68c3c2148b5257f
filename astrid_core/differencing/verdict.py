"""Whether the score of a difference may be believed, said before anybody looks at its candidates."""

from astrid_core.differencing.config import DifferenceConfig
from astrid_core.differencing.entities import ScoreLevel, ScoreQuality
from astrid_core.differencing.subtract import Difference

_TOLERANCE = 0.15
_FLOOD = 200
"""So few candidates are no flood, however small the frame."""


def judge(difference: Difference, *, n_candidates: int, config: DifferenceConfig) -> ScoreQuality:
    """Return the level of a score and, unless it is good, why: every reason with its number."""
    noise, usable_mpix = difference.score_noise, float((difference.mask == 0).sum()) / 1e6
    if not config.min_score_noise < noise < config.max_score_noise:
        limits = f"{config.min_score_noise:g} and {config.max_score_noise:g}"
        reason = f"the score was {noise:.3g} times as noisy as its variance says, which must lie between {limits}"
        return ScoreQuality(level=ScoreLevel.UNRELIABLE, reason=reason)
    if n_candidates > max(_FLOOD, config.max_candidates_per_mpix * usable_mpix):
        reason = (
            f"{n_candidates} candidates on {usable_mpix:.3g} Mpix, more than {config.max_candidates_per_mpix:g} per "
            "Mpix: the images do not show the same sky"
        )
        return ScoreQuality(level=ScoreLevel.UNRELIABLE, reason=reason)
    reasons = []
    if abs(noise - 1.0) > _TOLERANCE:
        reasons.append(f"the score was {noise:.2f} times as noisy as its variance says and was divided by that")
    if difference.source_noise > 1.0 + _TOLERANCE:
        reasons.append(f"it was {difference.source_noise:.2f} times as noisy on sources as on the sky")
    if reasons:
        return ScoreQuality(level=ScoreLevel.FLAGGED, reason="; ".join(reasons))
    return ScoreQuality(level=ScoreLevel.GOOD)


def flagged(quality: ScoreQuality, reason: str) -> ScoreQuality:
    """Return the verdict with one more reason, flagged at least; unchanged where ``reason`` is empty."""
    if not reason:
        return quality
    level = ScoreLevel.FLAGGED if quality.level is ScoreLevel.GOOD else quality.level
    return ScoreQuality(level=level, reason="; ".join(filter(None, (quality.reason, reason))))
