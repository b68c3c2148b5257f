"""The verdicts on some detections inside one transaction: counted as they are given and taken back."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

import structlog

from astrid_core.curation.access import Role
from astrid_core.curation.config import N_VOTES
from astrid_core.curation.consensus import counted
from astrid_core.curation.entities import Claim, ReviewItem, ValidationEvent, Verdict
from astrid_core.curation.queue import review_item
from astrid_core.curation.verdicts import history, not_taken_back, undo_id
from astrid_core.curation.vocabulary import CURRENT
from astrid_core.shared.errors import Conflict, NotAllowed
from astrid_core.shared.events import Told
from astrid_core.stages.objects import refresh_entries
from astrid_core.stages.services import Records

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Vote:
    """What somebody says of a detection; the identity is theirs to choose."""

    event_id: UUID
    detection_id: str
    verdict: Verdict
    reason: str = ""
    comment: str = ""
    confidence: int | None = None
    seconds: float | None = None
    is_blind: bool = False
    score_shown: bool = True
    role: Role = Role.REVIEWER


@dataclass(frozen=True, slots=True, kw_only=True)
class Votes:
    """What is on record of some detections, kept up to date with every verdict that is added."""

    records: Records
    added: list[ValidationEvent]
    told: list[Told]
    """What the event log is to be told."""
    known: dict[UUID, ValidationEvent]
    """Those that are on record of the verdicts that are given."""
    events: dict[str, list[ValidationEvent]]
    items: dict[str, ReviewItem]
    before: dict[str, ReviewItem]
    claims: dict[str, Claim]
    """Of whoever acts, by detection."""
    seeds: frozenset[str]
    injected: frozenset[str]
    """Seeds that are not in the sky: nobody's verdict on them tells of anything but whoever gives it."""

    @classmethod
    def read(
        cls, records: Records, login: str, detection_ids: Sequence[str], *, event_ids: Sequence[UUID] = ()
    ) -> "Votes":
        """Hold back all others who vote on these, then look: nobody may count what another is changing.

        ``event_ids`` are those of verdicts that will be given.
        """
        ids = sorted(set(detection_ids))
        injected = records.injected_seeds.of(ids)
        detections = records.model_runs.detections([one for one in ids if one not in injected])
        records.review_queue.lock_votes(login, ids)
        items = {**records.review_queue.of(ids), **{one: seed.item for one, seed in injected.items()}}
        for one in ids:
            if one not in items:
                run = records.model_runs.get(detections[one].model_run)
                observation = records.observations.get(run.observation_id)
                items[one] = review_item(detections[one], observation, n_needed=N_VOTES)
        events: dict[str, list[ValidationEvent]] = {one: [] for one in ids}
        for event in records.validation_events.of_detections(ids):
            events[event.detection_id].append(event)
        seeds = frozenset(records.seeds.of(ids))
        return cls(
            records=records,
            added=[],
            told=[],
            known=dict(records.validation_events.of(event_ids)),
            events=events,
            items=items,
            before=dict(items),
            claims=dict(records.claims.of(login, ids)),
            seeds=seeds,
            injected=frozenset(injected),
        )

    def give(self, vote: Vote, *, login: str, batch: UUID | None, at: datetime) -> ValidationEvent:
        """Record a verdict and return it; one that is on record already is returned as it is there."""
        known = self.known.get(vote.event_id)
        own = [event for event in self.events[vote.detection_id] if event.curator == login]
        is_seed = vote.detection_id in self.injected or (
            vote.role is Role.REVIEWER and vote.detection_id in self.seeds
        )  # fmt: skip
        event = ValidationEvent(
            id=vote.event_id,
            detection_id=vote.detection_id,
            curator=login,
            verdict=vote.verdict,
            reason=vote.reason,
            vocabulary=CURRENT.version,
            comment=vote.comment,
            confidence=vote.confidence,
            seconds=vote.seconds,
            is_blind=vote.is_blind,
            score_shown=vote.score_shown,
            role=vote.role,
            # Whoever voted before the answer was known goes on being counted.
            is_seed=is_seed and all(one.is_seed for one in own),
            batch=batch,
            at=at,
            supersedes=history(own)[-1].id if own else None,
        )
        if known is not None:
            return _same(known, event)
        if vote.verdict is Verdict.WITHDRAWN:
            message = "a verdict is taken back by withdraw()"
            raise ValueError(message)
        CURRENT.check(vote.verdict, vote.reason)
        if own and {one.role for one in own} != {vote.role}:
            raise NotAllowed(
                "nobody both votes on a detection and arbitrates it",
                login=login,
                detection=vote.detection_id,
                role=vote.role.value,
            )
        return self._add("verdict.recorded", event)

    def may_take_back(self, event: ValidationEvent) -> bool:
        """Tell whether a verdict stands, or was taken back already."""
        own = self._own(event)
        return not_taken_back(own)[-1:] == [event] or undo_id(event.id) in {one.id for one in own}

    def take_back(self, event: ValidationEvent, *, at: datetime) -> ValidationEvent:
        """Record that a verdict is taken back, and return that; what was said before stands again."""
        own = self._own(event)
        for known in own:
            if known.id == undo_id(event.id):
                return known
        kept = not_taken_back(own)
        if event not in kept:
            raise Conflict("this takes a verdict back itself", event=event.id)
        if kept[-1] != event:
            raise Conflict("the verdict was replaced since", event=event.id, by=kept[-1].id)
        # Without anything before, what was given for the verdict goes with it.
        earlier = kept[-2] if len(kept) > 1 else replace(event, verdict=Verdict.WITHDRAWN, reason="", comment="")
        undo = replace(earlier, id=undo_id(event.id), batch=None, at=at, supersedes=history(own)[-1].id)
        return self._add("verdict.withdrawn", undo)

    def publish(self) -> None:
        """Write down what was given and taken back: the verdicts, what they add up to, and that it happened.

        Objects of the catalog are brought up to date where a final verdict changed. The event log comes last: whoever
        writes there holds up everybody else.
        """
        if not self.records.validation_events.add(*self.added):
            raise Conflict("a verdict of this identity was just recorded", events=[event.id for event in self.added])
        judged = {event.detection_id for event in self.added}
        self.records.review_queue.put(*(self.items[one] for one in sorted(judged - self.injected)))
        self.records.claims.put([self.claims[one] for one in sorted(judged)])
        changed = [one for one, item in self.items.items() if item.verdict is not self.before[one].verdict]
        if changed:
            self.records.catalog.lock()
            refresh_entries(self.records, sorted(set(self.records.catalog.published(changed).values())))
        self.records.events.append_all(self.told)

    def _own(self, event: ValidationEvent) -> list[ValidationEvent]:
        return [one for one in self.events[event.detection_id] if one.curator == event.curator]

    def _add(self, name: str, event: ValidationEvent) -> ValidationEvent:
        one = event.detection_id
        self.events[one].append(event)
        before, after = self.items[one], counted(self.items[one], self.events[one])
        self.items[one] = after
        self.added.append(event)
        self.known[event.id] = event
        claim = self.claims.get(one) or Claim(detection_id=one, login=event.curator, until=event.at)
        self.claims[one] = replace(claim, is_answered=event.verdict is not Verdict.WITHDRAWN)
        facts: dict[str, object] = {
            "event": str(event.id),
            "curator": event.curator,
            "role": event.role.value,
            "verdict": event.verdict.value,
            "reason": event.reason,
            "batch": None if event.batch is None else str(event.batch),
            "before": before.state.value,
            "after": after.state.value,
            "digest": event.digest,
        }
        self.told.append(Told(name=name, subject=one, facts=facts))
        log.info(name, detection=one, curator=event.curator, verdict=event.verdict.value)
        return event


def _same(known: ValidationEvent, event: ValidationEvent) -> ValidationEvent:
    """Return what is on record if it is what somebody asks for once more."""
    ours = {name: getattr(known, name) for name in ("at", "supersedes", "vocabulary", "is_seed")}
    if replace(event, **ours) != known:
        raise Conflict("a verdict of this identity is on record with another content", event=known.id)
    return known
