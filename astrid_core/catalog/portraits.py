"""Which detections of a night are worth a picture, and the picture with what is said of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from astrid_core.catalog.cutouts import Cutouts, cut, draw
from astrid_core.catalog.entities import LightCurvePoint
from astrid_core.catalog.exposure_facts import ExposureRuns
from astrid_core.catalog.measure import ab_magnitude
from astrid_core.catalog.page import Portrait
from astrid_core.catalog.truth import CHANGING_KINDS, TruthRow
from astrid_core.detection.entities import Detection
from astrid_core.differencing.entities import Candidate
from astrid_core.differencing.products import DifferenceProduct
from astrid_core.observations.entities import night_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Sitter:
    """A detection that gets its picture taken."""

    detection: Detection
    runs: ExposureRuns
    entry_id: UUID | None
    """None if it is not in the catalog."""
    is_new: bool | None
    """Whether its object was first seen in this night."""


def choose_sitters(
    exposures: Sequence[ExposureRuns], light_curves: Mapping[UUID, Sequence[LightCurvePoint]], *, limit: int
) -> tuple[Sitter, ...]:
    """Return the best detection of each object, best score first; the best candidates if no object was seen.

    Equal scores are ordered by significance.
    """
    entry_of = {point.detection_id: identity for identity, curve in light_curves.items() for point in curve}
    first = {identity: min(point.mid_mjd for point in curve) for identity, curve in light_curves.items()}
    everyone = sorted(
        ((detection, runs) for runs in exposures if runs.model_run for detection in runs.model_run.detections),
        key=lambda pair: (-(pair[0].score or 0.0), -abs(pair[0].candidate.score), pair[0].id),
    )
    best: dict[UUID, Sitter] = {}
    for detection, runs in everyone:
        identity = entry_of.get(detection.id)
        if identity is not None and identity not in best:
            is_new = night_of(first[identity]) >= runs.observation.night
            best[identity] = Sitter(detection=detection, runs=runs, entry_id=identity, is_new=is_new)
    if best:
        return tuple(best.values())[:limit]
    return tuple(
        Sitter(detection=detection, runs=runs, entry_id=None, is_new=None) for detection, runs in everyone[:limit]
    )


def take_picture(product: DifferenceProduct, candidate: Candidate, *, size: int) -> Cutouts:
    """Return the pictures of a candidate, ``size`` pixels a side."""
    planes = {
        "science": product.science,
        "reference": product.reference,
        "difference": product.difference,
        "score": product.score,
    }
    stamps = {
        name: cut(plane, x_pix=candidate.x_pix, y_pix=candidate.y_pix, size=size) for name, plane in planes.items()
    }
    return draw(stamps, significance=candidate.score)


def portrait(sitter: Sitter, cutouts: Cutouts, *, truth: TruthRow | None, truth_is_known: bool) -> Portrait:
    """Return the picture with its caption; ``truth`` is what is known at this place, if a truth table was given."""
    candidate, observation = sitter.detection.candidate, sitter.runs.observation
    header, prepared = observation.zero_point_mag, sitter.runs.preprocess
    zero_point_mag = prepared.zero_point_at(candidate.x_pix, candidate.y_pix, header=header) if prepared else header
    mag_ab, mag_err = ab_magnitude(candidate.flux, candidate.flux_err, zero_point_mag=zero_point_mag)
    return Portrait(
        name=f"Object {str(sitter.entry_id)[:8]}" if sitter.entry_id else f"Candidate {candidate.number}",
        ra_deg=candidate.position.ra_deg if candidate.position else None,
        dec_deg=candidate.position.dec_deg if candidate.position else None,
        score=sitter.detection.score,
        significance=candidate.score,
        mag_ab=mag_ab,
        mag_err=mag_err,
        band=observation.band,
        exposure=observation.archive_id,
        is_new=sitter.is_new,
        truth=(f"{truth.kind} {truth.object_id}" if truth else "") if truth_is_known else None,
        is_true=(truth is not None and truth.kind in CHANGING_KINDS) if truth_is_known else None,
        cutouts=cutouts,
    )
