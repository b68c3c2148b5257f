"""Put what a new search of exposures has measured in the place of what the catalog holds of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from uuid import UUID

import structlog

from astrid_core.alerts.announce import Change
from astrid_core.catalog.config import PublishConfig
from astrid_core.catalog.entities import CatalogEntry, LightCurvePoint
from astrid_core.catalog.measure import run_of
from astrid_core.catalog.sphere import neighbours
from astrid_core.catalog.tracklets import find_tracklets
from astrid_core.curation.entities import Verdict
from astrid_core.shared.runs import RunKey
from astrid_core.shared.sky import Region, SkyPosition
from astrid_core.stages.held_sky import HeldSky, hold_sky
from astrid_core.stages.objects import Gathered, changes_of, final_verdicts, gather, write
from astrid_core.stages.offered import Offered, min_scores_of
from astrid_core.stages.services import Records, Services

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Remeasured:
    """What the catalog would say, or says now, that it did not say before."""

    gained: tuple[CatalogEntry, ...] = ()
    lost: tuple[CatalogEntry, ...] = ()
    """As they were."""
    changed: tuple[tuple[CatalogEntry, CatalogEntry], ...] = ()
    """Before and after; with another identity where it is found in an earlier exposure now, or is part of another."""
    seen_before: tuple[tuple[UUID, str], ...] = ()
    """The most significant detection of each of these objects, as they were: identity of object and detection."""
    seen_after: tuple[tuple[UUID, str], ...] = ()
    """As they are then."""
    n_taken_out: int = 0
    """Brightnesses of earlier runs."""
    n_put_in: int = 0
    n_continued: int = 0
    """Of those, how many are of a source that the earlier run had measured in the same exposure."""
    n_judged_bogus: int = 0
    """Left out because people said so of what an earlier run found there."""

    def __add__(self, other: "Remeasured") -> "Remeasured":
        """Return both together."""
        return Remeasured(**{one.name: getattr(self, one.name) + getattr(other, one.name) for one in fields(self)})


def run_remeasure(
    services: Services,
    survey: str,
    config: PublishConfig,
    model_run_keys: Sequence[RunKey],
    *,
    region: Region | None = None,
    dry: bool = False,
) -> Remeasured:
    """Take what other runs measured in the exposures of these model runs out of the catalog, and put in what these did.

    One transaction, with the corrections of alerts in it; with a region only what lies there, by the place of the
    earlier measurement where there is one. A source that was measured before keeps its name, so that its object, the
    verdicts on it and what was said of it go on. With ``dry`` nothing is written. Safe to repeat.
    """
    min_scores = min_scores_of(services, config, model_run_keys)
    with services.transaction() as records:
        asked = _Asked.of(records, survey, model_run_keys, region)
        offered = Offered.read(records, survey, asked.nights, config, min_scores, model_run_keys)
        bogus = _judged_bogus(records, model_run_keys)
    kept = [one for one in offered.points if not _is_near(one, bogus.get(one.observation_id, ()), config)]

    def change(records: Records, held: HeldSky) -> Remeasured:
        swap = _swap(records, asked, kept, config)
        found = [one for night in swap.nights for one in find_tracklets(night, config)]
        gathered = gather(records, swap.tonight, found, config, held, gone=swap.gone)
        changes, withdrawn = changes_of(records, gathered)
        if not dry and (swap.gone or swap.fresh):
            _commit(records, asked, swap, gathered)
        return _compared(swap, changes, withdrawn, n_bogus=len(offered.points) - len(kept))

    done = hold_sky(services, survey, asked.nights, config, change)
    log.info(
        "catalog.remeasured", survey=survey, dry=dry, n_gained=len(done.gained), n_lost=len(done.lost),
        n_changed=len(done.changed), n_taken_out=done.n_taken_out, n_put_in=done.n_put_in,
    )  # fmt: skip
    return done


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """Which exposures were searched anew, by which runs, and where what they found counts."""

    survey: str
    nights: tuple[str, ...]
    night_of: Mapping[str, str]
    """By exposure."""
    keys: frozenset[RunKey]
    region: Region | None

    @classmethod
    def of(cls, records: Records, survey: str, keys: Sequence[RunKey], region: Region | None) -> "_Asked":
        """Look up the exposures of these model runs."""
        observations = [records.observations.get(records.model_runs.get(key).observation_id) for key in keys]
        night_of = {one.id: one.night for one in observations}
        nights = tuple(sorted(set(night_of.values())))
        return cls(survey=survey, nights=nights, night_of=night_of, keys=frozenset(keys), region=region)

    def holds(self, place: SkyPosition) -> bool:
        """Tell whether what is there counts."""
        return self.region is None or self.region.contains(place)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Swap:
    """What leaves the catalog, what comes into it, and all that was measured in these nights afterwards."""

    gone: tuple[LightCurvePoint, ...]
    fresh: tuple[LightCurvePoint, ...]
    nights: tuple[tuple[LightCurvePoint, ...], ...]
    """Night by night, as tracklets are found."""

    @property
    def tonight(self) -> list[LightCurvePoint]:
        """All nights together."""
        return [point for night in self.nights for point in night]


def _swap(records: Records, asked: _Asked, offered: Sequence[LightCurvePoint], config: PublishConfig) -> _Swap:
    """Look up what stands, and let what was measured again go on under its name."""
    standing = {night: list(records.catalog.points_of_night(asked.survey, night)) for night in asked.nights}
    everything = [point for night in standing.values() for point in night]
    old = [one for one in everything if one.observation_id in asked.night_of and run_of(one) not in asked.keys]
    known = {one.detection_id for one in everything}
    rooted = _continued([one for one in offered if one.detection_id not in known], old, config)
    place = {one.root: one.position for one in old}
    fresh = tuple(one for one in rooted if asked.holds(place.get(one.root, one.position)))
    gone = tuple(one for one in old if asked.holds(one.position))
    names = {one.detection_id for one in gone}
    after = {night: [one for one in points if one.detection_id not in names] for night, points in standing.items()}
    for one in fresh:
        after[asked.night_of[one.observation_id]].append(one)
    return _Swap(gone=gone, fresh=fresh, nights=tuple(tuple(points) for points in after.values()))


def _judged_bogus(records: Records, keys: Sequence[RunKey]) -> dict[str, list[SkyPosition]]:
    """Return, by exposure, the places of earlier detections that people are done with and called bogus."""
    found: dict[str, list[SkyPosition]] = {}
    for key in keys:
        observation_id = records.model_runs.get(key).observation_id
        earlier = [run for run in records.model_runs.of_observation(observation_id) if run.key != key]
        detections = {one.id: one.candidate.position for run in earlier for one in run.detections}
        # What stands in the catalog keeps its verdict under its name.
        left_out = sorted(detections.keys() - records.catalog.published(sorted(detections)).keys())
        verdicts = final_verdicts(records, left_out)
        places = [detections[name] for name, verdict in verdicts.items() if verdict is Verdict.BOGUS]
        found[observation_id] = [place for place in places if place is not None]
    return found


def _is_near(point: LightCurvePoint, places: Sequence[SkyPosition], config: PublishConfig) -> bool:
    return bool(places) and bool(neighbours([point.position], places, radius_arcsec=config.match_radius_arcsec))


def _continued(
    new: Sequence[LightCurvePoint], old: Sequence[LightCurvePoint], config: PublishConfig
) -> list[LightCurvePoint]:
    """Return the new points, those of a source that was measured in the same exposure before under its name: the
    nearest pair first, each once.
    """
    roots: dict[str, str] = {}
    for observation_id in sorted({point.observation_id for point in new}):
        ours = [point for point in new if point.observation_id == observation_id]
        theirs = [point for point in old if point.observation_id == observation_id]
        places = [point.position for point in ours], [point.position for point in theirs]
        taken: set[str] = set()
        for _, one, other in sorted(neighbours(*places, radius_arcsec=config.match_radius_arcsec)):
            name, root = ours[one].detection_id, theirs[other].root
            if name not in roots and root not in taken:
                roots[name] = root
                taken.add(root)
    return [replace(point, root_id=roots.get(point.detection_id)) for point in new]


def _compared(swap: _Swap, changes: Sequence[Change], withdrawn: Sequence[Change], *, n_bogus: int) -> Remeasured:
    after = {one.after.id: one.after for one in changes}
    renamed = {one.after.successor: one.before for one in withdrawn if one.after.successor in after}
    gone = [one for one in withdrawn if one.before is not None]
    known = [one for one in changes if one.before is not None]
    return Remeasured(
        gained=tuple(one.after for one in changes if one.before is None and one.after.id not in renamed),
        lost=tuple(one.before for one in withdrawn if one.before is not None and one.after.successor not in after),
        changed=(
            *((one.before, one.after) for one in changes if one.before is not None),
            *((before, after[name]) for name, before in renamed.items() if name is not None and before is not None),
        ),
        seen_before=tuple((one.after.id, _strongest(one.points_before)) for one in (*gone, *known)),
        seen_after=tuple((one.after.id, _strongest(one.points)) for one in changes),
        n_taken_out=len(swap.gone),
        n_put_in=len(swap.fresh),
        n_continued=sum(one.root_id is not None for one in swap.fresh),
        n_judged_bogus=n_bogus,
    )


def _strongest(points: Sequence[LightCurvePoint]) -> str:
    return max(points, key=lambda one: (abs(one.significance), one.detection_id)).detection_id


def _commit(records: Records, asked: _Asked, swap: _Swap, gathered: Gathered) -> None:
    records.catalog.take_out([one.detection_id for one in swap.gone])
    done = write(records, gathered)
    facts = {
        "region": "" if asked.region is None else str(asked.region),
        "n_founded": done.n_founded,
        "n_changed": done.n_changed,
        "n_withdrawn": done.n_withdrawn,
        "taken_out": sorted(one.detection_id for one in swap.gone),
        "put_in": sorted(one.detection_id for one in swap.fresh),
    }
    records.events.append("catalog.remeasured", subject=asked.survey, facts=facts)
