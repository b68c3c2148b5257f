"""What the API answers with: records of the pipeline. Numbers that were not measured are null."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from astrid_core.catalog.explain import Why


class RunShape(BaseModel):
    """A recorded run of a stage."""

    key: str
    stage: str
    status: str
    reason: str
    observation_id: str
    elapsed_s: float | None


class CandidateShape(BaseModel):
    """Pixels that stand out of one difference."""

    id: str
    run: str
    number: int
    ra_deg: float | None
    dec_deg: float | None
    x_pix: float
    y_pix: float
    significance: float
    """Signed S_corr, sigma."""
    flux: float | None
    """Counts of the science exposure."""
    flux_err: float | None
    chi2: float | None
    fwhm_pix: float | None
    ellipticity: float | None
    flags: int


class Opinion(BaseModel):
    """What a network says of a detection; absent where it is not to be seen."""

    score: float | None
    """Probability of being new in the sky."""
    unscored_reason: str
    uncertainty: float | None
    """Entropy of the score, bit."""
    anomaly: float | None
    """About 1 for what the training knew, more for what is stranger."""
    kind: str | None
    model: str
    """``name/version``."""


class Provenance(BaseModel):
    """Where a detection comes from, each by its digest or key."""

    raw_digest: str | None
    science_digest: str | None
    reference_digests: list[str]
    difference_digest: str | None
    preprocess_key: str
    difference_key: str
    model_run: str

    model: str | None
    """``name/version``; null in blind review."""
    model_digest: str | None
    """Of one detection only, not in lists; null in blind review."""


class DetectionShape(BaseModel):
    """A candidate with what is known of it."""

    id: str
    number: int
    observation_id: str
    survey: str
    night: str
    band: str
    instrument: str
    mid_mjd: float
    exposure_s: float | None
    ra_deg: float | None
    dec_deg: float | None
    x_pix: float
    y_pix: float
    x_err_pix: float | None
    y_err_pix: float | None
    pixel_scale_arcsec: float | None
    significance: float
    """Signed S_corr, sigma."""
    flux: float | None
    """Counts of the science exposure."""
    flux_err: float | None
    chi2: float | None
    fwhm_pix: float | None
    ellipticity: float | None
    flags: int
    flag_names: list[str]
    quality_level: str | None
    opinion: Opinion | None
    """Null in blind review."""
    provenance: Provenance


class EntryShape(BaseModel):
    """An object of the catalog."""

    id: UUID
    ra_deg: float
    dec_deg: float
    first_mjd: float
    last_mjd: float
    n_detections: int
    best_score: float | None
    peak_significance: float | None
    status: str
    position_err_arcsec: float | None
    motion_rate_arcsec_h: float | None
    motion_angle_deg: float | None
    successor: UUID | None


class PointShape(BaseModel):
    """One measured brightness of an object."""

    detection_id: str
    observation_id: str
    reference_digest: str | None
    ra_deg: float | None
    dec_deg: float | None
    band: str
    mid_mjd: float
    flux: float | None
    flux_err: float | None
    mag_ab: float | None
    mag_err: float | None
    significance: float | None
    position_err_arcsec: float | None
    zero_point_mag: float | None


class AnswerShape(BaseModel):
    """What became of a place in one exposure."""

    observation_id: str
    band: str
    mid_mjd: float
    why: Why
    text: str
    facts: dict[str, Any]


class Explanation(BaseModel):
    """Why the catalog does, or does not, hold something at a place: the exposure that came farthest, and each."""

    best: AnswerShape | None
    """None where no exposure was taken."""
    answers: list[AnswerShape]


class LimitShape(BaseModel):
    """An exposure that shows nothing at a place, and how faint it would have shown something."""

    observation_id: str
    band: str
    mid_mjd: float
    limit_mag: float
    reference_digest: str | None


class LightCurveShape(BaseModel):
    """Brightness over time at a place, with the exposures that show nothing."""

    entry_id: UUID | None
    """Null before the detection is published: then its own brightness is the only point."""
    points: list[PointShape]
    limits: list[LimitShape]


class EntryWithPoints(EntryShape):
    """An object with its light curve."""

    points: list[PointShape]


class AlertShape(BaseModel):
    """What was said of an object to one channel, and whether it arrived."""

    entry_id: UUID
    version: int
    channel: str
    kind: str
    raised_at: datetime
    state: str
    batch: str
    n_attempts: int
    try_after: datetime | None
    settled_at: datetime | None
    error: str


class AnalyticsShape(BaseModel):
    """Measured facts about a night."""

    key: str
    survey: str
    night: str
    facts: dict[str, Any]


class ExportShape(BaseModel):
    """One frozen extract of the catalog; its files are artifacts."""

    key: str
    files: dict[str, Any]
    n_entries: int
    n_points: int
    is_released: bool
    """Public: a second person has said so."""


class EventShape(BaseModel):
    """One event of the log."""

    sequence: int
    name: str
    subject: str
    actor: str
    at: datetime
    facts: dict[str, Any]
    previous: str
    digest: str
