"""People, their roles and the keys of their programs, in the database."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import and_, delete, select, update
from sqlalchemy.orm import Session

from astrid_core.adapters.db.locks import Lock, take
from astrid_core.adapters.db.repositories.statements import insert_new, read
from astrid_core.adapters.db.rows.access import ApiKeyRow, CuratorRoleRow, CuratorRow
from astrid_core.curation.access import OURS, Role
from astrid_core.curation.api_keys import ApiKey
from astrid_core.curation.entities import Curator


class SqlCurators:
    """Curators in SQL."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def lock(self) -> None:
        """Let nobody else change a role until this transaction ends."""
        take(self._session.connection(), Lock.CHANGE_ROLES)

    def add(self, curator: Curator, *, source: str = OURS) -> bool:
        """Record somebody, and their roles in place of those that ``source`` gave before; tell whether that is new."""
        self.lock()
        known = self.find(curator.login, source=source)
        if known is None:
            insert_new(self._session, CuratorRow, {"login": curator.login})
        before = known.roles if known else frozenset()
        row = CuratorRoleRow
        self._session.execute(
            delete(row).where(
                row.login == curator.login,
                row.source == source,
                row.role.in_([one.value for one in before - curator.roles]),
            )
        )
        for role in sorted(curator.roles - before):
            insert_new(self._session, row, {"login": curator.login, "source": source, "role": role.value})
        return known is None or before != curator.roles

    def find(self, login: str, *, source: str | None = None) -> Curator | None:
        """Return them with the roles of every source, or of one; None if nobody has the name."""
        theirs = CuratorRoleRow.login == CuratorRow.login
        if source is not None:
            theirs = and_(theirs, CuratorRoleRow.source == source)
        # One question: every request asks it, and every act of somebody once more.
        wanted = select(CuratorRoleRow.role).select_from(CuratorRow).join(CuratorRoleRow, theirs, isouter=True)
        found = self._session.scalars(wanted.where(CuratorRow.login == login)).all()
        return Curator(login=login, roles=frozenset(Role(role) for role in found if role)) if found else None

    def all(self) -> Sequence[Curator]:
        """Return everybody with the roles of every source, by login."""
        roles: dict[str, set[Role]] = {row.login: set() for row in read(self._session, select(CuratorRow))}
        for row in read(self._session, select(CuratorRoleRow)):
            roles[row.login].add(Role(row.role))
        return tuple(Curator(login=login, roles=frozenset(roles[login])) for login in sorted(roles))


class SqlApiKeys:
    """ApiKeys in SQL."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, key: ApiKey) -> bool:
        """Record it and tell whether it is new."""
        return insert_new(self._session, ApiKeyRow, ApiKeyRow.values(key))

    def find(self, key_id: str) -> ApiKey | None:
        """Return it, also where it is of no use any more; or None."""
        found = read(self._session, select(ApiKeyRow).where(ApiKeyRow.id == key_id))
        return found[0].entity() if found else None

    def all(self, *, owner: str | None = None) -> Sequence[ApiKey]:
        """Return them, oldest first, then by id."""
        wanted = select(ApiKeyRow)
        if owner is not None:
            wanted = wanted.where(ApiKeyRow.owner == owner)
        found = [row.entity() for row in read(self._session, wanted)]
        return tuple(sorted(found, key=lambda key: (key.created, key.id)))

    def revoke(self, key_id: str, *, at: datetime) -> bool:
        """End it and tell whether it was not yet."""
        ending = update(ApiKeyRow).where(ApiKeyRow.id == key_id, ApiKeyRow.revoked.is_(None)).values(revoked=at)
        return self._session.connection().execute(ending).rowcount > 0

    def touch(self, key_id: str, *, at: datetime) -> None:
        """Record that it was used."""
        self._session.connection().execute(update(ApiKeyRow).where(ApiKeyRow.id == key_id).values(last_used=at))
