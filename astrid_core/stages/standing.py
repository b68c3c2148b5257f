"""Where a survey stands under today's settings: what is done, missing, out of date or set aside, and what is to do."""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from astrid_core.observations.entities import Observation, Survey
from astrid_core.shared.errors import Unprocessable
from astrid_core.shared.runs import RunStatus
from astrid_core.shared.sky import Region
from astrid_core.stages.chain import Chain, Recipe, Step, chain_of, steps_left, why_stale
from astrid_core.stages.services import Records, Services


class Standing(StrEnum):
    """What has become of an exposure."""

    DONE = "done"
    SKIPPED = "skipped"
    """It cannot be processed, and why is on record."""
    QUARANTINED = "quarantined"
    MISSING = "missing"
    """Never done so far."""
    STALE = "stale"
    """Done before, under settings or from inputs that are no longer those of today."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExposureStanding:
    """One exposure."""

    observation_id: str
    night: str
    standing: Standing
    next_step: Step | None = None
    reason: str = ""
    """Why it was skipped or set aside, or what changed since it was done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SurveyStanding:
    """All exposures that were asked for."""

    exposures: tuple[ExposureStanding, ...]
    typical_s: dict[Step, float | None]
    """What a step has cost so far, median; None where it was never done."""

    @property
    def steps(self) -> Counter[Step]:
        """How often each step is to be done to bring all up to date."""
        return Counter(step for one in self.exposures for step in steps_left(one.next_step))

    @property
    def cost_s(self) -> float | None:
        """Seconds of computing to bring all up to date; None where a step that is needed was never done."""
        steps = self.steps
        known = [(n, self.typical_s[step]) for step, n in steps.items()]
        return None if any(each is None for _, each in known) else sum(n * (each or 0.0) for n, each in known)

    def counts(self) -> Counter[tuple[Standing, str]]:
        """Return how many exposures stand how, by reason."""
        return Counter((one.standing, one.reason) for one in self.exposures)


def survey_standing(
    services: Services,
    recipe: Recipe,
    *,
    survey: str,
    nights: Collection[str] | None = None,
    region: Region | None = None,
    most: int | None = None,
) -> SurveyStanding:
    """Look up every exposure of a survey (of these nights, of a region). Nothing is computed.

    Unprocessable where these are more than ``most``, which then are not looked at.
    """
    client = services.surveys.get(survey)
    survey_of = None if client is None else client.survey
    with services.transaction() as records:
        wanted = _asked_for(records, survey, nights, region)
        if most is not None and len(wanted) > most:
            raise Unprocessable("too many exposures to look at; name a night or a region", n=len(wanted), allowed=most)
        found = tuple(_standing_of(services, records, one, survey_of, recipe) for one in wanted)
        typical = {
            Step.PREPROCESS: records.preprocess_runs.typical_s(),
            Step.DIFFERENCE: records.difference_runs.typical_s(),
            Step.DETECT: records.model_runs.typical_s(),
        }
    return SurveyStanding(exposures=found, typical_s=typical)


def _asked_for(
    records: Records, survey: str, nights: Collection[str] | None, region: Region | None
) -> Sequence[Observation]:
    if nights is None:
        return records.observations.search(survey=survey, region=region)
    # Night by night: an index leads to each, and nothing of the others is read.
    return [
        one
        for night in sorted(set(nights))
        for one in records.observations.search(survey=survey, night=night, region=region)
    ]


def _standing_of(
    services: Services, records: Records, observation: Observation, survey: Survey | None, recipe: Recipe
) -> ExposureStanding:
    aside, next_step = records.quarantines.of(observation), None
    if aside is not None:
        standing, reason = Standing.QUARANTINED, aside.reason
    else:
        chain = chain_of(records, observation, survey, recipe, stars=services.stars)
        standing, reason = _judge(chain, why_stale(records, observation, survey, recipe, chain))
        next_step = chain.next_step
    return ExposureStanding(
        observation_id=observation.id, night=observation.night, standing=standing, next_step=next_step, reason=reason
    )


def _judge(chain: Chain, changed: str) -> tuple[Standing, str]:
    if chain.next_step is not None:
        return (Standing.STALE, changed) if changed else (Standing.MISSING, "")
    if chain.last is not None and chain.last.status is RunStatus.SKIPPED:
        return Standing.SKIPPED, chain.last.reason
    return Standing.DONE, ""


def standing_lines(standing: SurveyStanding) -> Iterator[str]:
    """Return the standing as lines for people."""
    counts = standing.counts()
    yield f"{len(standing.exposures)} exposures"
    for kind in Standing:
        reasons = {reason: n for (one, reason), n in counts.items() if one is kind}
        if not reasons:
            continue
        why = "; ".join(f"{reason} {n}" for reason, n in sorted(reasons.items(), key=_most_first) if reason)
        yield f"  {kind.value:<12} {sum(reasons.values()):>7}{'  ' + why if why else ''}"
    if standing.steps:
        parts = ", ".join(f"{step.value} {standing.steps[step]}" for step in Step if standing.steps[step])
        cost = standing.cost_s
        spent = "no such step was ever done here" if cost is None else f"about {cost / 3600.0:.2f} h of one core"
        yield f"to bring them up to date: {parts}; {spent}"


def _most_first(counted: tuple[str, int]) -> tuple[int, str]:
    return -counted[1], counted[0]


def standing_facts(standing: SurveyStanding) -> dict[str, Any]:
    """Return the standing as JSON values."""
    return {
        "n_exposures": len(standing.exposures),
        "counts": [
            {"standing": kind.value, "reason": reason, "n": n}
            for (kind, reason), n in sorted(standing.counts().items())
        ],
        "steps": {step.value: standing.steps[step] for step in Step},
        "typical_s": {step.value: standing.typical_s[step] for step in Step},
        "cost_s": standing.cost_s,
        "to_do": [
            {"observation": one.observation_id, "night": one.night, "standing": one.standing.value,
             "from": one.next_step.value, "reason": one.reason}
            for one in standing.exposures if one.next_step is not None
        ],
    }  # fmt: skip
