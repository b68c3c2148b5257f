"""Nothing is sent, and nothing costs anything, unless OpenTelemetry's own variables say so."""

import subprocess
import sys
import time

import pytest
from pydantic import SecretStr

from astrid_core.shared.errors import BadConfiguration
from astrid_core.telemetry.failures import flush_failures, tell_failures
from astrid_core.telemetry.figures import FIGURES, GPU_MEMORY, ITEMS, QUEUE
from astrid_core.telemetry.open import close_telemetry, is_on, open_telemetry
from tests.telemetry.receiver import Receiver, receiving


def test_it_is_off_by_default_and_imports_nothing() -> None:
    program = (
        "import sys, astrid_core.bootstrap, astrid_core.telemetry.open as one\n"
        "assert one.open_telemetry() is None\n"
        "print([name for name in sys.modules if name.startswith(('opentelemetry', 'sentry'))])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=True)

    assert done.stdout.strip() == "[]"


def test_it_can_be_switched_off_where_an_endpoint_is_set(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    assert is_on()
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")

    assert open_telemetry() is None
    assert receiver.spans == []


def test_a_process_opens_it_once_and_names_itself_as_told(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SERVICE_NAME", "astrid-api")
    telemetry = open_telemetry()
    assert telemetry is not None
    assert open_telemetry() is telemetry

    with telemetry.tracer.start_as_current_span("one"):
        telemetry.record(GPU_MEMORY, 5.0, state="used")
    telemetry.observe(QUEUE, lambda: [(7, {"state": "pending"})])
    close_telemetry()

    assert receiver.named("one")[0]["service"] == "astrid-api"
    assert [one["value"] for one in receiver.named(GPU_MEMORY.name)] == [5.0]
    assert {one["value"] for one in receiver.named(QUEUE.name)} == {7}


def test_a_collector_that_is_away_costs_seconds_and_no_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
    telemetry = open_telemetry()
    assert telemetry is not None

    started = time.monotonic()
    with telemetry.tracer.start_as_current_span("lost"):
        telemetry.add(ITEMS, 1, stage="difference", outcome="succeeded", reason="")
    telemetry.flush()

    assert time.monotonic() - started < 15.0
    close_telemetry()


def test_a_collector_that_refuses_costs_no_work(monkeypatch: pytest.MonkeyPatch) -> None:
    with receiving(status=400) as refusing:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", refusing.url)
        telemetry = open_telemetry()
        assert telemetry is not None
        telemetry.add(ITEMS, 1, stage="difference", outcome="succeeded", reason="")
        close_telemetry()


def test_a_protocol_that_nobody_speaks_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "carrier-pigeon")

    with pytest.raises(BadConfiguration, match="carrier-pigeon"):
        open_telemetry()


def test_grpc_is_spoken_where_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")

    assert open_telemetry() is not None
    close_telemetry()


def test_without_an_address_or_an_sdk_failures_are_told_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sentry_sdk", None)

    assert tell_failures(SecretStr("")) is None
    assert tell_failures(SecretStr("https://key@127.0.0.1/1")) is None
    flush_failures()


def test_names_in_prometheus_follow_its_rules() -> None:
    names = [series for one in FIGURES for series in one.series]

    assert len(names) == len(set(names))
    assert ITEMS.series == ("astrid_items_total",)
    assert GPU_MEMORY.series == ("astrid_gpu_memory_bytes",)
