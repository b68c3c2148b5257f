"""An OTLP receiver on loopback: it keeps the spans and figures that it is sent."""

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass
class Receiver:
    url: str = ""
    spans: list[dict[str, Any]] = field(default_factory=list)
    points: list[dict[str, Any]] = field(default_factory=list)

    def named(self, name: str) -> list[dict[str, Any]]:
        return [one for one in (*self.spans, *self.points) if one["name"] == name]

    def take(self, path: str, body: bytes) -> None:
        if path == "/v1/traces":
            for of_resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                service = _told(of_resource.resource.attributes)
                for scope in of_resource.scope_spans:
                    self.spans += [_span(one, service) for one in scope.spans]
        elif path == "/v1/metrics":
            for measured in ExportMetricsServiceRequest.FromString(body).resource_metrics:
                for scope in measured.scope_metrics:
                    for one in scope.metrics:
                        kind = one.WhichOneof("data")
                        data = getattr(one, kind)
                        self.points += [
                            {
                                "name": one.name,
                                "kind": kind,
                                "unit": one.unit,
                                "temporality": getattr(data, "aggregation_temporality", 0),
                                "attributes": _told(point.attributes),
                                "value": point.sum if kind.endswith("histogram") else point.as_double or point.as_int,
                            }
                            for point in data.data_points
                        ]


def _span(one: Any, service: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": one.name,
        "trace": one.trace_id.hex(),
        "id": one.span_id.hex(),
        "parent": one.parent_span_id.hex(),
        "attributes": _told(one.attributes),
        "status": one.status.code,
        "service": service["service.name"],
    }


def _told(attributes: Any) -> dict[str, Any]:
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in attributes}


@contextmanager
def receiving(*, status: int = 200) -> Iterator[Receiver]:
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            receiver.take(self.path, body)
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Stay silent."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        receiver.url = f"http://127.0.0.1:{server.server_port}"
        try:
            yield receiver
        finally:
            server.shutdown()
            thread.join()
