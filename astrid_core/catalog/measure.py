"""From a detection to a point of a light curve, and from light curves to objects."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from astrid_core.catalog.entities import CatalogEntry, EntryStatus, LightCurvePoint
from astrid_core.catalog.sphere import mean_position
from astrid_core.curation.entities import Verdict
from astrid_core.detection.entities import Detection
from astrid_core.observations.entities import Observation
from astrid_core.preprocessing.entities import PreprocessRun
from astrid_core.shared.sky import SkyPosition


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """What a detection says about whatever object it turns out to belong to."""

    id: str
    """Of the detection."""
    observation_id: str
    reference_digest: str
    position: SkyPosition
    band: str
    mid_mjd: float
    flux: float
    flux_err: float
    mag_ab: float | None
    mag_err: float | None
    significance: float
    score: float


def measurement(
    detection: Detection, observation: Observation, prepared: PreprocessRun, *, reference_digest: str
) -> Measurement | None:
    """Return what a detection measured in a prepared exposure; None without a sky position or a score."""
    candidate = detection.candidate
    if candidate.position is None or detection.score is None:
        return None
    zero_point_mag = prepared.zero_point_at(candidate.x_pix, candidate.y_pix, header=observation.zero_point_mag)
    mag_ab, mag_err = ab_magnitude(candidate.flux, candidate.flux_err, zero_point_mag=zero_point_mag)
    return Measurement(
        id=detection.id,
        observation_id=observation.id,
        reference_digest=reference_digest,
        position=candidate.position,
        band=observation.band,
        mid_mjd=observation.mid_mjd,
        flux=candidate.flux,
        flux_err=candidate.flux_err,
        mag_ab=mag_ab,
        mag_err=mag_err,
        significance=candidate.score,
        score=detection.score,
    )


def ab_magnitude(flux: float, flux_err: float, *, zero_point_mag: float | None) -> tuple[float | None, float | None]:
    """Return magnitude and error of abs(``flux``) in counts; (None, None) without a zero point or without flux."""
    if zero_point_mag is None or not math.isfinite(flux) or flux == 0.0:
        return None, None
    return zero_point_mag - 2.5 * math.log10(abs(flux)), 2.5 / math.log(10.0) * flux_err / abs(flux)


def light_curve_point(identity: UUID, measured: Measurement) -> LightCurvePoint:
    """Return the point that a measurement adds to the light curve of an object."""
    return LightCurvePoint(
        entry_id=identity,
        detection_id=measured.id,
        observation_id=measured.observation_id,
        reference_digest=measured.reference_digest,
        position=measured.position,
        band=measured.band,
        mid_mjd=measured.mid_mjd,
        flux=measured.flux,
        flux_err=measured.flux_err,
        mag_ab=measured.mag_ab,
        mag_err=measured.mag_err,
        significance=measured.significance,
        score=measured.score,
    )


def catalog_entry(
    identity: UUID, points: Sequence[LightCurvePoint], judged: Mapping[str, Verdict] | None = None
) -> CatalogEntry:
    """Return the object that ``points`` and the final verdicts on its detections describe, whatever their order."""
    ordered = sorted(points, key=lambda point: (point.mid_mjd, point.detection_id))
    strongest = max(ordered, key=lambda point: (abs(point.significance), point.detection_id))
    return CatalogEntry(
        id=identity,
        position=mean_position([point.position for point in ordered], [point.significance**2 for point in ordered]),
        first_mjd=ordered[0].mid_mjd,
        last_mjd=ordered[-1].mid_mjd,
        n_detections=len(ordered),
        best_score=max(point.score for point in ordered),
        peak_significance=strongest.significance,
        status=entry_status([(judged or {}).get(point.detection_id) for point in ordered]),
    )


def entry_status(judged: Sequence[Verdict | None]) -> EntryStatus:
    """Return confirmed if any detection was judged real, rejected if all that were judged are bogus."""
    verdicts = {verdict for verdict in judged if verdict is not None}
    if Verdict.REAL in verdicts:
        return EntryStatus.CONFIRMED
    return EntryStatus.REJECTED if verdicts == {Verdict.BOGUS} else EntryStatus.CANDIDATE
