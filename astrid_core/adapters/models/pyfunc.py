"""A network as a model that MLflow can load and call by itself, with the network's own bytes inside."""

import warnings
from importlib.metadata import version
from pathlib import Path

import numpy as np

NETWORK = "artifacts/network.npz"
"""Where in the folder of a model the bytes are that decide its scores."""
_NEEDS = ("astropy", "keras", "numpy", "scipy", "tensorflow")
_CODE = Path(__file__).with_name("scoring_code.py")


def write_pyfunc(content: bytes, folder: Path) -> Path:
    """Write a model into a new folder inside ``folder``, and return it.

    The signature leaves height and width free. What it needs is named: to find that out, MLflow would load the model
    in another process, most of a minute.
    """
    with warnings.catch_warnings():
        # MLflow warns of its own hints when it is imported, and that an example is missing, which would fix the size.
        warnings.simplefilter("ignore", UserWarning)
        _save(content, folder)
    return folder / "model"


def _save(content: bytes, folder: Path) -> None:
    import mlflow.pyfunc  # noqa: PLC0415 - takes more than a second
    from mlflow.models import ModelSignature  # noqa: PLC0415 - the same
    from mlflow.types import Schema, TensorSpec  # noqa: PLC0415 - the same

    network = folder / Path(NETWORK).name
    network.write_bytes(content)
    triplets = TensorSpec(np.dtype(np.float32), (-1, 3, -1, -1))
    scores = [TensorSpec(np.dtype(np.float64), (-1,), name) for name in ("score", "uncertainty", "anomaly")]
    texts = [TensorSpec(np.dtype(np.str_), (-1,), name) for name in ("class", "reason")]
    mlflow.pyfunc.save_model(
        path=str(folder / "model"),
        python_model=str(_CODE),
        artifacts={"network": str(network)},
        signature=ModelSignature(inputs=Schema([triplets]), outputs=Schema([*scores, *texts])),
        pip_requirements=[f"{name}=={version(name)}" for name in _NEEDS],
    )
