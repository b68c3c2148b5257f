"""People and their roles, in the database."""

from collections.abc import Sequence

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from astrid_core.adapters.db.locks import Lock, take
from astrid_core.adapters.db.repositories.statements import insert_new, read
from astrid_core.adapters.db.rows.access import CuratorRoleRow, CuratorRow
from astrid_core.curation.access import OURS, Role
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
        if not read(self._session, select(CuratorRow).where(CuratorRow.login == login)):
            return None
        wanted = select(CuratorRoleRow).where(CuratorRoleRow.login == login)
        if source is not None:
            wanted = wanted.where(CuratorRoleRow.source == source)
        return Curator(login=login, roles=frozenset(Role(row.role) for row in read(self._session, wanted)))

    def all(self) -> Sequence[Curator]:
        """Return everybody with the roles of every source, by login."""
        roles: dict[str, set[Role]] = {row.login: set() for row in read(self._session, select(CuratorRow))}
        for row in read(self._session, select(CuratorRoleRow)):
            roles[row.login].add(Role(row.role))
        return tuple(Curator(login=login, roles=frozenset(roles[login])) for login in sorted(roles))
