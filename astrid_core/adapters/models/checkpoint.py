"""How far a training has come, on a disk: what is killed goes on after the last epoch that was finished."""

import json
import os
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What training has found so far."""

    best: Sequence[NDArray[np.float32]]
    """Weights with the lowest validation loss."""
    best_loss: float = float("inf")
    best_epoch: int = 0
    history: Sequence[Mapping[str, float]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A file that is replaced after every epoch."""

    path: Path
    recipe: str
    """Of the training; a file of another one is ignored."""

    def read(self, variables: Sequence[Any]) -> Progress | None:
        """Give ``variables`` the values they had, and return what was found; None without a file of this recipe.

        A file that cannot be read is nothing: training begins anew, which costs minutes and is never wrong.
        """
        try:
            with self.path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
                facts = json.loads(stored["facts"].tobytes())
                if facts["recipe"] != self.recipe:
                    return None
                values = [stored[f"v{number:04d}"] for number in range(len(variables))]
                best = [stored[f"b{number:04d}"] for number in range(facts["n_best"])]
        except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile, zlib.error):
            return None
        if [tuple(one.shape) for one in variables] != [one.shape for one in values]:
            return None
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)
        return Progress(
            best=best, best_loss=facts["best_loss"], best_epoch=facts["best_epoch"], history=facts["history"]
        )

    def write(self, values: Sequence[NDArray[np.generic]], progress: Progress) -> None:
        """Replace the file in one step."""
        facts = {
            "recipe": self.recipe,
            "n_best": len(progress.best),
            "best_loss": progress.best_loss,
            "best_epoch": progress.best_epoch,
            "history": [dict(one) for one in progress.history],
        }
        arrays = {f"v{number:04d}": value for number, value in enumerate(values)}
        arrays |= {f"b{number:04d}": value for number, value in enumerate(progress.best)}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        partial = self.path.with_suffix(f".{os.getpid()}")
        with partial.open("wb") as file:
            np.savez(file, facts=np.frombuffer(json.dumps(facts).encode(), dtype=np.uint8), **arrays)  # type: ignore[arg-type] # numpy's stub takes the names for its own flag
        partial.replace(self.path)

    def remove(self) -> None:
        """Forget it: the training is finished."""
        self.path.unlink(missing_ok=True)
