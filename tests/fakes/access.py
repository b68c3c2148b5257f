"""Memory twins of the records of who may do what."""

from collections.abc import Sequence

from astrid_core.curation.access import OURS, Role
from astrid_core.curation.entities import Curator


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
