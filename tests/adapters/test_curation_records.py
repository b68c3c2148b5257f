"""Contract of ValidationEvents."""

from dataclasses import replace

from astrid_core.curation.access import Role
from astrid_core.curation.entities import Curator, Verdict
from tests.adapters.databases import AnyDatabase
from tests.adapters.invented import verdict

ADA = Curator(login="ada", roles=frozenset({Role.REVIEWER}))


def test_verdicts_come_back_oldest_first_with_those_they_supersede(database: AnyDatabase) -> None:
    first = verdict(9)
    second = replace(verdict(3, after_s=0.000001, supersedes=first), verdict=Verdict.BOGUS, comment="")
    other = verdict(5, "detect-1:2", after_s=-60.0)
    with database.transaction() as records:
        records.curators.add(ADA)
        for event in (first, second, other):
            assert records.validation_events.add(event)
    with database.transaction() as records:
        of_detections = records.validation_events.of_detections
        assert of_detections(["detect-1:1", "detect-1:2"]) == (other, first, second)
        assert of_detections(["detect-1:1"]) == (first, second)
        assert records.validation_events.all() == (other, first, second)
        assert of_detections(["detect-1:3"]) == ()
        assert of_detections([]) == ()


def test_a_recorded_verdict_never_changes(database: AnyDatabase) -> None:
    with database.transaction() as records:
        records.curators.add(ADA)
        records.validation_events.add(verdict(1))
        assert not records.validation_events.add(replace(verdict(1), verdict=Verdict.BOGUS))
        assert records.validation_events.of_detections(["detect-1:1"]) == (verdict(1),)


def test_verdicts_of_one_act_are_recorded_in_their_order_and_one_that_is_known_is_told(database: AnyDatabase) -> None:
    first = verdict(1)
    second = verdict(2, after_s=1.0, supersedes=first)
    with database.transaction() as records:
        records.curators.add(ADA)
        assert records.validation_events.add(first, second)
        assert records.validation_events.add()
        assert not records.validation_events.add(verdict(3, "detect-1:2"), first)
        assert records.validation_events.of([first.id, verdict(9).id]) == {first.id: first}
        assert records.validation_events.of([]) == {}


def test_verdicts_on_thousands_of_detections_are_found(database: AnyDatabase) -> None:
    with database.transaction() as records:
        records.curators.add(ADA)
        records.validation_events.add(verdict(1, "detect-1:70000"))
        found = records.validation_events.of_detections([f"detect-1:{number}" for number in range(70_001)])
    assert found == (verdict(1, "detect-1:70000"),)
