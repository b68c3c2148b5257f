"""The log for auditors."""

import hashlib
import json
from dataclasses import replace

import pytest

from astrid_core.curation.audit import Head, audit, read_head
from astrid_core.curation.entities import Verdict
from astrid_core.shared.events import DomainEvent
from astrid_core.stages.audit import export_log, find_events, head_of_log, seal_verdicts, verify_log
from astrid_core.stages.services import Services
from tests.adapters.invented import verdict
from tests.fakes.artifacts import MemoryArtifacts
from tests.fakes.models import MemoryModels
from tests.fakes.records import MemoryDatabase


@pytest.fixture
def services() -> Services:
    return Services(
        artifacts=MemoryArtifacts(), models=MemoryModels(), surveys={}, transaction=MemoryDatabase().transaction
    )


def test_verdicts_from_before_the_log_held_their_digests_are_sealed_once(services: Services) -> None:
    with services.transaction() as records:
        records.validation_events.add(verdict(1))
        records.events.append("verdict.recorded", subject="detect-1:1", facts={"curator": "ada", "verdict": "real"})
        records.validation_events.add(verdict(2))
        facts = {"event": str(verdict(2).id), "digest": verdict(2).digest}
        records.events.append("verdict.recorded", subject="detect-1:1", facts=facts)
    assert [(one.row, one.why) for one in verify_log(services).faults] == [
        (str(verdict(1).id), "no event of the log tells of it")
    ]
    assert seal_verdicts(services) == 1
    assert seal_verdicts(services) == 0
    assert verify_log(services).faults == ()
    (seal,) = [event for event in find_events(services) if event.name == "verdict.sealed"]
    assert seal.facts["digest"] == verdict(1).digest


def test_a_later_event_does_not_seal_a_verdict_anew(services: Services) -> None:
    forged = replace(verdict(1), verdict=Verdict.BOGUS)
    with services.transaction() as records:
        records.validation_events.add(forged)
        for said in (verdict(1), forged):
            facts = {"event": str(said.id), "digest": said.digest}
            records.events.append("verdict.recorded", subject="detect-1:1", facts=facts)
    assert [one.why for one in verify_log(services).faults] == ["it is not what the log tells of it"]


def test_a_verdict_that_is_given_while_the_log_is_read_is_no_fault(services: Services) -> None:
    with services.transaction() as records:
        records.validation_events.add(verdict(1))
        records.events.append(
            "verdict.recorded", subject="x", facts={"event": str(verdict(1).id), "digest": verdict(1).digest}
        )
        events = list(records.audit.events())
    # At first the verdict was not there; the event came in between.
    readings = iter([[], [verdict(1)]])
    assert audit(verdicts=lambda: next(readings), events=events).faults == ()


def test_a_stranger_verifies_the_chain_of_an_export(services: Services) -> None:
    with services.transaction() as records:
        for number in range(3):
            records.events.append("a.done", subject="\u00e4", facts={"n": number, "ratio": 0.1})
    previous = "0" * 64
    for line in export_log(services):
        told = json.loads(line)
        sealed = [told[name] for name in ("sequence", "name", "subject", "actor", "at", "facts", "previous")]
        text = json.dumps(sealed, sort_keys=True, separators=(",", ":"))
        assert told["previous"] == previous
        assert hashlib.sha256(text.encode()).hexdigest() == told["digest"]
        previous = told["digest"]
    assert head_of_log(services) == Head(sequence=3, digest=previous)


def test_lost_rows_are_named_by_their_numbers(services: Services) -> None:
    with services.transaction() as records:
        for number in range(12):
            records.events.append("a.done", subject=str(number))
        whole = list(records.audit.events())
        head = records.audit.head()
    chain = [one for one in whole if isinstance(one, DomainEvent)]
    altered = replace(chain[5], subject="forged")
    report = audit(verdicts=lambda: (), events=[*chain[2:4], altered, *chain[8:10]], kept=head)
    assert [(one.row, one.why.split(":")[0]) for one in report.faults] == [
        ("1-2", "it is missing"),
        ("6", "its content is not what its digest seals"),
        ("5, 7-8", "it is missing"),
        ("11-12", "it is missing"),
    ]
    assert [one.row for one in audit(verdicts=lambda: (), events=[chain[0], chain[0]]).faults] == ["1"]


def test_a_head_is_read_as_it_was_written() -> None:
    head = Head(sequence=12, digest="0f" * 32)
    assert read_head(f" {head}\n") == head
    for wrong in ("", "12", "12:0f", f"-1:{head.digest}", f"x:{head.digest}", head.digest):
        with pytest.raises(ValueError, match="NUMBER:DIGEST"):
            read_head(wrong)
