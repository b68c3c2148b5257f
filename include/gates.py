"""The work behind the tasks that stop bad numbers on their way through a night."""

from astrid_core.bootstrap import load_pipeline
from astrid_core.settings import Settings
from astrid_core.stages.breaker import run_breaker
from astrid_core.stages.services import Services
from include.messages import Request
from include.nights import nights_of, plans_of
from include.quality.places import docs_of
from include.request import read_region


def check_ingested(services: Services, request: Request) -> int:
    """Pass the exposures of the request, but for those in quarantine, through their gate, and count them."""
    from include.quality.observations import check_observations

    n_checked = 0
    for survey, night in nights_of(request):
        with services.transaction() as records:
            found = records.observations.search(survey=survey, night=night, region=read_region(request["region"]))
            observations = [one for one in found if records.quarantines.of(one) is None]
        n_checked += check_observations(observations, night=night, docs=docs_of(Settings().home))
    return n_checked


def check_prepared(services: Services, request: Request) -> int:
    """Pass the preparations behind what was scored through their gate, and count them."""
    from include.quality.preparations import check_preparations

    runs = []
    for plan in plans_of(services, request):
        with services.transaction() as records:
            differences = [
                records.difference_runs.get(records.model_runs.get(key).difference_key) for key in plan.scored
            ]
            runs += [records.preprocess_runs.get(one.preprocess_key) for one in differences]
    return check_preparations(runs, about=_about(request), docs=docs_of(Settings().home))


def check_found(services: Services, request: Request) -> int:
    """Pass the candidates of the request through their gate, and count them."""
    from include.quality.candidates import check_candidates

    found = []
    for plan in plans_of(services, request):
        with services.transaction() as records:
            for key in plan.scored:
                run = records.model_runs.get(key)
                observation = records.observations.get(run.observation_id)
                found += [(observation, detection) for detection in run.detections]
    threshold_sigma = load_pipeline().difference.threshold_sigma
    return check_candidates(
        found, threshold_sigma=threshold_sigma, about=_about(request), docs=docs_of(Settings().home)
    )


def trip_breaker(services: Services, request: Request) -> int:
    """Set floods aside, night by night; count exposures and instruments."""
    config = load_pipeline().breaker
    n_tripped = 0
    for (survey, night), plan in zip(nights_of(request), plans_of(services, request), strict=True):
        tripped = run_breaker(services, survey, night, config, plan.scored)
        n_tripped += len(tripped.exposures) + len(tripped.instruments)
    return n_tripped


def _about(request: Request) -> str:
    """Return what a page of checks calls the request."""
    nights = request["nights"]
    return f"{'+'.join(request['surveys'])} {nights[0]}" + (f" to {nights[-1]}" if len(nights) > 1 else "")
