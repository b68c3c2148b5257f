"""What all rows have in common."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import JSON, MetaData, Text, Uuid
from sqlalchemy.orm import DeclarativeBase

from astrid_core.adapters.db.rows.columns import ExactFloat, ExactInt, UtcDateTime


class Row(DeclarativeBase):
    """One row of one of our tables; it never leaves ``adapters.db``."""

    # Constraints are named so that a later migration can name them, too.
    metadata = MetaData(
        naming_convention={
            "pk": "pk_%(table_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        str: Text(),
        int: ExactInt(),
        float: ExactFloat(),
        datetime: UtcDateTime(),
        UUID: Uuid(),
        dict[str, Any]: JSON(),
        list[str]: JSON(),
    }
