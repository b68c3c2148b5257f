"""Which objects of the catalog the detections of a night belong to, and what that changes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from uuid import UUID

from astrid_core.alerts.announce import Change
from astrid_core.catalog.associate import associate, by_entry, entry_id, ordered
from astrid_core.catalog.config import PublishConfig
from astrid_core.catalog.entities import CatalogEntry, EntryStatus, LightCurvePoint, Motion
from astrid_core.catalog.linking import link
from astrid_core.catalog.measure import catalog_entry
from astrid_core.catalog.sphere import cone_around, neighbours
from astrid_core.catalog.tracklets import Tracklet
from astrid_core.curation.entities import Verdict
from astrid_core.shared.sky import SkyPosition
from astrid_core.stages.announce import announce_changes
from astrid_core.stages.held_sky import HeldSky
from astrid_core.stages.moving import Moving
from astrid_core.stages.services import Records


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """The objects around the detections of a night: as they are on record, and as they should be."""

    entries: Mapping[UUID, CatalogEntry]
    """On record."""
    before: Mapping[UUID, Sequence[LightCurvePoint]]
    """Their points on record."""
    points: Mapping[UUID, Sequence[LightCurvePoint]]
    """By object, as it should be."""
    motions: Mapping[UUID, Motion]
    """Of those objects that move."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What was written."""

    n_founded: int = 0
    n_changed: int = 0
    """Known objects that gained or lost a detection, or changed their status."""
    n_withdrawn: int = 0
    """Objects whose detections belong to others now."""


def gather(
    records: Records,
    tonight: Sequence[LightCurvePoint],
    found: Sequence[Tracklet],
    config: PublishConfig,
    held: HeldSky,
    *,
    gone: Sequence[LightCurvePoint] = (),
) -> Gathered:
    """Associate all that one survey measured in one night, published or not, with what the catalog holds.

    ``found`` is what moves in this night. Whatever could be another object because of it is taken apart and put
    together anew, so that the catalog does not depend on the order of nights. ``gone`` is what leaves the catalog.
    Raise BeyondHeld before anything is read that somebody else may be changing.
    """
    places = [point.position for tracklet in found for point in tracklet.points]
    touched = [*tonight, *gone]
    held.need(rest=[point.position for point in touched], moving=places)
    moving = Moving(records, touched, found, config, held)
    moving.search()
    at_rest = _at_rest_around(records, touched, held)
    entries = {**moving.dissolved, **{entry.id: entry for entry in at_rest}}
    on_record = records.catalog.points(list(entries))
    by_name = {point.detection_id: point for point in (*on_record, *tonight)}
    for point in gone:
        by_name.pop(point.detection_id, None)
    chains = link(list(moving.tracklets.values()), config)
    joined: dict[str, UUID] = {}
    motions: dict[UUID, Motion] = {}
    for chain in chains:
        members = ordered(by_name[name] for tracklet in chain for name in tracklet.names)
        identity = entry_id(members[0].root)
        joined |= {member.detection_id: identity for member in members}
        motions[identity] = chain[0].motion
    left = [point for name, point in by_name.items() if name not in joined]
    joined |= associate(left, radius_arcsec=config.match_radius_arcsec, max_chi2=config.max_chi2)
    points = [replace(point, entry_id=joined[point.detection_id]) for point in ordered(by_name.values())]
    return Gathered(entries=entries, before=by_entry(on_record), points=by_entry(points), motions=motions)


def write(records: Records, found: Gathered) -> Changes:
    """Record what differs, objects before their detections, and whom it is to be told.

    An object without detections is withdrawn: it keeps its identity and names a successor.
    """
    changes, withdrawn = changes_of(records, found)
    records.catalog.put(*(change.after for change in (*changes, *withdrawn)))
    was = {point.detection_id: identity for identity, points in found.before.items() for point in points}
    moved = [
        point for points in found.points.values() for point in points if was.get(point.detection_id) != point.entry_id
    ]
    records.catalog.put_points(moved)
    # The event log comes last: whoever writes there holds up everybody else.
    announce_changes(records, [*changes, *withdrawn])
    _tell(records, found)
    n_founded = sum(change.before is None for change in changes)
    return Changes(n_founded=n_founded, n_changed=len(changes) - n_founded, n_withdrawn=len(withdrawn))


def changes_of(records: Records, found: Gathered) -> tuple[list[Change], list[Change]]:
    """Return the objects that are new or other than on record, and those that are no more."""
    everything = [point for points in found.points.values() for point in points]
    judged = verdicts_on(records, everything)
    changes: list[Change] = []
    for identity, points in sorted(found.points.items()):
        before, after = found.entries.get(identity), catalog_entry(points, judged, motion=found.motions.get(identity))
        old = found.before.get(identity, ())
        # Another run may have measured the same.
        if before != after or {one.detection_id for one in old} != {one.detection_id for one in points}:
            changes.append(Change(before=before, after=after, points_before=old, points=points))
    return changes, _withdrawn(found)


def verdicts_on(records: Records, points: Sequence[LightCurvePoint]) -> Mapping[str, Verdict]:
    """Return what people have decided, by detection; of a source that was measured again, also of its first one."""
    judged = final_verdicts(records, [*{name for one in points for name in (one.detection_id, one.root)}])
    return {
        one.detection_id: verdict
        for one in points
        if (verdict := judged.get(one.detection_id) or judged.get(one.root)) is not None
    }


def refresh_entries(records: Records, entry_ids: Sequence[UUID]) -> int:
    """Bring objects up to date with the verdicts on their detections; return how many changed."""
    points = by_entry(records.catalog.points(entry_ids))
    entries = {identity: records.catalog.get(identity) for identity in points}
    motions = {identity: entry.motion for identity, entry in entries.items() if entry.motion is not None}
    return write(records, Gathered(entries=entries, before=points, points=points, motions=motions)).n_changed


def final_verdicts(records: Records, detection_ids: Sequence[str]) -> Mapping[str, Verdict]:
    """Return what people have decided of these detections; nothing of those that they are not done with."""
    items = records.review_queue.of(detection_ids)
    return {name: item.verdict for name, item in items.items() if item.verdict is not None}


def _withdrawn(found: Gathered) -> list[Change]:
    """Return the end of each object whose detections are all of others now, or of none; the successor holds its first
    one.
    """
    now = _holders(found)
    gone = []
    for identity, points in sorted(found.before.items()):
        if identity not in found.points:
            founders = (one.root for one in points if entry_id(one.root) == identity)
            successor = next((now[name] for name in founders if name in now), None)
            before = found.entries[identity]
            after = replace(before, status=EntryStatus.WITHDRAWN, successor=successor)
            gone.append(Change(before=before, after=after, points_before=points, points=points))
    return gone


def _holders(found: Gathered) -> dict[str, UUID]:
    """Return the object that each measurement belongs to now, whichever run it is of."""
    return {point.root: identity for identity, points in found.points.items() for point in points}


def _tell(records: Records, found: Gathered) -> None:
    """Tell the log which objects were parted, or have become part of others."""
    now = _holders(found)
    for identity, points in sorted(found.before.items()):
        into = sorted({str(now[point.root]) for point in points if point.root in now})
        if not into:
            records.events.append("entry.emptied", subject=str(identity), facts={})
        elif len(into) > 1:
            records.events.append("entry.split", subject=str(identity), facts={"into": into})
        elif into != [str(identity)]:
            records.events.append("entry.merged", subject=str(identity), facts={"into": into[0]})


def _at_rest_around(records: Records, tonight: Sequence[LightCurvePoint], held: HeldSky) -> list[CatalogEntry]:
    """Return the objects at rest that could change with the detections of the night, exposure by exposure: a night may
    be spread over the whole sky, an exposure is not.
    """
    known: dict[UUID, CatalogEntry] = {}
    for _, exposure in groupby(ordered(tonight), key=lambda point: point.observation_id):
        places = [point.position for point in exposure]
        while places:
            found = {entry.id: entry for entry in _within_reach(records, places, held) if entry.id not in known}
            known |= found
            places = [entry.position for entry in found.values()]
    return list(known.values())


def _within_reach(records: Records, places: Sequence[SkyPosition], held: HeldSky) -> list[CatalogEntry]:
    held.need(rest=places)
    around = records.catalog.search(region=cone_around(places, margin_arcsec=held.rest_arcsec))
    at_rest = [entry for entry in around if entry.motion is None]
    pairs = neighbours(places, [entry.position for entry in at_rest], radius_arcsec=held.rest_arcsec)
    return [at_rest[index] for index in sorted({index for _, _, index in pairs})]
