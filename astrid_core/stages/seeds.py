"""Detections whose answer somebody knows: shown to curators as if it were open."""

import structlog

from astrid_core.curation.access import Permission
from astrid_core.curation.config import N_VOTES
from astrid_core.curation.entities import Seed, Verdict
from astrid_core.curation.queue import review_item
from astrid_core.shared.errors import Conflict
from astrid_core.stages.access import require_permission
from astrid_core.stages.services import Services

log = structlog.get_logger(__name__)


def plant_seed(services: Services, *, detection_id: str, answer: Verdict, origin: str, login: str) -> bool:
    """Make a detection a seed and tell whether it was none; ``origin`` says where the answer is from.

    From now on every vote on it tells about whoever gives it, and nothing about the detection. Raise NotAllowed for
    somebody who may not arbitrate, UnknownRecord without such a detection, and Conflict where people have begun to
    judge it, or where it is a seed with another answer.
    """
    if not origin.strip():
        message = "a seed needs an origin"
        raise ValueError(message)
    seed = Seed(detection_id=detection_id, answer=answer, origin=origin)
    with services.transaction() as records:
        require_permission(records, login, Permission.ARBITRATE)
        records.review_queue.lock_votes(login, [detection_id])
        known = records.seeds.of([detection_id]).get(detection_id)
        if known is not None and known.answer is not answer:
            raise Conflict("it is a seed with another answer", detection=detection_id, answer=known.answer.value)
        if known is not None:
            return False
        detection = records.model_runs.detection(detection_id)
        item = records.review_queue.of([detection_id]).get(detection_id)
        if item is not None and item.verdict is None and item.n_given:
            raise Conflict("people have begun to judge it", detection=detection_id, n_votes=item.n_given)
        if item is None:
            run = records.model_runs.get(detection.model_run)
            observation = records.observations.get(run.observation_id)
            records.review_queue.add(review_item(detection, observation, n_needed=N_VOTES))
        records.seeds.add(seed)
        facts = {"curator": login, "answer": answer.value, "origin": origin}
        records.events.append("seed.planted", subject=detection_id, facts=facts)
    log.info("seed.planted", detection=detection_id, curator=login)
    return True
