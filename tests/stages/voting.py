"""A night whose detections people judge: three reviewers, an arbiter, and as many detections as a test wants."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from astrid_core.catalog.config import PublishConfig
from astrid_core.curation.access import Role
from astrid_core.curation.config import CurateConfig
from astrid_core.curation.entities import ReviewItem, ValidationEvent, Verdict
from astrid_core.differencing.entities import ReferenceImage, ReferenceStatus
from astrid_core.shared.artifacts import ArtifactRef
from astrid_core.shared.runs import RunKey
from astrid_core.shared.sky import SkyCell
from astrid_core.stages.access import grant_role
from astrid_core.stages.curate import run_curate
from astrid_core.stages.publish import run_publish
from astrid_core.stages.review import record_verdict
from astrid_core.stages.services import Records, Services
from tests.catalog.night import NIGHT, REFERENCE_DIGEST, difference_run, model_run, observation, preprocess_run
from tests.fakes.artifacts import MemoryArtifacts
from tests.fakes.models import MemoryModels
from tests.fakes.records import MemoryDatabase

NOW = datetime(2026, 1, 1, 20, tzinfo=UTC)
REVIEWERS, ARBITER = ("ana", "bo", "cy"), "dora"


@dataclass
class Voting:
    """The services, the detections from the highest score down, and a clock."""

    services: Services
    ids: tuple[str, ...]
    key: RunKey
    n_said: int = 0

    def say(
        self, login: str, number: int, verdict: Verdict, *, role: Role = Role.REVIEWER, **told: Any
    ) -> ValidationEvent:
        """Record a verdict on one of the detections, a second after the last one."""
        self.n_said += 1
        return record_verdict(
            self.services,
            event_id=UUID(int=self.n_said),
            detection_id=self.ids[number],
            login=login,
            verdict=verdict,
            role=role,
            at=self.now,
            **told,
        )

    @property
    def now(self) -> datetime:
        return NOW + timedelta(seconds=self.n_said)

    def item(self, number: int) -> ReviewItem:
        with self.services.transaction() as records:
            return records.review_queue.of([self.ids[number]])[self.ids[number]]

    def state(self) -> tuple[object, ...]:
        """Return everything that verdicts change, except the verdicts and the log themselves."""
        with self.services.transaction() as records:
            items = records.review_queue.of(self.ids)
            claims = {login: records.claims.of(login, self.ids) for login in (*REVIEWERS, ARBITER)}
            free = {
                (login, one): one not in known or known[one].is_free(self.now)
                for login, known in claims.items()
                for one in self.ids
            }
            return dict(items), free, records.catalog.search()

    def publish(self) -> None:
        run_publish(self.services, "demo", NIGHT, PublishConfig(), [self.key])


def services_on(transaction: Callable[[], AbstractContextManager[Records]]) -> Services:
    return Services(artifacts=MemoryArtifacts(), models=MemoryModels(), surveys={}, transaction=transaction)


def voting(
    n: int = 3,
    *,
    transaction: Callable[[], AbstractContextManager[Records]] | None = None,
    config: CurateConfig | None = None,
) -> Voting:
    """Return a night with ``n`` detections in the queue, scored from 0.99 down."""
    services = services_on(transaction or MemoryDatabase().transaction)
    seen = replace(observation(1), radius_deg=1.0)
    places = [(10.0 + 4.0 * (number % 20), 10.0 + 4.0 * (number // 20), 50.0 - 0.01 * number) for number in range(n)]
    difference = difference_run(seen, places)
    scored = model_run(difference, [0.99 - 0.4 * number / n for number in range(n)])
    with services.transaction() as records:
        records.observations.add(seen)
        records.preprocess_runs.add(preprocess_run(seen))
        records.references.add(REFERENCE)
        records.difference_runs.add(difference)
        records.model_runs.add(scored)
    for login in REVIEWERS:
        grant_role(services, login=login, role=Role.REVIEWER)
    grant_role(services, login=ARBITER, role=Role.ARBITER)
    run_curate(services, scored.key, config or CurateConfig())
    return Voting(services=services, ids=tuple(one.id for one in scored.detections), key=scored.key)


def names(services: Services) -> Sequence[str]:
    with services.transaction() as records:
        return [event.name for event in records.events.all()]


REFERENCE = ReferenceImage(
    image=ArtifactRef(digest=REFERENCE_DIGEST, media_type="image/fits", n_bytes=1),
    family="pointing-12/1",
    status=ReferenceStatus.ACTIVE,
    cell=SkyCell(order=6, number=1),
    band="r",
    survey="demo",
    version=1,
    position=observation(1).position,
    radius_deg=0.02,
    inputs=(),
    nights=("2024-01-01",),
    fwhm_pix=2.5,
    sky_rms=5.0,
    recipe=RunKey("reference-1"),
)


def releasable() -> Voting:
    """A published night; Olga operates and may release, Dan may release."""
    night = voting(3)
    night.publish()
    for role in (Role.OPERATOR, Role.DATA_RELEASE):
        grant_role(night.services, login="olga", role=role)
    grant_role(night.services, login="dan", role=Role.DATA_RELEASE)
    return night
