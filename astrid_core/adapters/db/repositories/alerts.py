"""What was said of objects, to whom, and whether it arrived, in the database."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Select, exists, func, or_, select
from sqlalchemy.orm import Session, aliased

from astrid_core.adapters.db.locks import Lock, take
from astrid_core.adapters.db.repositories.statements import insert_all_new, insert_or_replace, read, read_in
from astrid_core.adapters.db.rows.alerts import AlertChannelRow, AlertRow, AnnouncementRow
from astrid_core.alerts.entities import UNSENT, Alert, AlertKind, AlertState, Announcement, Channel
from astrid_core.shared.errors import UnknownRecord

_AHEAD = sorted(state.value for state in {*UNSENT, AlertState.PENDING})
"""What holds up later alerts on the same object."""
_ROWS = 500
"""Rows in one statement: the parameters of SQLite are limited."""


class SqlAlerts:
    """Alerts in SQL."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def channels(self, *, closed: bool = False) -> Sequence[Channel]:
        """Return those that are open, or with ``closed`` all that ever were, by name."""
        wanted = select(AlertChannelRow).order_by(AlertChannelRow.name)
        if not closed:
            wanted = wanted.where(AlertChannelRow.is_open)
        return tuple(row.entity() for row in read(self._session, wanted))

    def open(self, channels: Sequence[Channel]) -> bool:
        """Let these be the open ones, and tell whether that changes anything."""
        named = {one.name for one in channels}
        closed = [one for one in self.channels() if one.name not in named]
        values = [AlertChannelRow.values(one, is_open=True) for one in channels]
        values += [AlertChannelRow.values(one, is_open=False) for one in closed]
        return insert_or_replace(self._session, AlertChannelRow, *values) if values else False

    def add(self, announcements: Sequence[Announcement], alerts: Sequence[Alert]) -> None:
        """Record what is said of objects, and to whom; what was said never changes."""
        values = [AnnouncementRow.values(one) for one in announcements]
        for start in range(0, len(values), _ROWS):
            insert_all_new(self._session, AnnouncementRow, values[start : start + _ROWS])
        self.put(alerts)

    def put(self, alerts: Sequence[Alert]) -> None:
        """Record what has become of known alerts."""
        values = [AlertRow.values(one) for one in alerts]
        for start in range(0, len(values), _ROWS):
            insert_or_replace(self._session, AlertRow, *values[start : start + _ROWS])

    def of(self, entry_ids: Sequence[UUID]) -> Mapping[UUID, Sequence[Alert]]:
        """Return every alert on these objects, by object; each in the order of versions, then channels."""
        found: dict[UUID, list[Alert]] = {}
        rows = read_in(self._session, select(AlertRow), AlertRow.entry_id, entry_ids)
        for row in sorted(rows, key=lambda row: (row.entry_id, row.version, row.channel)):
            found.setdefault(row.entry_id, []).append(row.entity())
        return found

    def announcement(self, entry_id: UUID, version: int) -> Announcement:
        """Return it, or raise UnknownRecord."""
        row = AnnouncementRow
        found = read(self._session, select(row).where(row.entry_id == entry_id, row.version == version))
        if not found:
            raise UnknownRecord("nothing was said of this object in this version", entry=entry_id, version=version)
        return found[0].entity()

    def search(
        self,
        *,
        state: AlertState | None = None,
        channel: str | None = None,
        batch: str | None = None,
        limit: int | None = None,
    ) -> Sequence[Alert]:
        """Return alerts in the order in which they were raised, then by object and version."""
        wanted = _ordered(select(AlertRow)).limit(limit)
        if state is not None:
            wanted = wanted.where(AlertRow.state == state.value)
        if channel is not None:
            wanted = wanted.where(AlertRow.channel == channel)
        if batch is not None:
            wanted = wanted.where(AlertRow.batch == batch)
        return tuple(row.entity() for row in read(self._session, wanted))

    def due(self, channel: str, *, at: datetime, limit: int) -> Sequence[Alert]:
        """Return pending alerts that may be sent now, in the order of ``search``, of each object only the first."""
        ahead = aliased(AlertRow)
        waits = exists().where(
            ahead.entry_id == AlertRow.entry_id,
            ahead.channel == AlertRow.channel,
            ahead.version < AlertRow.version,
            ahead.state.in_(_AHEAD),
        )
        wanted = select(AlertRow).where(
            AlertRow.channel == channel,
            AlertRow.state == AlertState.PENDING.value,
            or_(AlertRow.try_after.is_(None), AlertRow.try_after <= at),
            ~waits,
        )
        return tuple(row.entity() for row in read(self._session, _ordered(wanted).limit(limit)))

    def busy(self) -> Sequence[Channel]:
        """Return the channels, also closed ones, for which alerts are pending, by name."""
        pending = exists().where(AlertRow.channel == AlertChannelRow.name, AlertRow.state == AlertState.PENDING.value)
        wanted = select(AlertChannelRow).where(pending).order_by(AlertChannelRow.name)
        return tuple(row.entity() for row in read(self._session, wanted))

    def counts(self, channel: str, *, limit: int) -> Sequence[int]:
        """Return how many alerts but retractions the newest batches of a channel held, newest first."""
        newest = func.max(AlertRow.raised_at)
        wanted = (
            select(func.count())
            .where(AlertRow.channel == channel, AlertRow.batch != "", _counts())
            .group_by(AlertRow.batch)
            .order_by(newest.desc(), AlertRow.batch)
            .limit(limit)
        )
        return tuple(self._session.scalars(wanted).all())

    def count_since(self, channel: str, since: datetime) -> int:
        """Return how many alerts but retractions were raised from a time on and not dropped."""
        wanted = select(func.count()).where(
            AlertRow.channel == channel,
            AlertRow.raised_at >= since,
            AlertRow.state != AlertState.DROPPED.value,
            _counts(),
        )
        return self._session.scalar(wanted) or 0

    def lock(self) -> None:
        """Hold back others who take alerts until this transaction ends."""
        take(self._session.connection(), Lock.TAKE_ALERTS)


def _counts() -> ColumnElement[bool]:
    return AlertRow.kind != AlertKind.RETRACTION.value


def _ordered(wanted: Select[AlertRow]) -> Select[AlertRow]:
    return wanted.order_by(AlertRow.raised_at, AlertRow.entry_id, AlertRow.version, AlertRow.channel)
