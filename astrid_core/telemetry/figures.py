"""What is measured of this system, by the names that dashboards and alert rules ask for."""

from dataclasses import dataclass
from enum import StrEnum


class FigureKind(StrEnum):
    """How figures of a name go together."""

    COUNTER = "counter"
    HISTOGRAM = "histogram"
    GAUGE = "gauge"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One figure; its attributes are few and have few values, because each combination is stored for months."""

    name: str
    kind: FigureKind
    unit: str
    meaning: str
    attributes: tuple[str, ...] = ()
    bounds: tuple[float, ...] = ()
    """Upper bounds of the classes of a histogram."""

    @property
    def series(self) -> tuple[str, ...]:
        """Return the names that it has in Prometheus."""
        stem = self.name.replace(".", "_") + {"s": "_seconds", "By": "_bytes"}.get(self.unit, "")
        if self.kind is FigureKind.COUNTER:
            return (f"{stem}_total",)
        return (f"{stem}_bucket", f"{stem}_sum", f"{stem}_count") if self.kind is FigureKind.HISTOGRAM else (stem,)


_FAST_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
_SLOW_S = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 25.0, 60.0, 180.0, 600.0, 1800.0)

ITEMS = Figure(
    name="astrid.items", kind=FigureKind.COUNTER, unit="{item}", attributes=("stage", "outcome", "reason"),
    meaning="Items that went through a stage; outcome succeeded, skipped, failed, postponed or bug, and the error",
)  # fmt: skip
ITEM_SECONDS = Figure(
    name="astrid.item.duration", kind=FigureKind.HISTOGRAM, unit="s", attributes=("stage", "outcome"), bounds=_SLOW_S,
    meaning="Seconds that an item took in a stage",
)  # fmt: skip
ARTIFACT_BYTES = Figure(
    name="astrid.artifact.size", kind=FigureKind.COUNTER, unit="By", attributes=("direction",),
    meaning="Bytes written to and read from the artifact store",
)  # fmt: skip
ARTIFACT_SECONDS = Figure(
    name="astrid.artifact.duration", kind=FigureKind.HISTOGRAM, unit="s", attributes=("direction",), bounds=_FAST_S,
    meaning="Seconds of a call of the artifact store",
)  # fmt: skip
TRANSACTION_SECONDS = Figure(
    name="astrid.transaction.duration", kind=FigureKind.HISTOGRAM, unit="s", attributes=("outcome",), bounds=_FAST_S,
    meaning="Seconds that a transaction of our database was open",
)  # fmt: skip
GPU_MEMORY = Figure(
    name="astrid.gpu.memory", kind=FigureKind.GAUGE, unit="By", attributes=("state",),
    meaning="Memory of the GPU behind the last item, used and free; only where arrays are computed by CuPy",
)  # fmt: skip
REQUEST_SECONDS = Figure(
    name="astrid.api.duration", kind=FigureKind.HISTOGRAM, unit="s", attributes=("route", "method", "status"),
    bounds=_FAST_S, meaning="Seconds until the API had answered",
)  # fmt: skip
QUEUE = Figure(
    name="astrid.review.queue", kind=FigureKind.GAUGE, unit="{detection}", attributes=("state",),
    meaning="Detections in the review queue",
)  # fmt: skip
ALERTS = Figure(
    name="astrid.alerts.pending", kind=FigureKind.GAUGE, unit="{channel}", attributes=(),
    meaning="Channels for which alerts are waiting to be sent",
)  # fmt: skip
DISK = Figure(
    name="astrid.disk.free", kind=FigureKind.GAUGE, unit="By", attributes=(),
    meaning="Free bytes on the disk of ASTRID_HOME",
)  # fmt: skip
PARTS = Figure(
    name="astrid.part.up", kind=FigureKind.GAUGE, unit="{part}", attributes=("part",),
    meaning="1 where the database, the artifact store and the model registry answer, else 0",
)  # fmt: skip
LATE_NIGHTS = Figure(
    name="astrid.nights.late", kind=FigureKind.COUNTER, unit="{night}", attributes=("survey",),
    meaning="Nights that were not in the catalog by their deadline",
)  # fmt: skip

FIGURES = (
    ITEMS, ITEM_SECONDS, ARTIFACT_BYTES, ARTIFACT_SECONDS, TRANSACTION_SECONDS, GPU_MEMORY, REQUEST_SECONDS, QUEUE,
    ALERTS, DISK, PARTS, LATE_NIGHTS,
)  # fmt: skip
