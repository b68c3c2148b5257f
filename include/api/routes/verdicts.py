"""What people say of detections, what it adds up to, and how far they agree."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from astrid_core.adapters.db.reading.detections import find_detection, find_detections
from astrid_core.curation.access import Permission, Principal, Role
from astrid_core.curation.entities import ReviewState, ValidationEvent, Verdict
from astrid_core.curation.queue import QueueFilters
from astrid_core.curation.verdicts import standing
from astrid_core.curation.vocabulary import CURRENT
from astrid_core.stages.review import record_many, verdicts_of, withdraw
from astrid_core.stages.review_agreement import agreement_of, consensus_of
from astrid_core.stages.review_queue import arbitration_queue
from astrid_core.stages.votes import Vote
from include.api.acting import Acting
from include.api.agreement import AgreementShape, PairShape, completeness_shape, confusion_shapes
from include.api.context import Context, context_of
from include.api.identity import Arbiter, Judge, Reader
from include.api.paging import LARGEST, Listed
from include.api.queries import Night
from include.api.routes.detections import DetectionId, detection_shape
from include.api.routes.queue import filters_of
from include.api.votes import (
    BatchBody,
    DisputedShape,
    JudgedShape,
    TermShape,
    VerdictBody,
    VerdictShape,
    VocabularyShape,
    consensus_shape,
    verdict_shape,
)

router = APIRouter(tags=["verdicts"])
_FINAL = (ReviewState.AGREED, ReviewState.ARBITRATED)


@router.get("/vocabulary")
async def vocabulary(_: Reader) -> VocabularyShape:
    """Show the reasons that may be given for a verdict."""
    reasons = {
        verdict: [TermShape(code=term.code, title=term.title) for term in terms]
        for verdict, terms in CURRENT.reasons.items()
    }
    return VocabularyShape(version=CURRENT.version, reasons=reasons)


@router.post("/verdicts")
async def judge(person: Judge, act: Acting, body: VerdictBody) -> VerdictShape:
    """Record a verdict. Sent again, the same verdict changes nothing; its identity with another content conflicts."""
    (said,) = await _record(person, act, [body], batch=None, role=Role.REVIEWER)
    return said


@router.post("/verdicts/batch")
async def judge_many(person: Judge, act: Acting, body: BatchBody) -> list[VerdictShape]:
    """Record several verdicts, all or none; the batch is what takes them back together."""
    return await _record(person, act, body.verdicts, batch=body.batch, role=Role.REVIEWER)


@router.post("/verdicts/{verdict_id}/withdraw")
async def take_back(person: Judge, act: Acting, verdict_id: UUID) -> list[VerdictShape]:
    """Take a verdict back: what was said before stands again. Sent again, it changes nothing."""
    return [
        verdict_shape(one) for one in await act(withdraw, event_id=verdict_id, login=person.login, at=datetime.now(UTC))
    ]


@router.post("/verdicts/batch/{batch}/withdraw")
async def take_back_many(person: Judge, act: Acting, batch: UUID) -> list[VerdictShape]:
    """Take back what still stands of a batch."""
    return [verdict_shape(one) for one in await act(withdraw, batch=batch, login=person.login, at=datetime.now(UTC))]


@router.get("/detections/{detection_id}/verdicts")
async def verdicts(
    person: Reader, act: Acting, context: Annotated[Context, Depends(context_of)], detection_id: DetectionId
) -> JudgedShape:
    """List the verdicts on a detection, oldest first.

    Whoever may still vote sees only their own: votes are independent. Arbiters, and those who do not judge, see all.
    """
    async with context.reading.reading() as connection:
        await find_detection(connection, detection_id)
    said = await act(verdicts_of, detection_id=detection_id)
    found = (await act(consensus_of, detection_ids=[detection_id]))[detection_id]
    own = [one for one in said if one.curator == person.login]
    has_voted = any(one.verdict is not Verdict.WITHDRAWN and not one.is_seed for one in standing(own))
    may_vote = Permission.JUDGE in person.permissions and Permission.ARBITRATE not in person.permissions
    if may_vote and not (has_voted and found.state in _FINAL):
        return JudgedShape(items=[verdict_shape(one) for one in own], consensus=None)
    return JudgedShape(items=[verdict_shape(one) for one in said], consensus=consensus_shape(found))


@router.get("/arbitrations")
async def disputed(
    person: Arbiter,
    act: Acting,
    context: Annotated[Context, Depends(context_of)],
    filters: Annotated[QueueFilters, Depends(filters_of)],
    limit: Annotated[int, Query(ge=1, le=LARGEST)] = 50,
) -> Listed[DisputedShape]:
    """List what whoever asks may settle, what is farthest apart first: nothing that they have voted on."""
    items = await act(arbitration_queue, login=person.login, filters=filters, limit=limit)
    ids = [one.detection_id for one in items]
    found = await act(consensus_of, detection_ids=ids)
    said: Mapping[str, list[ValidationEvent]] = defaultdict(list)
    for one in ids:
        said[one].extend(await act(verdicts_of, detection_id=one))
    async with context.reading.reading() as connection:
        facts = await find_detections(connection, ids)
    shapes = [
        DisputedShape(
            **dict(detection_shape(**one)),
            verdicts=[verdict_shape(event) for event in said[one["id"]]],
            consensus=consensus_shape(found[one["id"]]),
        )
        for one in facts
    ]
    return Listed(items=shapes, next=None)


@router.post("/arbitrations")
async def arbitrate(person: Arbiter, act: Acting, body: VerdictBody) -> VerdictShape:
    """Settle what others disagree about; not permitted to somebody who has voted on it."""
    (said,) = await _record(person, act, [body], batch=None, role=Role.ARBITER)
    return said


@router.get("/agreement")
async def agreement(person: Reader, act: Acting, night: Night = None) -> AgreementShape:
    """Tell how far people agree; how well each judges is told to themselves, to arbiters and to auditors."""
    found = await act(agreement_of, night=night)
    oversees = bool(person.permissions & {Permission.ARBITRATE, Permission.AUDIT})
    pairs = [
        PairShape(logins=pair, n_both=found.n_both.get(pair, 0), cohen_kappa=kappa)
        for pair, kappa in sorted(found.cohen_kappa.items())
        if oversees or person.login in pair
    ]
    seen = {
        name: {login: one for login, one in said.items() if oversees or login == person.login}
        for name, said in (("against_seeds", found.against_seeds), ("against_final", found.against_final))
    }
    return AgreementShape(
        n_detections=found.n_detections,
        n_votes=found.n_votes,
        fleiss_kappa=found.fleiss_kappa,
        krippendorff_alpha=found.krippendorff_alpha,
        pairs=pairs,
        against_seeds=confusion_shapes(seen["against_seeds"]),
        against_final=confusion_shapes(seen["against_final"]),
        completeness=[
            completeness_shape(login, bins)
            for login, bins in found.completeness.items()
            if oversees or login == person.login
        ],
    )


async def _record(
    person: Principal, act: Acting, bodies: list[VerdictBody], *, batch: UUID | None, role: Role
) -> list[VerdictShape]:
    votes = [
        Vote(
            event_id=one.id,
            detection_id=one.detection,
            verdict=Verdict(one.verdict),
            reason=one.reason,
            comment=one.comment,
            confidence=one.confidence,
            seconds=one.seconds,
            is_blind=one.blind,
            score_shown=not one.blind if one.score_shown is None else one.score_shown,
            role=role,
        )
        for one in bodies
    ]
    said = await act(record_many, verdicts=votes, batch=batch, login=person.login, at=datetime.now(UTC))
    return [verdict_shape(one) for one in said]
