"""What is said of an object after a change: a function of what the catalog said before and what it says now."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from astrid_core.alerts.entities import TOLD, UNSENT, Alert, AlertKind, AlertState, Announcement, Channel
from astrid_core.catalog.entities import CatalogEntry, EntryStatus, LightCurvePoint
from astrid_core.shared.sky import separation_arcsec

HISTORY = 50
"""Points of a light curve that an announcement repeats."""
_GONE = frozenset({"rejected", "withdrawn"})
_SAME_PLACE_ARCSEC = 0.1
"""An object that moved by less is said to be where it was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One object of the catalog, before and after."""

    before: CatalogEntry | None
    """None for a new object."""
    after: CatalogEntry
    points_before: Sequence[LightCurvePoint]
    points: Sequence[LightCurvePoint]
    """All points now, in any order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What follows from a change."""

    announcement: Announcement | None = None
    """None where nobody has to be told."""
    alerts: tuple[Alert, ...] = ()
    """The announcement, to each channel that is told."""
    dropped: tuple[Alert, ...] = ()
    """Alerts that nobody can have received and that would be wrong now."""


def announce(change: Change, channels: Sequence[Channel], known: Sequence[Alert], *, at: datetime) -> Said:
    """Return who is to be told what; ``known`` are all alerts on the object, in the order of their versions.

    A channel that was told of the object hears of its end even where it would not be told of it today, and even where
    the channel has been closed since.
    """
    why = reasons(change)
    if not why:
        return Said()
    version = max((one.version for one in known), default=0) + 1
    by_channel: dict[str, list[Alert]] = {one.name: [] for one in channels}
    for one in known:
        by_channel.setdefault(one.channel, []).append(one)
    rules = {one.name: one for one in channels}
    alerts: list[Alert] = []
    dropped: list[Alert] = []
    for name, earlier in sorted(by_channel.items()):
        heard = _heard(earlier)
        kind = _kind(change, why, rules.get(name), heard)
        if kind is AlertKind.RETRACTION:
            unsent = [one for one in heard if one.state in UNSENT]
            dropped += [replace(one, state=AlertState.DROPPED, settled_at=at) for one in unsent]
            if len(unsent) == len(heard):
                continue
        if kind is not None:
            alert = Alert(entry_id=change.after.id, version=version, channel=name, kind=kind, raised_at=at)
            alerts.append(_behind(alert, heard))
    if not alerts:
        return Said(dropped=tuple(dropped))
    ordered = sorted(change.points, key=lambda point: (point.mid_mjd, point.detection_id))
    announcement = Announcement(
        entry=change.after, version=version, points=tuple(ordered[-HISTORY:]), reasons=why, at=at
    )
    return Said(announcement=announcement, alerts=tuple(alerts), dropped=tuple(dropped))


def reasons(change: Change) -> tuple[str, ...]:
    """Return what is different, in one word each."""
    before, after = change.before, change.after
    if before is None:
        return ("object",)
    why = set()
    old = {point.observation_id: point for point in change.points_before}
    new = {point.observation_id: point for point in change.points}
    if new.keys() - old.keys():
        why.add("point")
    if old.keys() - new.keys():
        why.add("measurement")
    for observation_id in old.keys() & new.keys():
        why |= _differences(old[observation_id], new[observation_id])
    if before.status != after.status:
        why.add("status")
    # A new point always moves the mean a little; without one, somebody was told a wrong place.
    if "point" not in why and separation_arcsec(before.position, after.position) > _SAME_PLACE_ARCSEC:
        why.add("position")
    return tuple(sorted(why))


def _differences(old: LightCurvePoint, new: LightCurvePoint) -> set[str]:
    if old.reference_digest != new.reference_digest:
        return {"reference"}
    why = set()
    if (old.flux, old.flux_err, old.mag_ab, old.mag_err) != (new.flux, new.flux_err, new.mag_ab, new.mag_err):
        why.add("calibration")
    if old.score != new.score:
        why.add("model")
    return why


_CORRECTING = frozenset({"reference", "calibration", "model", "measurement", "position"})


def _kind(change: Change, why: Sequence[str], rules: Channel | None, heard: Sequence[Alert]) -> AlertKind | None:
    is_gone = change.after.status.value in _GONE
    kind = None
    if is_gone:
        kind = AlertKind.RETRACTION if heard else None
    elif rules is None:
        # Nobody opens a closed channel for news, only to take back or to put right.
        kind = AlertKind.CORRECTION if heard and _CORRECTING & set(why) else None
    elif not heard:
        kind = AlertKind.NEW if _wants(rules, change.after) else None
    elif _CORRECTING & set(why) or _is_less_sure(change):
        kind = AlertKind.CORRECTION
    elif "status" in why and change.after.status is EntryStatus.CONFIRMED:
        kind = AlertKind.CONFIRMED
    elif "point" in why and rules.updates:
        kind = AlertKind.UPDATE
    return kind


def _is_less_sure(change: Change) -> bool:
    before = change.before
    return (
        before is not None
        and before.status is EntryStatus.CONFIRMED
        and change.after.status is not EntryStatus.CONFIRMED
    )


def _wants(rules: Channel, entry: CatalogEntry) -> bool:
    is_sure_enough = entry.status is EntryStatus.CONFIRMED or rules.min_status == EntryStatus.CANDIDATE.value
    is_strong_enough = abs(entry.peak_significance) >= rules.min_abs_significance
    return is_sure_enough and is_strong_enough and entry.best_score >= rules.min_score


def _heard(earlier: Sequence[Alert]) -> list[Alert]:
    """Return what the channel was told, or is going to be, since the last retraction."""
    heard: list[Alert] = []
    for one in earlier:
        if one.state not in TOLD:
            continue
        heard = [] if one.kind is AlertKind.RETRACTION else [*heard, one]
    return heard


def _behind(alert: Alert, heard: Sequence[Alert]) -> Alert:
    """Let an alert wait for the same answer as what it follows."""
    held = [one for one in heard if one.state is AlertState.HELD]
    if not held or alert.kind is AlertKind.RETRACTION:
        return alert
    return replace(alert, state=AlertState.HELD, batch=held[-1].batch)
