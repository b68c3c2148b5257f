"""People, their roles and the keys of their programs, as rows."""

from datetime import datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from astrid_core.adapters.db.rows.table import Row
from astrid_core.curation.access import Permission
from astrid_core.curation.api_keys import ApiKey


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


class ApiKeyRow(Row):
    """What is kept of one key."""

    __tablename__ = "api_key"

    id: Mapped[str] = mapped_column(primary_key=True)
    owner: Mapped[str] = mapped_column(ForeignKey("curator.login"), index=True)
    name: Mapped[str]
    digest: Mapped[str]
    scopes: Mapped[list[str]]
    created: Mapped[datetime]
    expires: Mapped[datetime]
    revoked: Mapped[datetime | None]
    last_used: Mapped[datetime | None]

    @staticmethod
    def values(key: ApiKey) -> dict[str, object]:
        """Return the columns of ``key``."""
        return {
            "id": key.id,
            "owner": key.owner,
            "name": key.name,
            "digest": key.digest,
            "scopes": sorted(scope.value for scope in key.scopes),
            "created": key.created,
            "expires": key.expires,
            "revoked": key.revoked,
            "last_used": key.last_used,
        }

    def entity(self) -> ApiKey:
        """Return the key."""
        return ApiKey(
            id=self.id,
            owner=self.owner,
            name=self.name,
            digest=self.digest,
            scopes=frozenset(Permission(scope) for scope in self.scopes),
            created=self.created,
            expires=self.expires,
            revoked=self.revoked,
            last_used=self.last_used,
        )
