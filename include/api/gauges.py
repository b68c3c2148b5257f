"""Figures of the whole system, told by the one process that lives long: the API."""

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from astrid_core.curation.queue import QueueFilters
from astrid_core.shared.errors import TemporaryFailure
from astrid_core.stages.services import Services
from astrid_core.telemetry.figures import ALERTS, DISK, PARTS, QUEUE
from astrid_core.telemetry.open import open_telemetry
from include.api.parts import Parts

Values = list[tuple[float, Mapping[str, str]]]


def show(services: Services, home: Path, parts: Parts) -> None:
    """Tell queue, waiting alerts, free disk and which parts answer whenever figures are sent; nothing where off."""
    telemetry = open_telemetry()
    if telemetry is None:
        return
    telemetry.observe(QUEUE, lambda: _or_nothing(lambda: _queue(services)))
    telemetry.observe(ALERTS, lambda: _or_nothing(lambda: _alerts(services)))
    telemetry.observe(DISK, lambda: [(shutil.disk_usage(home).free, {})])
    telemetry.observe(PARTS, lambda: [(float(one.is_up), {"part": name}) for name, one in parts.look().items()])


def _queue(services: Services) -> Values:
    with services.transaction() as records:
        return [(n, {"state": state.value}) for state, n in records.review_queue.counts(QueueFilters()).items()]


def _alerts(services: Services) -> Values:
    with services.transaction() as records:
        return [(len(records.alerts.busy()), {})]


def _or_nothing(look: Callable[[], Values]) -> Values:
    """Return no value where the database is away: that it is away is told by another figure."""
    try:
        return look()
    except TemporaryFailure:
        return []
