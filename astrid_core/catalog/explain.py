"""Why the catalog does, or does not, hold something at a place and a time: what each step said of each exposure."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from astrid_core.catalog.config import PublishConfig
from astrid_core.catalog.entities import CatalogEntry, EntryStatus
from astrid_core.catalog.exposure_facts import ExposureRuns
from astrid_core.curation.entities import ValidationEvent, Verdict
from astrid_core.detection.entities import Detection, Kind
from astrid_core.differencing.entities import QualityLevel
from astrid_core.differencing.products import DifferenceProduct
from astrid_core.shared.images import MaskPlane
from astrid_core.shared.robust import sigma_of
from astrid_core.shared.runs import RunStatus
from astrid_core.shared.sky import SkyPosition, separation_arcsec

_NEIGHBOUR = MaskPlane.SATURATED | MaskPlane.BRIGHT
_SKY_FWHM = 6.0
"""How far around a place, in FWHM, the sky is looked at that its pixels are compared with."""


class Why(StrEnum):
    """What became of a place in an exposure, the earliest step first."""

    OFF_FOOTPRINT = "off_footprint"
    WRONG_BAND = "wrong_band"
    NOT_PROCESSED = "not_processed"
    SET_ASIDE = "set_aside"
    """By the breaker or by a person."""
    NOT_PREPARED = "not_prepared"
    NOT_COMPARED = "not_compared"
    RED_EXPOSURE = "red_exposure"
    SATURATED_NEIGHBOUR = "saturated_neighbour"
    MASKED = "masked"
    TOO_FAINT = "too_faint"
    IN_REFERENCE = "in_reference"
    NOT_A_CANDIDATE = "not_a_candidate"
    """Bright enough, and yet the search took nothing there: what stood out belongs to something beside it."""
    NOT_SCORED = "not_scored"
    REJECTED_BY_MODEL = "rejected_by_model"
    REJECTED_BY_PERSON = "rejected_by_person"
    NOT_PUBLISHED = "not_published"
    """Nothing speaks against it; the night was not published since, or asked for more."""
    MOVING = "moving"
    PUBLISHED = "published"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What one exposure has to say about a place."""

    observation_id: str
    band: str
    mid_mjd: float
    why: Why
    text: str
    facts: Mapping[str, object] = field(default_factory=dict)
    """The numbers behind it; JSON values only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """What is on record of the detection at a place."""

    detection: Detection
    off_arcsec: float
    verdict: Verdict | None
    """What people decided; None while they are not done, or were not asked."""
    trail: tuple[ValidationEvent, ...]
    entry: CatalogEntry | None


def explained(answers: Sequence[Answer]) -> Answer | None:
    """Return the answer of the exposure that came farthest; of several the first given. None without any."""
    order = list(Why)
    return max(answers, key=lambda answer: order.index(answer.why), default=None)


def before_pixels(runs: ExposureRuns, *, band: str) -> tuple[Why, str] | None:
    """Return what keeps an exposure from having been searched, as its records tell; None if it was."""
    if band and runs.observation.band != band:
        return Why.WRONG_BAND, f"it was taken in {runs.observation.band}, not in {band}"
    if runs.quarantine:
        return Why.SET_ASIDE, f"it is set aside: {runs.quarantine}"
    for run, why, what in (
        (runs.preprocess, Why.NOT_PREPARED, "it could not be prepared"),
        (runs.difference, Why.NOT_COMPARED, "it could not be compared with a reference"),
    ):
        if run is None:
            return Why.NOT_PROCESSED, "it was not processed so far"
        if run.status is RunStatus.SKIPPED:
            return why, f"{what}: {run.reason}"
    quality = runs.difference.quality if runs.difference else None
    if quality is not None and quality.level is QualityLevel.RED:
        return Why.RED_EXPOSURE, f"nothing is taken from it: {'; '.join(quality.reasons)}"
    return None


def detection_at(runs: ExposureRuns, position: SkyPosition, *, radius_arcsec: float) -> tuple[Detection, float] | None:
    """Return the nearest detection of an exposure within the radius, and how far it is off."""
    detections = runs.model_run.detections if runs.model_run else ()
    near = [
        (separation_arcsec(position, one.candidate.position), one.id, one)
        for one in detections
        if one.candidate.position is not None
    ]
    off, _, found = min(near, default=(math.inf, "", None))
    return None if found is None or off > radius_arcsec else (found, off)


def at_detection(beside: Beside, config: PublishConfig, *, min_score: float) -> tuple[Why, str, Mapping[str, object]]:
    """Return what became of a detection."""
    detection = beside.detection
    facts: dict[str, object] = {
        "detection": detection.id,
        "off_arcsec": round(beside.off_arcsec, 3),
        "significance": detection.candidate.score,
        "score": detection.score,
        "min_score": min_score,
        "kind": detection.kind.value if detection.kind else None,
        "verdicts": [f"{event.verdict.value} ({event.role.value}, {event.at.isoformat()})" for event in beside.trail],
    }
    if beside.entry is not None:
        facts["entry"] = str(beside.entry.id)
    why, text = next(_verdicts(beside, config, min_score))
    return why, text, facts


def _verdicts(beside: Beside, config: PublishConfig, min_score: float) -> Iterator[tuple[Why, str]]:
    """Say what holds of a detection, the decisive first."""
    detection, entry = beside.detection, beside.entry
    if entry is not None and entry.motion is not None:
        yield Why.MOVING, f"it is of the moving object {entry.id}, {entry.motion.rate_arcsec_h:.1f} arcsec per hour"
    if entry is not None and entry.status is EntryStatus.REJECTED:
        yield Why.REJECTED_BY_PERSON, f"people rejected the object {entry.id}"
    if entry is not None:
        yield Why.PUBLISHED, f"it is in the catalog: {entry.id}, {entry.status.value}"
    if detection.score is None:
        yield Why.NOT_SCORED, f"the network gave no score: {detection.unscored_reason}"
        return
    if beside.verdict is Verdict.BOGUS:
        yield Why.REJECTED_BY_PERSON, "people called it bogus"
    if detection.score < min_score:
        kind = f" and calls it {detection.kind.value}" if detection.kind else ""
        yield Why.REJECTED_BY_MODEL, f"the network gives {detection.score:.3f}{kind}; {min_score:.3f} is asked for"
    significance = abs(detection.candidate.score)
    if significance < config.min_abs_significance:
        yield Why.TOO_FAINT, f"it has {significance:.1f} sigma, the catalog asks for {config.min_abs_significance:.1f}"
    if detection.kind is Kind.MOVING:
        yield Why.MOVING, "it moved during the exposure, and the night was not published since"
    yield Why.NOT_PUBLISHED, "nothing speaks against it, but the night was not published since"


def at_pixels(
    product: DifferenceProduct, position: SkyPosition, *, threshold_sigma: float
) -> tuple[Why, str, Mapping[str, object]]:
    """Return why nothing was found at a place of an exposure that was searched, from the pixels within a FWHM of it."""
    if product.wcs is None:
        return Why.NOT_COMPARED, "it has no sky coordinates", {}
    x, y = (float(one) for one in product.wcs.wcs_world2pix(position.ra_deg, position.dec_deg, 0))
    ny, nx = product.score.shape
    facts: dict[str, object] = {"x_pix": round(x, 2), "y_pix": round(y, 2)}
    if not (-0.5 <= x < nx - 0.5 and -0.5 <= y < ny - 0.5):
        return Why.OFF_FOOTPRINT, "the place lies beside its pixels", facts
    away = _distance(product.score.shape, x, y)
    is_near = away <= max(product.science_fwhm_pix, 1.0)
    flags = MaskPlane(int(np.bitwise_or.reduce(product.mask[is_near])))
    scores = np.where(product.mask[is_near] == 0, np.abs(product.score[is_near]), np.nan)
    facts["mask"] = [plane.name for plane in flags]
    if flags & _NEIGHBOUR:
        return Why.SATURATED_NEIGHBOUR, "a saturated or very bright star hides it", facts
    if not np.isfinite(scores).any() or product.mask[round(y), round(x)]:
        return Why.MASKED, f"its pixels are masked: {', '.join(str(plane.name) for plane in flags)}", facts
    is_sky = (away > 2.0 * product.science_fwhm_pix) & (away <= _SKY_FWHM * product.science_fwhm_pix)
    now, then = float(np.nanmax(scores)), _peak(product.reference, is_near, is_sky & (product.mask == 0))
    facts |= {"significance": now, "threshold_sigma": threshold_sigma, "reference_sigma": then}
    why, text = Why.TOO_FAINT, f"it shows {now:.1f} sigma there, {threshold_sigma:.1f} are asked for"
    if now >= threshold_sigma:
        why, text = Why.NOT_A_CANDIDATE, f"{now:.1f} sigma there belong to something beside it"
    elif then >= threshold_sigma:
        why = Why.IN_REFERENCE
        text = f"the reference shows it, too ({then:.0f} sigma); the difference has {now:.1f} sigma"
    return why, text, facts


def _distance(shape: tuple[int, ...], x: float, y: float) -> NDArray[np.float64]:
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    return np.hypot(columns - x, rows - y)


def _peak(plane: NDArray[np.float32], is_near: NDArray[np.bool_], is_sky: NDArray[np.bool_]) -> float:
    """Return the highest pixel near a place over the scatter of the sky around it."""
    around = plane[is_sky & np.isfinite(plane)]
    if not around.size or not np.isfinite(plane[is_near]).any():
        return 0.0
    level = float(np.median(around))
    scatter = sigma_of(around - level)
    return (float(np.nanmax(plane[is_near])) - level) / scatter if scatter > 0.0 else 0.0
