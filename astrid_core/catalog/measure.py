"""From a detection to a point of a light curve, and from light curves to objects."""

import math
from collections.abc import Iterable, Mapping, Sequence

from astrid_core.catalog.associate import entry_id, ordered
from astrid_core.catalog.entities import CatalogEntry, EntryStatus, LightCurvePoint, Motion
from astrid_core.catalog.sphere import mean_position
from astrid_core.curation.entities import Verdict
from astrid_core.detection.entities import Detection
from astrid_core.differencing.entities import Candidate, Registration
from astrid_core.observations.entities import Observation
from astrid_core.preprocessing.entities import PreprocessRun, WCSInfo
from astrid_core.shared.sky import SkyPosition, separation_arcsec


def light_curve_point(
    detection: Detection,
    observation: Observation,
    prepared: PreprocessRun,
    registration: Registration | None,
    *,
    reference_digest: str,
) -> LightCurvePoint | None:
    """Return what a detection measured in a prepared exposure; None without a sky position or a score.

    It belongs to an object of its own until it is associated.
    """
    candidate = detection.candidate
    if candidate.position is None or detection.score is None:
        return None
    zero_point_mag = prepared.zero_point_at(candidate.x_pix, candidate.y_pix, header=observation.zero_point_mag)
    mag_ab, mag_err = ab_magnitude(candidate.flux, candidate.flux_err, zero_point_mag=zero_point_mag)
    return LightCurvePoint(
        entry_id=entry_id(detection.id),
        detection_id=detection.id,
        observation_id=observation.id,
        reference_digest=reference_digest,
        position=candidate.position,
        position_err_arcsec=position_error(candidate, prepared.wcs, registration),
        band=observation.band,
        mid_mjd=observation.mid_mjd,
        zero_point_mag=zero_point_mag,
        flux=candidate.flux,
        flux_err=candidate.flux_err,
        mag_ab=mag_ab,
        mag_err=mag_err,
        significance=candidate.score,
        score=detection.score,
    )


def position_error(candidate: Candidate, wcs: WCSInfo | None, registration: Registration | None) -> float | None:
    """Return the standard deviation per axis of a position, arcsec: of centroid and tie; None where it is not known.

    The tie is taken to be as wrong at one place as its stars scatter about it, which is what a distortion that it does
    not know would do. Without matched stars the centroid stands alone.
    """
    centroid_pix = math.hypot(candidate.x_err_pix, candidate.y_err_pix) / math.sqrt(2.0)
    if wcs is None or not math.isfinite(centroid_pix):
        return None
    tie_pix = 0.0 if registration is None or not math.isfinite(registration.rms_pix) else registration.rms_pix
    return math.hypot(centroid_pix, tie_pix) * wcs.pixel_scale_arcsec


def not_measured_before(
    points: Iterable[LightCurvePoint], published: Iterable[LightCurvePoint], *, radius_arcsec: float
) -> tuple[LightCurvePoint, ...]:
    """Return the points that say something new: what another run has measured in the same exposure, at the same place,
    stands; of several runs the first by name.
    """
    kept: dict[str, list[LightCurvePoint]] = {}
    for point in published:
        kept.setdefault(point.observation_id, []).append(point)
    new = []
    for point in sorted(points, key=lambda point: point.detection_id):
        beside = kept.setdefault(point.observation_id, [])
        if not any(
            run_of(one) != run_of(point) and separation_arcsec(one.position, point.position) <= radius_arcsec
            for one in beside
        ):
            beside.append(point)
            new.append(point)
    return tuple(new)


def run_of(point: LightCurvePoint) -> str:
    """Return the model run that a point was measured by."""
    return point.detection_id.rpartition(":")[0]


def ab_magnitude(flux: float, flux_err: float, *, zero_point_mag: float | None) -> tuple[float | None, float | None]:
    """Return magnitude and error of abs(``flux``) in counts; (None, None) without a zero point or without flux."""
    if zero_point_mag is None or not math.isfinite(flux) or flux == 0.0:
        return None, None
    return zero_point_mag - 2.5 * math.log10(abs(flux)), 2.5 / math.log(10.0) * flux_err / abs(flux)


def catalog_entry(
    points: Sequence[LightCurvePoint], judged: Mapping[str, Verdict] | None = None, *, motion: Motion | None = None
) -> CatalogEntry:
    """Return the object that ``points``, all of it, and the final verdicts on them describe, whatever their order."""
    in_time = ordered(points)
    strongest = max(in_time, key=lambda point: (abs(point.significance), point.detection_id))
    position, position_err_arcsec = _place(in_time if motion is None else in_time[:1])
    return CatalogEntry(
        id=in_time[0].entry_id,
        position=position,
        position_err_arcsec=position_err_arcsec,
        motion=motion,
        first_mjd=in_time[0].mid_mjd,
        last_mjd=in_time[-1].mid_mjd,
        n_detections=len(in_time),
        best_score=max(point.score for point in in_time),
        peak_significance=strongest.significance,
        status=entry_status([(judged or {}).get(point.detection_id) for point in in_time]),
    )


def _place(points: Sequence[LightCurvePoint]) -> tuple[SkyPosition, float | None]:
    """Return the mean position and its error; with unknown errors strong detections count more, as they would."""
    positions = [point.position for point in points]
    errors = [point.position_err_arcsec for point in points if point.position_err_arcsec]
    if len(errors) < len(points):
        return mean_position(positions, [point.significance**2 for point in points]), None
    weights = [error**-2 for error in errors]
    return mean_position(positions, weights), math.fsum(weights) ** -0.5


def entry_status(judged: Sequence[Verdict | None]) -> EntryStatus:
    """Return confirmed if any detection was judged real, rejected if all that were judged are bogus."""
    verdicts = {verdict for verdict in judged if verdict is not None}
    if Verdict.REAL in verdicts:
        return EntryStatus.CONFIRMED
    return EntryStatus.REJECTED if verdicts == {Verdict.BOGUS} else EntryStatus.CANDIDATE
