"""Injected sources that are shown as if they were detections, in the database."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from astrid_core.adapters.db.repositories.queued import fitting, is_free, shuffled
from astrid_core.adapters.db.repositories.statements import insert_new, read_in
from astrid_core.adapters.db.rows.injected import InjectedSeedRow
from astrid_core.curation.entities import InjectedSeed, ReviewItem
from astrid_core.curation.queue import QueueFilters, shuffle_start


class SqlInjectedSeeds:
    """InjectedSeeds in SQL."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, seed: InjectedSeed) -> bool:
        """Record it and tell whether it is new; a known one never changes."""
        return insert_new(self._session, InjectedSeedRow, InjectedSeedRow.values(seed))

    def of(self, detection_ids: Sequence[str]) -> Mapping[str, InjectedSeed]:
        """Return the injected ones among these, by detection."""
        rows = read_in(self._session, select(InjectedSeedRow), InjectedSeedRow.detection_id, detection_ids)
        return {row.detection_id: row.entity() for row in rows}

    def known(self, login: str, *, filters: QueueFilters, at: datetime, limit: int) -> Sequence[ReviewItem]:
        """Return those which the curator may be given at this time, shuffled."""
        wanted = select(InjectedSeedRow).where(*fitting(filters, InjectedSeedRow), is_free(login, at, InjectedSeedRow))
        start = shuffle_start(login, filters.night)
        return [
            row.item() for row in shuffled(self._session, wanted, InjectedSeedRow.shuffle, start=start, limit=limit)
        ]
