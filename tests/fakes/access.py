"""Memory twins of the records of who may do what."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from astrid_core.curation.access import OURS, Role
from astrid_core.curation.api_keys import ApiKey
from astrid_core.curation.entities import Curator
from tests.fakes.tables import add_new


class MemoryCurators:
    """Curators in memory; roles by login and source. Transactions follow one another: there is nothing to lock."""

    def __init__(self, rows: dict[str, dict[str, frozenset[Role]]]) -> None:
        self._rows = rows

    def lock(self) -> None:
        pass

    def add(self, curator: Curator, *, source: str = OURS) -> bool:
        known = self._rows.get(curator.login)
        self._rows[curator.login] = {**(known or {}), source: curator.roles}
        return known is None or known.get(source, frozenset()) != curator.roles

    def find(self, login: str, *, source: str | None = None) -> Curator | None:
        if login not in self._rows:
            return None
        roles = [roles for one, roles in self._rows[login].items() if source in (None, one)]
        return Curator(login=login, roles=frozenset().union(*roles))

    def all(self) -> Sequence[Curator]:
        return tuple(
            Curator(login=login, roles=frozenset().union(*self._rows[login].values())) for login in sorted(self._rows)
        )


class MemoryApiKeys:
    """ApiKeys in memory."""

    def __init__(self, rows: dict[str, ApiKey]) -> None:
        self._rows = rows

    def add(self, key: ApiKey) -> bool:
        return add_new(self._rows, key.id, key)

    def find(self, key_id: str) -> ApiKey | None:
        return self._rows.get(key_id)

    def all(self, *, owner: str | None = None) -> Sequence[ApiKey]:
        found = [key for key in self._rows.values() if owner in (None, key.owner)]
        return tuple(sorted(found, key=lambda key: (key.created, key.id)))

    def revoke(self, key_id: str, *, at: datetime) -> bool:
        key = self._rows.get(key_id)
        if key is None or key.revoked is not None:
            return False
        self._rows[key_id] = replace(key, revoked=at)
        return True

    def touch(self, key_id: str, *, at: datetime) -> None:
        if key_id in self._rows:
            self._rows[key_id] = replace(self._rows[key_id], last_used=at)
