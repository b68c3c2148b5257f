"""References and differences, in the database."""

from collections.abc import Sequence

from sqlalchemy import func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from astrid_core.adapters.db.locks import Lock, take
from astrid_core.adapters.db.repositories.statements import insert_new, read, read_in, read_region, typical
from astrid_core.adapters.db.rows.differencing import CandidateRow, DifferenceRunRow, NeighbourReferenceRow
from astrid_core.adapters.db.rows.references import ReferenceImageRow
from astrid_core.differencing.entities import Candidate, Comparison, DifferenceRun, ReferenceImage, ReferenceStatus
from astrid_core.shared.errors import NotAllowed, UnknownRecord
from astrid_core.shared.runs import RunKey
from astrid_core.shared.sky import Region, SkyCell, SkyPosition, separation_arcsec


class SqlReferenceImages:
    """ReferenceImages in SQL."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, reference: ReferenceImage) -> bool:
        """Record it and tell whether it is new; an existing digest changes nothing."""
        return insert_new(self._session, ReferenceImageRow, ReferenceImageRow.values(reference))

    def get(self, digest: str) -> ReferenceImage:
        """Return it, or raise UnknownRecord."""
        found = read(self._session, select(ReferenceImageRow).where(ReferenceImageRow.digest == digest))
        if not found:
            raise UnknownRecord("no such reference", digest=digest)
        return found[0].entity()

    def search(
        self,
        *,
        region: Region | None = None,
        cell: SkyCell | None = None,
        band: str | None = None,
        status: ReferenceStatus | None = None,
    ) -> Sequence[ReferenceImage]:
        """Return references (by their centre), ordered by cell, band, version, digest."""
        wanted = select(ReferenceImageRow)
        if cell is not None:
            wanted = wanted.where(
                ReferenceImageRow.cell_order == cell.order, ReferenceImageRow.cell_number == cell.number
            )
        if band is not None:
            wanted = wanted.where(ReferenceImageRow.band == band)
        if status is not None:
            wanted = wanted.where(ReferenceImageRow.status == status.value)
        if region is None:
            rows = list(read(self._session, wanted))
        else:
            rows = read_region(self._session, wanted, ReferenceImageRow.hpx29, region)
        return tuple(
            sorted((row.entity() for row in rows), key=lambda one: (one.cell, one.band, one.version, one.digest))
        )

    def meeting(
        self, position: SkyPosition, radius_deg: float, *, status: ReferenceStatus | None = None
    ) -> Sequence[ReferenceImage]:
        """Return references whose circles meet a circle on the sky, in the same order."""
        largest = self._session.execute(select(func.max(ReferenceImageRow.radius_deg))).scalar() or 0.0
        reach = Region.cone(position, radius_deg=min(90.0, max(radius_deg + largest, 1e-6)))
        return tuple(
            one
            for one in self.search(region=reach, status=status)
            if separation_arcsec(one.position, position) / 3600.0 < radius_deg + one.radius_deg
        )

    def set_status(self, digest: str, status: ReferenceStatus) -> None:
        """Change what a reference may be used for; NotAllowed for a second active one of a key."""
        self.get(digest)
        try:
            with self._session.begin_nested():
                self._session.execute(
                    update(ReferenceImageRow).where(ReferenceImageRow.digest == digest).values(status=status.value)
                )
        except IntegrityError as error:
            raise NotAllowed("two active references of one key", digest=digest) from error

    def lock(self) -> None:
        """Hold back other builders until this transaction ends: a version is counted, then given."""
        take(self._session.connection(), Lock.NUMBER_REFERENCE)


class SqlDifferenceRuns:
    """DifferenceRuns in SQL."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def add(self, run: DifferenceRun) -> bool:
        """Record it with its candidates and tell whether it is new; an existing key changes nothing."""
        strangers = [one.id for one in run.candidates if one.run != run.key]
        if strangers:
            message = f"candidate {strangers[0]} is not of {run.key}"
            raise ValueError(message)
        is_new = insert_new(self._session, DifferenceRunRow, DifferenceRunRow.values(run))
        if is_new and len(run.reference_digests) > 1:
            self._session.execute(insert(NeighbourReferenceRow), NeighbourReferenceRow.values_of_all(run))
        if is_new and run.candidates:
            self._session.execute(insert(CandidateRow), CandidateRow.values_of_all(run.candidates))
        return is_new

    def get(self, key: RunKey) -> DifferenceRun:
        """Return it, or raise UnknownRecord."""
        found = self.find(key)
        if found is None:
            raise UnknownRecord("no such difference", run=key)
        return found

    def find(self, key: RunKey) -> DifferenceRun | None:
        """Return it, or None."""
        found = read(self._session, select(DifferenceRunRow).where(DifferenceRunRow.key == key))
        return self._entity(found[0]) if found else None

    def of_observation(self, observation_id: str) -> Sequence[DifferenceRun]:
        """Return every difference of an observation, ordered by key."""
        wanted = select(DifferenceRunRow).where(DifferenceRunRow.observation_id == observation_id)
        return tuple(sorted((self._entity(row) for row in read(self._session, wanted)), key=lambda run: run.key))

    def typical_s(self) -> float | None:
        """Return the median seconds of a hundred that succeeded, or of as many as there are; None without any."""
        return typical(self._session, DifferenceRunRow.elapsed_s, DifferenceRunRow.status)

    def comparisons(self, reference_digests: Sequence[str]) -> Sequence[Comparison]:
        """Return what was compared with these references, ordered by observation, run, reference."""
        wanted = list(reference_digests)
        middle = read_in(self._session, select(DifferenceRunRow), DifferenceRunRow.reference_digest, wanted)
        beside = read_in(self._session, select(NeighbourReferenceRow), NeighbourReferenceRow.reference_digest, wanted)
        runs = read_in(
            self._session, select(DifferenceRunRow), DifferenceRunRow.key, sorted({one.run for one in beside})
        )
        observation_of = {row.key: row.observation_id for row in (*middle, *runs)}
        pairs = [(row.key, row.reference_digest or "") for row in middle]
        pairs += [(row.run, row.reference_digest) for row in beside]
        found = [
            Comparison(observation_id=observation_of[run], run=RunKey(run), reference_digest=digest)
            for run, digest in pairs
        ]
        return tuple(sorted(found, key=lambda one: (one.observation_id, one.run, one.reference_digest)))

    def _entity(self, row: DifferenceRunRow) -> DifferenceRun:
        beside = select(NeighbourReferenceRow).where(NeighbourReferenceRow.run == row.key)
        neighbours = read(self._session, beside.order_by(NeighbourReferenceRow.number))
        return row.entity(candidates_of(self._session, RunKey(row.key)), [one.reference_digest for one in neighbours])


def candidates_of(session: Session, key: RunKey) -> tuple[Candidate, ...]:
    """Return the candidates of a difference in the order of their numbers."""
    wanted = select(CandidateRow).where(CandidateRow.run == key).order_by(CandidateRow.number)
    return tuple(row.entity() for row in read(session, wanted))
