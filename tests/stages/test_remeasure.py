"""Exposures are searched anew, and what the catalog holds of them is exchanged: compared first, then at once."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from astrid_core.alerts.config import AlertsConfig
from astrid_core.alerts.entities import AlertKind, Channel
from astrid_core.catalog.config import PublishConfig
from astrid_core.catalog.entities import CatalogEntry, EntryStatus
from astrid_core.curation.access import Role
from astrid_core.curation.config import CurateConfig
from astrid_core.curation.entities import Verdict
from astrid_core.shared.errors import DatabaseUnavailable
from astrid_core.shared.events import verify_chain
from astrid_core.shared.runs import RunKey
from astrid_core.shared.sky import Region, separation_arcsec
from astrid_core.stages.access import grant_role
from astrid_core.stages.alert_gate import run_gate_alerts
from astrid_core.stages.announce import open_channels
from astrid_core.stages.curate import run_curate
from astrid_core.stages.deliver import run_deliver
from astrid_core.stages.publish import run_publish
from astrid_core.stages.remeasure import Remeasured, run_remeasure
from astrid_core.stages.review import record_verdict
from astrid_core.stages.services import Services
from tests.catalog.night import NIGHT, difference_run, model_run, observation, preprocess_run, sky_at
from tests.fakes.alerts import MemoryAlertChannels, MemoryAlertSender
from tests.fakes.artifacts import MemoryArtifacts
from tests.fakes.models import MemoryModels
from tests.fakes.records import MemoryDatabase
from tests.stages.voting import REFERENCE

CONFIG = PublishConfig()
NOW = datetime(2026, 1, 1, 20, tzinfo=UTC)
Place = tuple[float, float, float]
STAR, FALSE, MISSED, OTHER = (50.0, 50.0, 20.0), (20.0, 30.0, 9.0), (80.0, 30.0, 12.0), (30.0, 80.0, 15.0)
STAR_ANEW = (50.3, 50.0, 25.0)
BAD = (STAR, FALSE, OTHER)
"""What a bad recipe found: a star, nothing at all, and another star; one it missed."""
GOOD = (STAR_ANEW, MISSED, OTHER)


class Sky:
    """Three exposures of a night, searched by a bad recipe and published, then by a good one."""

    def __init__(self) -> None:
        database = MemoryDatabase()
        self.services = Services(
            artifacts=MemoryArtifacts(), models=MemoryModels(), surveys={}, transaction=database.transaction
        )
        with self.services.transaction() as records:
            records.references.add(REFERENCE)
            for number in (1, 2, 3):
                records.observations.add(observation(number))
                records.preprocess_runs.add(preprocess_run(observation(number)))
        self.bad = [self.search(number, BAD, "bad") for number in (1, 2, 3)]

    def search(self, number: int, places: Sequence[Place], recipe: str) -> RunKey:
        """Record what a recipe finds in an exposure."""
        made = difference_run(observation(number), places)
        key = RunKey(f"{made.key}-{recipe}")
        difference = replace(made, key=key, candidates=tuple(replace(one, run=key) for one in made.candidates))
        scored = model_run(difference, [0.9] * len(places))
        with self.services.transaction() as records:
            records.difference_runs.add(difference)
            records.model_runs.add(scored)
        return scored.key

    def search_well(self) -> list[RunKey]:
        return [self.search(number, GOOD, "good") for number in (1, 2, 3)]

    def publish(self, keys: Sequence[RunKey]) -> None:
        run_publish(self.services, "demo", NIGHT, CONFIG, keys)

    def entries(self) -> list[CatalogEntry]:
        with self.services.transaction() as records:
            return [*records.catalog.search()]

    def at(self, place: Place) -> CatalogEntry:
        (found,) = [one for one in self.entries() if _is_at(one, place)]
        return found

    def detections(self, entry: CatalogEntry) -> list[str]:
        with self.services.transaction() as records:
            return [point.detection_id for point in records.catalog.points([entry.id])]

    def judge(self, detection_id: str, verdict: Verdict) -> None:
        """Let the one vote that counts be this."""
        for key in self.bad:
            run_curate(self.services, key, CurateConfig(n_votes=1))
        grant_role(self.services, login="ana", role=Role.REVIEWER)
        record_verdict(
            self.services, event_id=uuid4(), detection_id=detection_id, login="ana", verdict=verdict,
            role=Role.REVIEWER, at=NOW,
        )  # fmt: skip


def _is_at(entry: CatalogEntry, place: Place) -> bool:
    return separation_arcsec(entry.position, sky_at(place[0], place[1])) < 1.0


@pytest.fixture
def sky() -> Sky:
    made = Sky()
    made.publish(made.bad)
    return made


def test_a_comparison_shows_exactly_what_differs_and_changes_nothing(sky: Sky) -> None:
    before, star, false = sky.entries(), sky.at(STAR), sky.at(FALSE)
    told = run_remeasure(sky.services, "demo", CONFIG, sky.search_well(), dry=True)
    assert [one.id for one in told.lost] == [false.id]
    assert [one.id for one, _ in told.changed] == sorted([star.id, sky.at(OTHER).id])
    assert dict(told.changed)[star].peak_significance == 25.0
    (gained,) = told.gained
    assert (_is_at(gained, MISSED), gained.n_detections) == (True, 3)
    assert (told.n_taken_out, told.n_put_in, told.n_continued) == (9, 9, 6)
    assert sky.entries() == before


def test_a_commit_leaves_what_the_new_search_alone_would_and_objects_keep_their_names(
    sky: Sky,
) -> None:
    star, false, other = sky.at(STAR), sky.at(FALSE), sky.at(OTHER)
    keys = sky.search_well()
    shown = run_remeasure(sky.services, "demo", CONFIG, keys, dry=True)
    assert run_remeasure(sky.services, "demo", CONFIG, keys) == shown
    assert (sky.at(STAR_ANEW).id, sky.at(OTHER).id) == (star.id, other.id)
    fresh = Sky()
    fresh.publish(fresh.search_well())
    described = [[replace(one, id=UUID(int=0)) for one in made.entries()] for made in (sky, fresh)]
    assert described[0] == described[1]
    with sky.services.transaction() as records:
        gone = records.catalog.get(false.id)
        events = [*records.events.all()]
        (told,) = [event for event in events if event.name == "catalog.remeasured"]
        assert verify_chain(events) == len(events)
    assert (gone.status, gone.successor) == (EntryStatus.WITHDRAWN, None)
    assert (len(told.facts["taken_out"]), len(told.facts["put_in"])) == (9, 9)  # type: ignore[arg-type]


def test_a_second_commit_finds_nothing_to_do(sky: Sky) -> None:
    keys = sky.search_well()
    run_remeasure(sky.services, "demo", CONFIG, keys)
    entries = sky.entries()
    with sky.services.transaction() as records:
        n_events = len([*records.events.all()])
    assert run_remeasure(sky.services, "demo", CONFIG, keys) == Remeasured()
    assert sky.entries() == entries
    with sky.services.transaction() as records:
        assert len([*records.events.all()]) == n_events


def test_a_commit_that_fails_half_way_changes_nothing(sky: Sky, monkeypatch: pytest.MonkeyPatch) -> None:
    entries, keys = sky.entries(), sky.search_well()

    def fails(*_: object) -> int:
        raise DatabaseUnavailable("gone")

    monkeypatch.setattr("astrid_core.stages.objects.announce_changes", fails)
    with pytest.raises(DatabaseUnavailable):
        run_remeasure(sky.services, "demo", CONFIG, keys)
    assert sky.entries() == entries
    monkeypatch.undo()
    assert run_remeasure(sky.services, "demo", CONFIG, keys).n_put_in == 9


def test_only_what_lies_in_the_region_is_exchanged_and_the_rest_follows(sky: Sky) -> None:
    keys = sky.search_well()
    here = Region.cone(sky_at(*STAR[:2]), radius_deg=5.0 / 3600.0)
    first = run_remeasure(sky.services, "demo", CONFIG, keys, region=here)
    assert (len(first.changed), first.gained, first.lost) == (1, (), ())
    assert sky.at(FALSE).n_detections == 3
    rest = run_remeasure(sky.services, "demo", CONFIG, keys)
    assert (rest.n_taken_out, rest.n_put_in) == (6, 6)
    fresh = Sky()
    fresh.publish(fresh.search_well())
    assert [one.position for one in sky.entries()] == [one.position for one in fresh.entries()]


def test_an_object_that_is_found_earlier_now_names_the_one_that_it_is() -> None:
    sky = Sky()
    late = [sky.search(number, [OTHER], "late") for number in (2, 3)]
    sky.publish(late)
    before = sky.at(OTHER)
    early = [sky.search(number, [OTHER], "early") for number in (1, 2, 3)]
    shown = run_remeasure(sky.services, "demo", CONFIG, early, dry=True)
    assert (shown.gained, shown.lost) == ((), ())
    assert run_remeasure(sky.services, "demo", CONFIG, early) == shown
    after = sky.at(OTHER)
    assert shown.changed == ((before, after),)
    assert (before.n_detections, after.n_detections) == (2, 3)
    with sky.services.transaction() as records:
        assert records.catalog.get(before.id).successor == after.id
        assert [event.facts["into"] for event in records.events.all() if event.name == "entry.merged"] == [
            str(after.id)
        ]


def test_what_people_said_of_a_source_holds_when_it_is_measured_again(sky: Sky) -> None:
    star = sky.at(STAR)
    sky.judge(sky.detections(star)[0], Verdict.REAL)
    sky.judge(sky.detections(sky.at(OTHER))[0], Verdict.BOGUS)
    run_remeasure(sky.services, "demo", CONFIG, sky.search_well())
    assert sky.at(STAR_ANEW).status is EntryStatus.CONFIRMED
    assert sky.at(OTHER).status is EntryStatus.REJECTED


def test_what_people_called_bogus_before_it_was_published_stays_out() -> None:
    sky = Sky()
    bogus = f"{sky.bad[0]}:1"
    sky.judge(bogus, Verdict.BOGUS)
    sky.publish(sky.bad)
    assert sky.at(STAR).n_detections == 2
    done = run_remeasure(sky.services, "demo", CONFIG, sky.search_well())
    assert (done.n_judged_bogus, sky.at(STAR_ANEW).n_detections) == (1, 2)


def test_who_was_told_is_told_once_what_was_wrong() -> None:
    sky = Sky()
    config = AlertsConfig(channels=(Channel(name="all", format="gcn"),))
    sender = MemoryAlertSender()
    services = sky.services = replace(sky.services, alert_channels=MemoryAlertChannels({"all": sender}))
    open_channels(services, config)

    def deliver(batch: str) -> dict[AlertKind, int]:
        n_before = len(sender.got)
        run_gate_alerts(services, config, batch=batch)
        run_deliver(services, config, clock=lambda: datetime.now(UTC))
        return Counter(one.alert.kind for one in sender.got[n_before:])

    sky.publish(sky.bad)
    assert deliver("night") == {AlertKind.NEW: 3}
    keys = sky.search_well()
    run_remeasure(services, "demo", CONFIG, keys, dry=True)
    assert deliver("compared") == {}
    run_remeasure(services, "demo", CONFIG, keys)
    # The other star was measured the same: nobody has to hear of it.
    assert deliver("exchanged") == {AlertKind.NEW: 1, AlertKind.CORRECTION: 1, AlertKind.RETRACTION: 1}
    run_remeasure(services, "demo", CONFIG, keys)
    assert deliver("once more") == {}
