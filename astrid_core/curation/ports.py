"""What the curation domain needs from outside."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from astrid_core.curation.access import OURS
from astrid_core.curation.api_keys import ApiKey
from astrid_core.curation.audit import Fault, Head
from astrid_core.curation.entities import (
    Claim,
    Curator,
    InjectedSeed,
    ReviewItem,
    ReviewState,
    Seed,
    ValidationEvent,
)
from astrid_core.curation.queue import QueueFilters, QueueOrder, QueuePlace
from astrid_core.shared.events import DomainEvent


class Curators(Protocol):
    """The people of the project and their roles; identity login."""

    def lock(self) -> None:
        """Let nobody else change a role until this transaction ends."""
        ...

    def add(self, curator: Curator, *, source: str = OURS) -> bool:
        """Record somebody, and their roles in place of those that ``source`` gave before; tell whether that is new."""
        ...

    def find(self, login: str, *, source: str | None = None) -> Curator | None:
        """Return them with the roles of every source, or of one; None if nobody has the name."""
        ...

    def all(self) -> Sequence[Curator]:
        """Return everybody with the roles of every source, by login."""
        ...


class ApiKeys(Protocol):
    """The keys of programs; identity id."""

    def add(self, key: ApiKey) -> bool:
        """Record it and tell whether it is new."""
        ...

    def find(self, key_id: str) -> ApiKey | None:
        """Return it, also where it is of no use any more; or None."""
        ...

    def all(self, *, owner: str | None = None) -> Sequence[ApiKey]:
        """Return them, oldest first, then by id."""
        ...

    def revoke(self, key_id: str, *, at: datetime) -> bool:
        """End it and tell whether it was not yet."""
        ...

    def touch(self, key_id: str, *, at: datetime) -> None:
        """Record that it was used."""
        ...


class AuditTrail(Protocol):
    """What an auditor reads of events and verdicts: rows as they are stored, not as they should be."""

    def head(self) -> Head | None:
        """Return the last event of the log; None for an empty one."""
        ...

    def events(self) -> Iterable[DomainEvent | Fault]:
        """Return every event by its number; a fault for a row that we would not have stored like that."""
        ...

    def verdicts(self) -> Iterable[ValidationEvent | Fault]:
        """Return every verdict, in any order; a fault for a row that we would not have stored like that."""
        ...

    def search(
        self,
        *,
        subject: str | None = None,
        actor: str | None = None,
        since: datetime | None = None,
        behind: int = 0,
        limit: int = 100,
    ) -> Sequence[DomainEvent]:
        """Return events with higher numbers than ``behind``, oldest first."""
        ...


class ValidationEvents(Protocol):
    """The record of verdicts; append-only."""

    def add(self, *events: ValidationEvent) -> bool:
        """Record them, each behind what it supersedes, and tell whether all are new."""
        ...

    def find(self, event_id: UUID) -> ValidationEvent | None:
        """Return it, or None."""
        ...

    def of(self, event_ids: Sequence[UUID]) -> Mapping[UUID, ValidationEvent]:
        """Return those that are on record, by identity."""
        ...

    def all(self) -> Sequence[ValidationEvent]:
        """Return every verdict, oldest first, superseded ones included."""
        ...

    def of_detections(self, detection_ids: Sequence[str]) -> Sequence[ValidationEvent]:
        """Return the verdicts on these detections, oldest first, superseded ones included."""
        ...

    def of_curator(self, login: str, *, since: datetime) -> Sequence[ValidationEvent]:
        """Return the verdicts of somebody from a time on, oldest first, superseded ones included."""
        ...

    def of_batch(self, batch: UUID) -> Sequence[ValidationEvent]:
        """Return the verdicts that were given in one act, oldest first, superseded ones included."""
        ...


class ReviewQueue(Protocol):
    """The detections that people judge; identity detection."""

    def add(self, item: ReviewItem) -> bool:
        """Record it and tell whether it is new; what is known of a known detection stays."""
        ...

    def put(self, *items: ReviewItem) -> None:
        """Record them, or what has become of known ones; each may be named once."""
        ...

    def of(self, detection_ids: Sequence[str]) -> Mapping[str, ReviewItem]:
        """Return these detections by identity, without those that nobody judges."""
        ...

    def waiting(
        self, login: str, *, order: QueueOrder, filters: QueueFilters, at: datetime, limit: int
    ) -> Sequence[ReviewItem]:
        """Return open detections that the curator may be given at this time, in ``order``; never a seed.

        Not those that they have judged, hold, skipped or put off, nor those that others hold or have judged as often
        as it needs. What has no number to be sorted by is left out.
        """
        ...

    def known(self, login: str, *, filters: QueueFilters, at: datetime, limit: int) -> Sequence[ReviewItem]:
        """Return detections whose answer is known (seeds, and what others have decided) and which the curator may be
        given at this time, shuffled.
        """
        ...

    def page(
        self,
        *,
        order: QueueOrder,
        filters: QueueFilters,
        states: Collection[ReviewState],
        behind: QueuePlace | None = None,
        limit: int = 100,
    ) -> Sequence[ReviewItem]:
        """Return detections in these states, in ``order``, whoever holds or has judged them; planted seeds included."""
        ...

    def decided(self) -> Sequence[ReviewItem]:
        """Return every detection with a final verdict, ordered by identity."""
        ...

    def counts(self, filters: QueueFilters) -> Mapping[ReviewState, int]:
        """Return how many detections are in each state."""
        ...

    def lock(self) -> None:
        """Hold back others who give out detections until this transaction ends."""
        ...

    def lock_votes(self, login: str, detection_ids: Sequence[str] = ()) -> None:
        """Hold back others who act for this curator, or count votes on these detections, until this transaction ends.

        Whoever takes several locks takes that of the queue first, then these, that of the catalog and that of the
        event log: then nobody waits in a circle.
        """
        ...


class Claims(Protocol):
    """Who holds, skips or has judged what; identity detection and login."""

    def put(self, claims: Sequence[Claim]) -> None:
        """Record them, or what has become of them; each may be named once."""
        ...

    def of(self, login: str, detection_ids: Sequence[str]) -> Mapping[str, Claim]:
        """Return what the curator has to do with these detections, by detection."""
        ...

    def held(self, login: str, *, at: datetime) -> Sequence[Claim]:
        """Return what is kept for the curator at this time, by the end of the lease, then by detection."""
        ...

    def count(self, login: str) -> int:
        """Return how many detections the curator has ever had to do with."""
        ...


class Seeds(Protocol):
    """Detections whose answer is known; identity detection."""

    def add(self, seed: Seed) -> bool:
        """Record it and tell whether it is new; a known one never changes."""
        ...

    def of(self, detection_ids: Sequence[str]) -> Mapping[str, Seed]:
        """Return the seeds among these detections, by detection."""
        ...


class InjectedSeeds(Protocol):
    """Injected sources that are shown as if they were detections, apart from these; identity detection."""

    def add(self, seed: InjectedSeed) -> bool:
        """Record it and tell whether it is new; a known one never changes."""
        ...

    def of(self, detection_ids: Sequence[str]) -> Mapping[str, InjectedSeed]:
        """Return the injected ones among these, by detection."""
        ...

    def known(self, login: str, *, filters: QueueFilters, at: datetime, limit: int) -> Sequence[ReviewItem]:
        """Return those which the curator may be given at this time, shuffled."""
        ...
