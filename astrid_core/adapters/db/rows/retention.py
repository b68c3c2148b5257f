"""How difference images are made again, and which of them are not kept, as rows."""

import json
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from astrid_core.adapters.db.rows.table import Row
from astrid_core.differencing.retention import DifferenceRecipe, DroppedImage
from astrid_core.shared.runs import RunKey


class DifferenceRecipeRow(Row):
    """Settings that differences were made with."""

    __tablename__ = "difference_recipe"

    digest: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int]
    settings: Mapped[str]
    """As JSON with the infinities that limits may have: no database takes those as JSON."""
    software: Mapped[dict[str, Any]]

    @staticmethod
    def values(recipe: DifferenceRecipe) -> dict[str, object]:
        """Return the columns of ``recipe``."""
        return {
            "digest": recipe.digest,
            "version": recipe.version,
            "settings": json.dumps(dict(recipe.settings), sort_keys=True),
            "software": dict(recipe.software),
        }

    def entity(self) -> DifferenceRecipe:
        """Return the recipe."""
        return DifferenceRecipe(version=self.version, settings=json.loads(self.settings), software=self.software)


class DroppedImageRow(Row):
    """One image that can be made again."""

    __tablename__ = "dropped_image"

    digest: Mapped[str] = mapped_column(primary_key=True)
    n_bytes: Mapped[int]
    run: Mapped[str] = mapped_column(ForeignKey("difference_run.key"))
    at: Mapped[datetime]

    @staticmethod
    def values(image: DroppedImage) -> dict[str, object]:
        """Return the columns of ``image``."""
        return {"digest": image.digest, "n_bytes": image.n_bytes, "run": image.run, "at": image.at}

    def entity(self) -> DroppedImage:
        """Return the image."""
        return DroppedImage(digest=self.digest, n_bytes=self.n_bytes, run=RunKey(self.run), at=self.at)
