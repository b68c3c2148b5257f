"""Decide what a night still needs, and say what it has, under today's settings."""

from dataclasses import dataclass

from astrid_core.shared.runs import RunKey
from astrid_core.shared.sky import Region
from astrid_core.stages.chain import Recipe, chain_of
from astrid_core.stages.services import Services


@dataclass(frozen=True, slots=True, kw_only=True)
class NightPlan:
    """The exposures of a night, by what has been done about them."""

    pending: tuple[str, ...]
    """Observations without a settled run, oldest first."""
    scored: tuple[RunKey, ...]
    """Model runs that succeeded, oldest exposure first."""
    n_skipped: int
    n_quarantined: int = 0
    """Set aside: neither pending nor scored, whatever their runs say."""


def plan_night(
    services: Services, recipe: Recipe, *, survey: str, night: str, region: Region | None = None, force: bool = False
) -> NightPlan:
    """Look up the whole chain of every exposure of a night.

    Keys are pure functions of their inputs, so nothing is computed: a change of settings, of the reference or of the
    model makes an exposure pending again. With ``force`` all are pending, which finds runs again rather than doing them
    twice. Exposures in quarantine are left alone.
    """
    pending: list[str] = []
    scored: list[RunKey] = []
    n_skipped = n_quarantined = 0
    client = services.surveys.get(survey)
    survey_of = None if client is None else client.survey
    with services.transaction() as records:
        for observation in records.observations.search(survey=survey, night=night, region=region):
            if records.quarantines.of(observation) is not None:
                n_quarantined += 1
                continue
            chain = chain_of(records, observation, survey_of, recipe, stars=services.stars)
            if force or not chain.is_settled:
                pending.append(observation.id)
            if chain.scored is not None:
                scored.append(chain.scored)
            n_skipped += chain.is_settled and chain.scored is None
    return NightPlan(pending=tuple(pending), scored=tuple(scored), n_skipped=n_skipped, n_quarantined=n_quarantined)
