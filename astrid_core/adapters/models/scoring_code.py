"""The code of a registered version, which MLflow runs when it loads one: triplets in, scores out.

Preprocessing, network, head and calibration in one: where this library is installed,
``mlflow.pyfunc.load_model("models:/NAME/VERSION")`` is all it takes.
A version for other stamps than this code cuts is refused, not scored otherwise.
"""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel

# MLflow asks for hints, past any filter, of which it would make a schema beside the one that it is given.
with warnings.catch_warnings(record=True):

    class TripletScorer(PythonModel):  # type: ignore[misc] # MLflow has no types
        """Scores (n, 3, ny, nx): science, reference, difference, as ``astrid score`` does; NaN where it cannot."""

        def load_context(self, context: Any) -> None:
            """Read the network; UnknownModel where it was trained on other stamps, CorruptArtifact for other bytes."""
            from astrid_core.adapters.models.network import read_network  # noqa: PLC0415 - imports TensorFlow

            self._network = read_network(Path(context.artifacts["network"]).read_bytes())

        def predict(self, context, model_input, params=None):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN201, ARG002 - see above
            """Return score, uncertainty and anomaly, class and reason, a value of each per triplet."""
            from astrid_core.detection.config import DetectConfig  # noqa: PLC0415 - where the network is
            from astrid_core.detection.score_table import score_triplets  # noqa: PLC0415 - the same

            table = score_triplets(np.asarray(model_input), self._network, DetectConfig())
            numbers = ("score", "uncertainty", "anomaly")
            return {
                **{name: np.asarray(np.ma.filled(table[name], np.nan)) for name in numbers},
                **{name: np.asarray(table[name]) for name in ("class", "reason")},
            }


set_model(TripletScorer())
