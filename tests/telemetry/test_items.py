"""What goes through a stage reaches a collector: spans that hang together, and figures by outcome and reason."""

import io
import json
import logging
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr
from typing import Any

import pytest
import structlog
from pydantic import SecretStr

from astrid_core.preprocessing.entities import PreprocessRun
from astrid_core.settings import Settings
from astrid_core.shared.errors import ArchiveUnavailable, CorruptArtifact, TooFewSources
from astrid_core.shared.runs import RunKey
from astrid_core.stages.batch import run_each
from astrid_core.stages.services import Services
from astrid_core.telemetry.figures import ARTIFACT_BYTES, ITEM_SECONDS, ITEMS, TRANSACTION_SECONDS
from astrid_core.telemetry.logs import configure_logs
from astrid_core.telemetry.open import flush_telemetry, traceparent
from astrid_core.telemetry.services import watched
from tests.fakes.artifacts import MemoryArtifacts
from tests.fakes.models import MemoryModels
from tests.fakes.records import MemoryDatabase
from tests.telemetry.receiver import Receiver

PREPARED = RunKey("preprocess-" + "a" * 32)
TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.fixture
def services() -> Services:
    made = Services(
        artifacts=MemoryArtifacts(), models=MemoryModels(), surveys={}, transaction=MemoryDatabase().transaction
    )
    with made.transaction() as records:
        records.preprocess_runs.add(PreprocessRun.skipped(PREPARED, "demo:a.fits", "clouds"))
    return made


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    before = structlog.get_config()
    yield
    structlog.configure(**before)


def _stage(services: Services) -> Callable[[str], RunKey]:
    def stage(item: str) -> RunKey:
        if item == "cloudy":
            raise TooFewSources("too few stars", n_stars=1)
        if item == "rotten":
            raise CorruptArtifact("bytes do not match", digest="ab")
        if item == "offline":
            raise ArchiveUnavailable("no answer", after_s=30)
        services.artifacts.put(b"twelve bytes", media_type="text/plain")
        with services.transaction():
            structlog.get_logger().info("difference.recorded", run="difference-1")
        return RunKey("difference-1")

    return stage


def _run(services: Services, *items: str, settings: Settings | None = None) -> None:
    with watched(services, settings or Settings()) as seen:
        run_each(_stage(seen), items, watch=seen.watch("difference"))


def test_an_item_is_a_span_with_its_run_its_observation_and_what_it_did(
    services: Services, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRACEPARENT", f"00-{TRACE}-{PARENT}-01")

    _run(services, PREPARED)

    (item,) = receiver.named("stage.difference")
    assert item["attributes"] == {
        "astrid.stage": "difference",
        "astrid.item": PREPARED,
        "astrid.observation": "demo:a.fits",
        "astrid.run": "difference-1",
        "astrid.outcome": "succeeded",
    }
    # A pod goes on with the trace of the task that started it.
    assert (item["trace"], item["parent"], item["service"]) == (TRACE, PARENT, "astrid")
    (written,) = receiver.named("artifact.write")
    (transaction,) = receiver.named("database.transaction")
    assert {one["parent"] for one in (written, transaction)} == {item["id"]}
    assert written["attributes"] == {"astrid.bytes": 12}


def test_what_became_of_items_is_counted_by_outcome_and_reason(services: Services, receiver: Receiver) -> None:
    with pytest.raises(ArchiveUnavailable):
        _run(services, "demo:a.fits", "demo:b.fits", "cloudy", "rotten", "offline")

    counted = {
        (one["attributes"]["outcome"], one["attributes"]["reason"]): one["value"] for one in receiver.named(ITEMS.name)
    }
    assert counted == {
        ("succeeded", ""): 2,
        ("skipped", "TooFewSources"): 1,
        ("failed", "CorruptArtifact"): 1,
        ("postponed", "ArchiveUnavailable"): 1,
    }
    assert {one["attributes"]["stage"] for one in receiver.named(ITEM_SECONDS.name)} == {"difference"}
    assert [one["value"] for one in receiver.named(ARTIFACT_BYTES.name)] == [24]
    assert {one["attributes"]["outcome"] for one in receiver.named(TRANSACTION_SECONDS.name)} == {"committed"}
    # Only what was added: the next task is another process that begins at nothing.
    assert {one["temporality"] for one in receiver.points if one["kind"] == "sum"} == {1}
    failed = [one for one in receiver.named("stage.difference") if one["status"] == 2]
    assert [one["attributes"]["astrid.reason"] for one in failed] == [
        "bytes do not match (digest=ab)",
        "no answer (after_s=30)",
    ]


def test_a_second_process_is_told_the_trace_of_the_first(services: Services, receiver: Receiver) -> None:
    told: dict[str, str] = {}
    with watched(services, Settings()) as seen, seen.watch("difference").item("demo:a.fits"):
        told = traceparent()

    (item,) = receiver.named("stage.difference")
    assert told["TRACEPARENT"].startswith(f"00-{item['trace']}-{item['id']}-")


def test_log_lines_of_an_item_carry_what_leads_to_its_trace(services: Services, receiver: Receiver) -> None:
    settings = Settings(log_format="json")
    with redirect_stderr(io.StringIO()) as written:
        configure_logs(settings, level=logging.WARNING)
        _run(services, PREPARED, "cloudy", settings=settings)

    recorded, skipped = [json.loads(line) for line in written.getvalue().splitlines()]
    first, second = receiver.named("stage.difference")
    assert recorded["event"] == "difference.recorded"
    assert recorded["run"] == "difference-1"
    assert recorded["observation"] == "demo:a.fits"
    assert (recorded["trace_id"], recorded["span_id"]) == (first["trace"], first["id"])
    assert (skipped["event"], skipped["item"], skipped["level"]) == ("item.skipped", "cloudy", "info")
    assert (skipped["trace_id"], skipped["span_id"]) == (second["trace"], second["id"])
    assert structlog.contextvars.get_contextvars() == {}


def test_json_lines_name_the_observation_also_where_nothing_is_traced(services: Services) -> None:
    settings = Settings(log_format="json")
    with redirect_stderr(io.StringIO()) as written:
        configure_logs(settings, level=logging.WARNING)
        _run(services, PREPARED, settings=settings)

    (recorded,) = [json.loads(line) for line in written.getvalue().splitlines()]
    assert (recorded["stage"], recorded["observation"]) == ("difference", "demo:a.fits")
    assert "trace_id" not in recorded


def test_where_nobody_looks_the_services_are_as_they_were(services: Services) -> None:
    with watched(services, Settings()) as seen:
        assert seen is services


def test_a_failure_is_told_with_where_and_what_and_a_skipped_item_is_not(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[str, Any]] = []
    monkeypatch.setattr(
        "astrid_core.telemetry.services.tell_failures",
        lambda _: lambda error, facts: told.append((type(error).__name__, facts)),
    )

    with pytest.raises(ArchiveUnavailable):
        _run(services, "cloudy", "rotten", "offline", settings=Settings(sentry_dsn=SecretStr("https://k@host/1")))
    with (
        watched(services, Settings()) as seen,
        pytest.raises(ZeroDivisionError),
        seen.watch("report").item("demo 2026-10-17"),
    ):
        raise ZeroDivisionError

    assert [(name, facts["stage"], facts["item"], facts["outcome"]) for name, facts in told] == [
        ("CorruptArtifact", "difference", "rotten", "failed"),
        ("ZeroDivisionError", "report", "demo 2026-10-17", "bug"),
    ]


def test_sums_can_be_told_as_totals_where_the_environment_says_so(
    services: Services, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "cumulative")

    _run(services, "demo:a.fits")
    flush_telemetry()

    assert {one["temporality"] for one in receiver.named(ITEMS.name)} == {2}
