"""Memory twins of what is kept of difference images."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from astrid_core.curation.entities import InjectedSeed, ReviewItem, ReviewState
from astrid_core.detection.entities import ModelRun
from astrid_core.differencing.entities import DifferenceRun
from astrid_core.differencing.retention import DifferenceRecipe, DroppedImage
from astrid_core.shared.runs import RunKey
from tests.fakes.tables import add_new


@dataclass(frozen=True, slots=True, kw_only=True)
class Needed:
    """Records that difference images are needed for."""

    runs: Mapping[RunKey, DifferenceRun]
    model_runs: Mapping[RunKey, ModelRun]
    items: Mapping[str, ReviewItem]
    others: tuple[Mapping[Any, Any], ...]
    injected: Mapping[str, InjectedSeed]

    def keys(self) -> set[RunKey]:
        waiting = (ReviewState.OPEN, ReviewState.DISPUTED)
        ids = [one.detection_id for one in self.items.values() if one.state in waiting]
        ids += [one.detection_id for rows in self.others for one in rows.values()]
        runs = {one.rpartition(":")[0] for one in ids}
        shown = {one.detection.candidate.run for one in self.injected.values()}
        return {one.difference_key for key, one in self.model_runs.items() if key in runs} | shown


class MemoryDifferenceRecipes:
    """DifferenceRecipes in memory."""

    def __init__(self, rows: dict[str, DifferenceRecipe]) -> None:
        self._rows = rows

    def add(self, recipe: DifferenceRecipe) -> bool:
        return add_new(self._rows, recipe.digest, recipe)

    def all(self) -> Sequence[DifferenceRecipe]:
        return tuple(recipe for _, recipe in sorted(self._rows.items()))


class MemoryDroppedImages:
    """DroppedImages in memory."""

    def __init__(self, rows: dict[str, DroppedImage], needed: Needed) -> None:
        self._rows = rows
        self._needed = needed

    def add(self, image: DroppedImage) -> bool:
        return add_new(self._rows, image.digest, image)

    def find(self, digest: str) -> DroppedImage | None:
        return self._rows.get(digest)

    def all(self) -> Sequence[DroppedImage]:
        return tuple(sorted(self._rows.values(), key=lambda one: one.run))

    def remove(self, digest: str) -> None:
        self._rows.pop(digest, None)

    def unneeded(self) -> Sequence[RunKey]:
        images = {key: run.image.digest for key, run in self._needed.runs.items() if run.image}
        keys = self._needed.keys()
        needed = {digest for key, digest in images.items() if key in keys}
        return tuple(sorted(key for key, digest in images.items() if digest not in needed | set(self._rows)))
