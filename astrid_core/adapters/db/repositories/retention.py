"""What is kept of difference images, in the database."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from astrid_core.adapters.db.repositories.statements import insert_new, read
from astrid_core.adapters.db.rows.catalog import LightCurvePointRow
from astrid_core.adapters.db.rows.curation import ValidationEventRow
from astrid_core.adapters.db.rows.detection import ModelRunRow
from astrid_core.adapters.db.rows.differencing import DifferenceRunRow
from astrid_core.adapters.db.rows.injected import InjectedSeedRow
from astrid_core.adapters.db.rows.retention import DifferenceRecipeRow, DroppedImageRow
from astrid_core.adapters.db.rows.review import ReviewItemRow, SeedRow
from astrid_core.curation.entities import ReviewState
from astrid_core.differencing.retention import DifferenceRecipe, DroppedImage
from astrid_core.shared.runs import RunKey

_PAGE = 10_000
_WAITING = (ReviewState.OPEN.value, ReviewState.DISPUTED.value)


class SqlDifferenceRecipes:
    """DifferenceRecipes in SQL."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, recipe: DifferenceRecipe) -> bool:
        """Record it and tell whether it is new."""
        return insert_new(self._session, DifferenceRecipeRow, DifferenceRecipeRow.values(recipe))

    def all(self) -> Sequence[DifferenceRecipe]:
        """Return every recipe, ordered by digest."""
        return tuple(row.entity() for row in read(self._session, select(DifferenceRecipeRow).order_by("digest")))


class SqlDroppedImages:
    """DroppedImages in SQL."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, image: DroppedImage) -> bool:
        """Record that an image is not kept, and tell whether that is new."""
        return insert_new(self._session, DroppedImageRow, DroppedImageRow.values(image))

    def find(self, digest: str) -> DroppedImage | None:
        """Return it, or None."""
        found = read(self._session, select(DroppedImageRow).where(DroppedImageRow.digest == digest))
        return found[0].entity() if found else None

    def all(self) -> Sequence[DroppedImage]:
        """Return all that are not kept, ordered by run."""
        return tuple(row.entity() for row in read(self._session, select(DroppedImageRow).order_by("run")))

    def remove(self, digest: str) -> None:
        """Forget it: the image is there again."""
        self._session.execute(delete(DroppedImageRow).where(DroppedImageRow.digest == digest))

    def unneeded(self) -> Sequence[RunKey]:
        """Return the runs whose images are kept though nothing needs them, ordered."""
        row = DifferenceRunRow
        kept = select(row.key, row.image_digest).where(
            row.image_digest.is_not(None), row.image_digest.not_in(select(DroppedImageRow.digest))
        )
        runs = [(key, digest) for key, digest in self._session.execute(kept).all()]
        needed_runs = self._needed()
        needed = {digest for key, digest in runs if key in needed_runs}
        return tuple(sorted(RunKey(key) for key, digest in runs if digest not in needed))

    def _needed(self) -> set[str]:
        """Return the differences of detections that people or the catalog deal with."""
        waiting = select(ReviewItemRow.detection_id).where(ReviewItemRow.state.in_(_WAITING))
        ids: list[Any] = [
            waiting,
            *(select(one.detection_id) for one in (ValidationEventRow, SeedRow, LightCurvePointRow)),
        ]
        found = {one.rpartition(":")[0] for wanted in ids for one in self._all(wanted)}
        differences = self._session.execute(select(ModelRunRow.key, ModelRunRow.difference_key)).all()
        shown: InstrumentedAttribute[str] = InjectedSeedRow.difference_key
        return {difference for run, difference in differences if run in found} | set(
            self._all(select(shown).distinct())
        )

    def _all(self, wanted: Any) -> Any:
        return self._session.execute(wanted, execution_options={"yield_per": _PAGE}).scalars()
