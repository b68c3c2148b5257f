"""People and their roles, as rows."""

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from astrid_core.adapters.db.rows.table import Row


class CuratorRow(Row):
    """One person."""

    __tablename__ = "curator"

    login: Mapped[str] = mapped_column(primary_key=True)


class CuratorRoleRow(Row):
    """One role of one person, and who says so."""

    __tablename__ = "curator_role"

    login: Mapped[str] = mapped_column(ForeignKey("curator.login"), primary_key=True)
    source: Mapped[str] = mapped_column(primary_key=True)
    role: Mapped[str] = mapped_column(primary_key=True)
