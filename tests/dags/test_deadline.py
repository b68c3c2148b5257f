"""Somebody is told, once, of a night that is not in the catalog in time."""

import json
from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import ValidationError

from astrid_core.settings import Settings
from astrid_core.shared.errors import Unprocessable
from astrid_core.stages.night_sides import RECORDED
from astrid_core.stages.services import Services
from include.deadline import LATE, check_deadline, check_now, due_night
from include.notices import notice_of
from tests.dags.test_notices import SECRET, _Hook, hook
from tests.fakes.artifacts import MemoryArtifacts
from tests.fakes.models import MemoryModels
from tests.fakes.records import MemoryDatabase

__all__ = ["hook"]
AFTER = datetime(2026, 10, 19, 10, 20, tzinfo=UTC)


@pytest.fixture
def services() -> Services:
    """Two surveys that were reported before, and one that never was."""
    surveys: dict[str, Any] = dict.fromkeys(("east", "new", "west"))
    made = Services(
        artifacts=MemoryArtifacts(), models=MemoryModels(), surveys=surveys, transaction=MemoryDatabase().transaction
    )
    _report(made, "east:2026-10-15", "west:2026-10-15", "gone:2026-10-15")
    return made


def _report(services: Services, *subjects: str) -> None:
    with services.transaction() as records:
        for subject in subjects:
            records.events.append(RECORDED, subject=subject, facts={"run": "report-1"})


def _check(services: Services, now: datetime = AFTER) -> tuple[list[str], list[tuple[str, str]]]:
    told: list[tuple[str, str]] = []
    late = check_deadline(services, deadline="10:00", now=now, tell=lambda *message: told.append(message))
    return late, told


@pytest.mark.parametrize(
    ("deadline", "now", "night"),
    [
        # The night of the 17th ends on the 18th at noon.
        ("18:00", datetime(2026, 10, 18, 18, 0, tzinfo=UTC), date(2026, 10, 17)),
        ("18:00", datetime(2026, 10, 18, 17, 59, tzinfo=UTC), date(2026, 10, 16)),
        ("12:00", datetime(2026, 10, 18, 12, 0, tzinfo=UTC), date(2026, 10, 17)),
        ("10:00", datetime(2026, 10, 19, 10, 0, tzinfo=UTC), date(2026, 10, 17)),
        ("10:00", datetime(2026, 10, 19, 9, 59, tzinfo=UTC), date(2026, 10, 16)),
        ("00:00", datetime(2026, 10, 19, 0, 0, tzinfo=UTC), date(2026, 10, 17)),
    ],
)
def test_the_deadline_is_the_first_after_the_end_of_the_night(deadline: str, now: datetime, night: date) -> None:
    assert due_night(deadline, now) == night


def test_a_night_without_a_report_is_told_once_and_names_its_surveys(services: Services) -> None:
    _report(services, "west:2026-10-17")

    late, ((subject, body),) = _check(services)
    assert late == ["east"]
    assert "2026-10-17" in subject
    assert "of east." in body

    assert _check(services) == ([], [])
    with services.transaction() as records:
        assert [one.name for one in records.events.of("east:2026-10-17")] == [LATE]


def test_a_night_that_is_done_is_nobodys_business(services: Services) -> None:
    _report(services, "east:2026-10-17", "west:2026-10-17")

    assert _check(services) == ([], [])


def test_a_report_before_the_deadline_of_another_night_does_not_count(services: Services) -> None:
    _report(services, "east:2026-10-18", "west:2026-10-16")

    assert _check(services)[0] == ["east", "west"]


def test_the_people_who_answer_questions_are_told(hook: type[_Hook]) -> None:
    instance: Any = SimpleNamespace(dag_id="night_deadline", run_id="r1", task_id="check", map_index=-1)

    notice_of({"task": None, "task_instance": instance, "ti": instance, "dag": None})("late", "east <2026-10-17>")

    ((path, told),) = hook.got
    assert path == SECRET
    assert told["text"].startswith("late\n\neast &lt;2026-10-17&gt;\n\nhttp")
    assert SECRET not in json.dumps(told)


def test_without_a_deadline_nobody_is_late(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ASTRID_NIGHT_DEADLINE", raising=False)

    with pytest.raises(Unprocessable, match="no deadline"):
        check_now(services, {})


@pytest.mark.parametrize("wrong", ["10", "24:00", "10:60", "noon", " 10:00"])
def test_a_deadline_that_is_no_time_is_refused(wrong: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASTRID_NIGHT_DEADLINE", wrong)

    with pytest.raises(ValidationError):
        Settings()
