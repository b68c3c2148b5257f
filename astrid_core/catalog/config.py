"""What publishing, exporting, reporting and tracking may choose."""

import math
from dataclasses import dataclass, field

from astrid_core.detection.drift import DriftLimits
from astrid_core.shared.errors import BadConfiguration


@dataclass(frozen=True, slots=True, kw_only=True)
class MotionConfig:
    """Settings of the search for what moves."""

    max_rate_arcsec_h: float = 150.0
    """Faster objects leave trails, or are not recognised."""
    max_arc_h: float = 10.0
    """Between the first and the last detection of one night."""
    min_points: int = 3
    """So many exposures of a night must show an object before it is said to move."""
    max_gap_days: float = 3.5
    """Nights farther apart are not connected."""
    max_turn_arcsec_h_day: float = 3.0
    """So much may the rate of motion change in a day."""
    parallax_arcsec_h: float = 2.0
    """So much of a rate may be the turning of the Earth: 1.5 for an object at 1.5 au."""

    def __post_init__(self) -> None:
        for name in ("max_rate_arcsec_h", "max_arc_h", "max_gap_days", "max_turn_arcsec_h_day", "parallax_arcsec_h"):
            if not 0.0 < getattr(self, name) < math.inf:
                raise BadConfiguration(f"{name} must be positive", got=getattr(self, name))
        # In half a day nights would run into one another.
        if self.max_arc_h >= 12.0:
            raise BadConfiguration("max_arc_h must be less than 12", got=self.max_arc_h)
        if self.min_points < 3:
            raise BadConfiguration("min_points must be at least 3", got=self.min_points)


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishConfig:
    """Settings of the association of detections with objects."""

    match_radius_arcsec: float = 1.0
    """A detection farther from the first one of an object does not belong to it."""
    max_chi2: float = 30.0
    """A detection whose distance from the mean of an object, over the errors of both, squared, is larger does not
    belong to it; two degrees of freedom.
    """
    min_score: float = 0.5
    """Detections below this score, or without one, are not published."""
    max_false_per_deg2: float = 0.0
    """If positive, the score asked for is the one at which the model raised so many false alarms per square degree of
    empty sky, kept with its version, and not ``min_score``. Only densities that were measured may be asked for.
    """
    min_abs_significance: float = 5.0
    """Detections fainter than this in either direction are not published, sigma."""
    motion: MotionConfig = field(default_factory=MotionConfig)

    def __post_init__(self) -> None:
        if not 0.0 < self.match_radius_arcsec <= 60.0:
            raise BadConfiguration("match_radius_arcsec must lie in (0, 60]", got=self.match_radius_arcsec)
        if not 0.0 < self.max_chi2 < math.inf:
            raise BadConfiguration("max_chi2 must be positive", got=self.max_chi2)
        if not 0.0 <= self.min_score <= 1.0:
            raise BadConfiguration("min_score must lie in [0, 1]", got=self.min_score)
        if not 0.0 <= self.max_false_per_deg2 < math.inf:
            raise BadConfiguration("max_false_per_deg2 must not be negative", got=self.max_false_per_deg2)
        if self.min_abs_significance < 0.0:
            raise BadConfiguration("min_abs_significance must not be negative", got=self.min_abs_significance)


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerConfig:
    """Settings of what counts as a flood."""

    jump: float = 5.0
    """An exposure trips above so many times what is usual for its instrument and band."""
    min_candidates: int = 100
    """So many candidates are no flood, whatever is usual."""
    min_new: int = 30
    """So many new objects are no flood, whatever is usual."""
    min_score: float = 0.5
    """Detections at or above this count as new objects where the catalog knows none."""
    match_radius_arcsec: float = 1.0
    """An object of the catalog this near is the same one."""
    min_history: int = 10
    """With fewer earlier exposures of an instrument and band nothing is usual yet."""
    history: int = 100
    """The newest so many earlier exposures of each instrument and band are looked at."""
    min_tripped: int = 3
    """Fewer exposures of an instrument are set aside one by one."""
    max_tripped_fraction: float = 0.5
    """Where so many of the exposures of an instrument trip in a night, all of the instrument is set aside."""

    def __post_init__(self) -> None:
        if self.jump <= 1.0:
            raise BadConfiguration("jump must exceed 1", got=self.jump)
        if self.min_history < 1 or self.history < self.min_history:
            raise BadConfiguration(
                "min_history must lie between 1 and history", min_history=self.min_history, history=self.history
            )
        if not 0.0 < self.max_tripped_fraction <= 1.0:
            raise BadConfiguration("max_tripped_fraction must lie in (0, 1]", got=self.max_tripped_fraction)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportConfig:
    """Settings of the report of a night."""

    min_score: float = 0.5
    """Detections with this score or a better one are counted as above threshold."""
    truth_radius_arcsec: float = 1.5
    """A known object this near to a measured place is the same."""
    min_truth_snr: float = 8.0
    """Known transients predicted fainter than this need not be found."""
    max_cutouts: int = 24
    """Objects shown with pictures."""
    cutout_pix: int = 51
    """Side of the pictures, odd."""

    def __post_init__(self) -> None:
        if not 0.0 <= self.min_score <= 1.0:
            raise BadConfiguration("min_score must lie in [0, 1]", got=self.min_score)
        if self.truth_radius_arcsec <= 0.0:
            raise BadConfiguration("truth_radius_arcsec must be positive", got=self.truth_radius_arcsec)
        if self.max_cutouts < 0:
            raise BadConfiguration("max_cutouts must not be negative", got=self.max_cutouts)
        if self.cutout_pix < 11 or self.cutout_pix % 2 == 0:
            raise BadConfiguration("cutout_pix must be odd and at least 11", got=self.cutout_pix)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackConfig:
    """Settings of what is watched of a network from night to night."""

    n_nights: int = 20
    """A night is compared with the newest so many earlier nights that hold searched exposures of its instrument."""
    max_exposures: int = 200
    """Of these nights at most the newest so many exposures of an instrument are read."""
    min_candidates: int = 100
    """With fewer candidates, in the night or before it, no drift is measured of what candidates have."""
    min_exposures: int = 8
    """The same for what exposures have: seeing, noise, depth."""
    min_verdicts: int = 50
    """With fewer detections that people called real or bogus no calibration error is given."""
    min_score: float = 0.5
    """Detections with this score or a better one are claims: what people call bogus of them is false."""
    min_fall: float = 0.05
    """Completeness that fell by less raises no alarm, however sure the fall is."""
    quarantine_on_drift: bool = False
    """An alarm sets the version aside for good: later runs use the champion before it. Where there is none, the task
    that tracks fails instead.
    """
    limits: DriftLimits = field(default_factory=DriftLimits)

    def __post_init__(self) -> None:
        for name in ("n_nights", "max_exposures", "min_candidates", "min_exposures", "min_verdicts"):
            if getattr(self, name) < 1:
                raise BadConfiguration(f"{name} must be positive", got=getattr(self, name))
        for name in ("min_score", "min_fall"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise BadConfiguration(f"{name} must lie in [0, 1]", got=getattr(self, name))
