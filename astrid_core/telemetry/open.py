"""Spans and figures of this process, sent where OpenTelemetry's own environment variables say; off without them.

Whoever sets ``OTEL_EXPORTER_OTLP_ENDPOINT`` switches it on. Without it nothing of OpenTelemetry is imported.
"""

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from astrid_core.shared.errors import BadConfiguration
from astrid_core.telemetry.figures import FIGURES, Figure, FigureKind

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.trace import TracerProvider

_ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
_ENDPOINTS = (_ENDPOINT, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT")
_TEMPORALITY = "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE"
_TIMEOUT = "OTEL_EXPORTER_OTLP_TIMEOUT"
_TIMEOUT_S = 3.0
"""A collector that is away must not hold up the night."""
_NAME = "astrid"
_opened: dict[int, "Telemetry"] = {}
"""By process: threads do not survive a fork, and Airflow forks every task."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Telemetry:
    """What spans and figures are made with."""

    tracing: "TracerProvider"
    metering: "MeterProvider"
    made: Mapping[str, Any]
    """Counters and histograms by name."""

    @property
    def tracer(self) -> Any:
        """What begins spans."""
        return self.tracing.get_tracer(_NAME)

    def add(self, figure: Figure, number: float, **attributes: str) -> None:
        """Add to a counter."""
        self.made[figure.name].add(number, attributes)

    def record(self, figure: Figure, number: float, **attributes: str) -> None:
        """Note one value of a histogram, or the present one of a gauge."""
        made = self.made[figure.name]
        (made.record if figure.kind is FigureKind.HISTOGRAM else made.set)(number, attributes)

    def observe(self, figure: Figure, look: Callable[[], Iterable[tuple[float, Mapping[str, str]]]]) -> None:
        """Ask ``look`` for the values of a gauge whenever figures are sent."""
        from opentelemetry.metrics import Observation  # noqa: PLC0415 - where it is on only

        self.metering.get_meter(_NAME).create_observable_gauge(
            figure.name,
            callbacks=[lambda _: [Observation(value, dict(attributes)) for value, attributes in look()]],
            unit=figure.unit,
            description=figure.meaning,
        )

    def flush(self) -> None:
        """Send what has not been sent; give up after a few seconds."""
        for provider in (self.tracing, self.metering):
            provider.force_flush(int(_timeout_s() * 1000))

    def close(self) -> None:
        """Send what has not been sent, and end."""
        for provider in (self.tracing, self.metering):
            provider.shutdown()


def is_on() -> bool:
    """Tell whether this process is to send anything."""
    off = os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
    return not off and any(os.environ.get(name, "").strip() for name in _ENDPOINTS)


def open_telemetry() -> Telemetry | None:
    """Return what this process sends spans and figures with, always the same; None where it is off."""
    if not is_on():
        return None
    if os.getpid() not in _opened:
        _opened.clear()
        _opened[os.getpid()] = _open()
    return _opened[os.getpid()]


def flush_telemetry() -> None:
    """Send what this process has not sent: a task ends without warning."""
    if os.getpid() in _opened:
        _opened[os.getpid()].flush()


def close_telemetry() -> None:
    """Send what this process has not sent, and begin anew when asked again."""
    telemetry = _opened.pop(os.getpid(), None)
    if telemetry is not None:
        telemetry.close()


def parent_of(carrier: Mapping[str, str]) -> "Context | None":
    """Return the span that whoever called us has open, as ``traceparent`` tells; None for the one open here."""
    if "traceparent" not in carrier:
        return None
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator  # noqa: PLC0415 - likewise

    return TraceContextTextMapPropagator().extract(carrier)


def parent_of_process() -> "Context | None":
    """Return the span that started this process, as a pod is told by ``TRACEPARENT``."""
    told = os.environ.get("TRACEPARENT", "")
    return parent_of({"traceparent": told, "tracestate": os.environ.get("TRACESTATE", "")}) if told else None


def traceparent() -> dict[str, str]:
    """Return the environment by which a process started now goes on with this trace; empty where there is none."""
    if not is_on():
        return {}
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator  # noqa: PLC0415 - likewise

    carrier: dict[str, str] = {}
    TraceContextTextMapPropagator().inject(carrier)
    return {name.upper(): value for name, value in carrier.items()}


def _timeout_s() -> float:
    return float(os.environ.get(_TIMEOUT) or _TIMEOUT_S)


def _open() -> Telemetry:
    from opentelemetry.sdk.metrics import MeterProvider  # noqa: PLC0415 - where it is on only
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader  # noqa: PLC0415
    from opentelemetry.sdk.resources import SERVICE_NAME, Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    spans, figures = _exporters()
    resource = Resource.create({SERVICE_NAME: os.environ.get("OTEL_SERVICE_NAME") or _NAME})
    # Providers of our own: Airflow sets the global ones anew in every process, or not at all.
    tracing = TracerProvider(resource=resource)
    tracing.add_span_processor(BatchSpanProcessor(spans))
    metering = MeterProvider(resource=resource, metric_readers=[PeriodicExportingMetricReader(figures)])
    meter = metering.get_meter(_NAME)
    makers = {FigureKind.COUNTER: meter.create_counter, FigureKind.GAUGE: meter.create_gauge}
    made: dict[str, Any] = {}
    for one in FIGURES:
        if one.kind is FigureKind.HISTOGRAM:
            made[one.name] = meter.create_histogram(
                one.name, unit=one.unit, description=one.meaning, explicit_bucket_boundaries_advisory=one.bounds
            )
        else:
            made[one.name] = makers[one.kind](one.name, unit=one.unit, description=one.meaning)
    return Telemetry(tracing=tracing, metering=metering, made=made)


def _exporters() -> tuple[Any, Any]:
    protocol = os.environ.get("OTEL_EXPORTER_OTLP_PROTOCOL") or "http/protobuf"
    timeout_s = _timeout_s()
    if protocol == "http/protobuf":
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter  # noqa: PLC0415
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415

        return OTLPSpanExporter(timeout=timeout_s), OTLPMetricExporter(timeout=timeout_s, preferred_temporality=_new())
    if protocol == "grpc":
        from opentelemetry.exporter.otlp.proto.grpc import metric_exporter, trace_exporter  # noqa: PLC0415

        return (
            trace_exporter.OTLPSpanExporter(timeout=timeout_s),
            metric_exporter.OTLPMetricExporter(timeout=timeout_s, preferred_temporality=_new()),
        )
    raise BadConfiguration("protocol of OpenTelemetry is not known", protocol=protocol, known="http/protobuf, grpc")


def _new() -> "dict[type, Any] | None":
    """Have sums told as what was added: of a process that ends after a minute nobody could take a difference."""
    if os.environ.get(_TEMPORALITY):
        return None
    from opentelemetry.sdk.metrics import Counter, Histogram  # noqa: PLC0415
    from opentelemetry.sdk.metrics.export import AggregationTemporality  # noqa: PLC0415

    return {Counter: AggregationTemporality.DELTA, Histogram: AggregationTemporality.DELTA}
