"""How much of what is known to have changed was found, and how much of what was found is known."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from astropy.wcs import WCS
from numpy.typing import NDArray

from astrid_core.catalog.entities import LightCurvePoint
from astrid_core.catalog.sphere import neighbours
from astrid_core.detection.entities import Detection
from astrid_core.observations.entities import Observation
from astrid_core.shared.sky import SkyPosition, separation_arcsec

TRANSIENT = "transient"
"""The kind of object that must be found."""
MOVING = "moving"
CHANGING_KINDS = frozenset({TRANSIENT, "variable", MOVING})
"""Kinds that a true detection may be of; a residual on a constant star or on an artefact is false."""
_SAME_TIME_D = 1e-5


@dataclass(frozen=True, slots=True, kw_only=True)
class TruthRow:
    """One known object, as it was in one exposure or, without ``exposure`` and ``mid_mjd``, in all of them."""

    object_id: str
    kind: str
    ra_deg: float
    dec_deg: float
    exposure: str | None = None
    """Archive id of the exposure, or the end of its path."""
    mid_mjd: float | None = None
    predicted_snr: float | None = None
    """Of the difference, as the simulator predicts it."""

    @property
    def position(self) -> SkyPosition:
        """Where it was."""
        return SkyPosition(ra_deg=self.ra_deg % 360.0, dec_deg=self.dec_deg)

    def applies_to(self, observation: Observation) -> bool:
        """Tell whether the row speaks of this exposure."""
        if self.exposure is not None:
            name = observation.archive_id.partition("[")[0]
            return self.exposure in {observation.archive_id, name} or name.endswith(f"/{self.exposure}")
        return self.mid_mjd is None or abs(self.mid_mjd - observation.mid_mjd) <= _SAME_TIME_D


@dataclass(frozen=True, slots=True, kw_only=True)
class Missed:
    """A known transient that should be in the catalog and is not."""

    object_id: str
    ra_deg: float
    dec_deg: float
    predicted_snr: float
    seen: str = ""
    """What the search made of its place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FalseEntry:
    """An object of the catalog that is near nothing known to have changed."""

    entry_id: str
    ra_deg: float
    dec_deg: float
    score: float
    significance: float
    near: str
    """What constant thing it lies on; empty for nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TruthTally:
    """Recovered, missed and false, with their denominators."""

    min_snr: float
    radius_arcsec: float
    n_expected: int
    """Transients predicted at or above ``min_snr`` on unmasked pixels of at least one exposure."""
    n_recovered: int
    missed: tuple[Missed, ...]
    n_hidden: int
    """Transients predicted that bright, but on masked pixels in every exposure."""
    n_entries: int
    """Objects of the catalog that were seen in the night."""
    false: tuple[FalseEntry, ...]
    usable_mpix: float
    """Sum over the exposures that were searched."""


def rows_for(
    truth: Iterable[TruthRow], observation: Observation, reference: Sequence[Observation] = ()
) -> tuple[TruthRow, ...]:
    """Return what is known about an exposure that is compared with a ``reference`` made of other exposures.

    What moved through those left a part of its light in the reference, and is gone from its place there.
    """
    return tuple(
        row
        for row in truth
        if row.applies_to(observation) or (row.kind == MOVING and any(row.applies_to(one) for one in reference))
    )


def in_frame(
    rows: Sequence[TruthRow], *, mask: NDArray[np.integer], wcs: WCS | None
) -> tuple[tuple[TruthRow, bool], ...]:
    """Return the rows whose place lies in the frame, each with whether ``mask`` (ny, nx) is 0 on its pixel."""
    near = _near_the_frame(rows, mask.shape, wcs) if wcs is not None else ()
    if wcs is None or not near:
        return ()
    x, y = wcs.all_world2pix([row.ra_deg for row in near], [row.dec_deg for row in near], 0, quiet=True)
    column, line = np.floor(np.asarray(x) + 0.5), np.floor(np.asarray(y) + 0.5)
    ny, nx = mask.shape
    inside = np.isfinite(column) & np.isfinite(line) & (column >= 0) & (column < nx) & (line >= 0) & (line < ny)
    return tuple((near[n], bool(mask[int(line[n]), int(column[n])] == 0)) for n in np.flatnonzero(inside))


def must_be_found(rows: Iterable[TruthRow], *, min_snr: float) -> tuple[TruthRow, ...]:
    """Return the rows of transients predicted at ``min_snr`` or brighter, in either direction."""
    return tuple(
        row
        for row in rows
        if row.kind == TRANSIENT and row.predicted_snr is not None and abs(row.predicted_snr) >= min_snr
    )


def tally(
    *,
    sights: Sequence[tuple[TruthRow, bool]],
    rows_of: Mapping[str, Sequence[TruthRow]],
    points: Sequence[LightCurvePoint],
    detections: Iterable[Detection] = (),
    n_usable_pix: int,
    min_snr: float,
    radius_arcsec: float,
) -> TruthTally:
    """Compare the light-curve points of a night with the truth.

    ``sights`` are the rows that must be found, each with whether its pixel is unmasked, over all exposures that were
    searched; ``rows_of`` holds, for every observation, the rows that apply to it (see ``rows_for``): what moves is
    compared at its time. ``detections`` tell what was seen of those that are missed.
    """
    in_order = sorted(sights, key=lambda sight: (abs(sight[0].predicted_snr or 0.0), sight[0].object_id))
    # The brightest sight of an object comes last and stands for it.
    expected = {row.object_id: row for row, is_unmasked in in_order if is_unmasked}
    names = list(expected)
    near = neighbours(
        [expected[name].position for name in names], [point.position for point in points], radius_arcsec=radius_arcsec
    )
    recovered = {names[one] for _, one, _ in near}
    brightest_first = sorted(expected.values(), key=lambda row: (-abs(row.predicted_snr or 0.0), row.object_id))
    lost = [row for row in brightest_first if row.object_id not in recovered]
    missed = tuple(
        Missed(
            object_id=row.object_id,
            ra_deg=row.ra_deg,
            dec_deg=row.dec_deg,
            predicted_snr=float(row.predicted_snr or 0.0),
            seen=seen,
        )
        for row, seen in zip(lost, _what_was_seen(lost, detections, radius_arcsec), strict=True)
    )
    return TruthTally(
        min_snr=min_snr,
        radius_arcsec=radius_arcsec,
        n_expected=len(expected),
        n_recovered=len(recovered),
        missed=missed,
        n_hidden=len({row.object_id for row, _ in sights} - set(expected)),
        n_entries=len({point.entry_id for point in points}),
        false=_false_entries(points, rows_of, radius_arcsec),
        usable_mpix=n_usable_pix / 1e6,
    )


def labels(
    points: Sequence[LightCurvePoint], rows_of: Mapping[str, Sequence[TruthRow]], *, radius_arcsec: float
) -> Mapping[str, TruthRow]:
    """Return what is known at the place of each detection: the nearest that changed, else the nearest of any kind."""
    found: dict[str, TruthRow] = {}
    by_observation: dict[str, list[LightCurvePoint]] = {}
    for point in points:
        by_observation.setdefault(point.observation_id, []).append(point)
    for observation_id, seen in by_observation.items():
        rows = rows_of.get(observation_id, ())
        pairs = neighbours(
            [point.position for point in seen], [row.position for row in rows], radius_arcsec=radius_arcsec
        )
        for _, one, other in sorted(pairs, key=lambda pair: rows[pair[2]].kind not in CHANGING_KINDS):
            found.setdefault(seen[one].detection_id, rows[other])
    return found


def _what_was_seen(rows: Sequence[TruthRow], detections: Iterable[Detection], radius_arcsec: float) -> Sequence[str]:
    """Say of each place what became of the strongest candidate there."""
    strongest_last = sorted(detections, key=lambda one: (abs(one.candidate.score), one.id))
    placed = [(one, place) for one in strongest_last if (place := one.candidate.position) is not None]
    pairs = neighbours([row.position for row in rows], [place for _, place in placed], radius_arcsec=radius_arcsec)
    best = {one: placed[other][0] for _, one, other in sorted(pairs, key=lambda pair: pair[2])}
    return [_verdict(best[number]) if number in best else "no candidate" for number in range(len(rows))]


def _verdict(detection: Detection) -> str:
    judged = f"not scored: {detection.unscored_reason}" if detection.score is None else f"score {detection.score:.3f}"
    return f"{detection.candidate.score:+.1f} sigma, {judged}"


def _near_the_frame(rows: Sequence[TruthRow], shape: tuple[int, ...], wcs: WCS) -> tuple[TruthRow, ...]:
    """Leave out what lies beyond twice the frame: distortion polynomials give nonsense far outside."""
    ny, nx = shape
    ra, dec = wcs.all_pix2world([(nx - 1) / 2, 0.0], [(ny - 1) / 2, 0.0], 0)
    centre, corner = (SkyPosition(ra_deg=float(ra[n]) % 360.0, dec_deg=float(dec[n])) for n in (0, 1))
    reach_arcsec = 2.0 * separation_arcsec(centre, corner)
    return tuple(row for row in rows if separation_arcsec(centre, row.position) <= reach_arcsec)


def _false_entries(
    points: Sequence[LightCurvePoint], rows_of: Mapping[str, Sequence[TruthRow]], radius_arcsec: float
) -> tuple[FalseEntry, ...]:
    known = labels(points, rows_of, radius_arcsec=radius_arcsec)
    true_entries = {
        point.entry_id
        for point in points
        if point.detection_id in known and known[point.detection_id].kind in CHANGING_KINDS
    }
    best: dict[str, LightCurvePoint] = {}
    for point in sorted(points, key=lambda point: (abs(point.significance), point.detection_id)):
        if point.entry_id not in true_entries:
            best[str(point.entry_id)] = point
    return tuple(
        FalseEntry(
            entry_id=entry_id,
            ra_deg=point.position.ra_deg,
            dec_deg=point.position.dec_deg,
            score=point.score,
            significance=point.significance,
            near=known[point.detection_id].kind if point.detection_id in known else "",
        )
        for entry_id, point in sorted(best.items())
    )
