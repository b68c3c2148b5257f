"""How networks do night by night, beside their training in MLflow."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from astrid_core.adapters.models.mlflow_client import name_and_version, open_client
from astrid_core.adapters.models.mlflow_errors import translated

_NO_NAME = re.compile(r"[^\w\-./ ]+")
"""What the name of a metric must not hold."""


class MlflowJournal:
    """Writes metrics to the run that a version was registered from; the step is the day number of the night."""

    def __init__(self, *, tracking_uri: str) -> None:
        self._tracking_uri = tracking_uri
        self._opened: Any = None

    def note(self, model_id: str, *, night: str, figures: Mapping[str, float]) -> None:
        """Write the figures of a night; the same again change nothing, others stand beside them."""
        from mlflow.entities import Metric  # noqa: PLC0415 - takes more than a second

        name, version = name_and_version(model_id)
        step = date.fromisoformat(night).toordinal()
        at_ms = round(1000.0 * datetime.now(UTC).timestamp())
        named = {_NO_NAME.sub("", key).strip(): value for key, value in sorted(figures.items())}
        with translated("registry has no such version", model=model_id):
            run_id = self._client.get_model_version(name, version).run_id
            changed = [
                Metric(key, value, at_ms, step)
                for key, value in named.items()
                if self._newest(run_id, key, step) != value
            ]
            self._client.log_batch(run_id, metrics=changed)

    def _newest(self, run_id: str, key: str, step: int) -> float | None:
        """Return what was written last for a night; MLflow takes any number of values for one step."""
        written = [one for one in self._client.get_metric_history(run_id, key) if one.step == step]
        return max(written, key=lambda one: one.timestamp).value if written else None

    @property
    def _client(self) -> Any:
        if self._opened is None:
            self._opened = open_client(self._tracking_uri)
        return self._opened
