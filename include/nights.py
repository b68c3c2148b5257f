"""The nights of a request, and what is left to do in each."""

from collections.abc import Iterator
from itertools import product

from astrid_core.bootstrap import load_pipeline
from astrid_core.stages.plan import NightPlan, plan_night
from astrid_core.stages.services import Services
from include.messages import Request
from include.request import read_region, recipe_of


def nights_of(request: Request) -> Iterator[tuple[str, str]]:
    """Yield survey and night, the older nights first: objects are named by the first detection published."""
    for night, survey in product(request["nights"], request["surveys"]):
        yield survey, night


def plans_of(services: Services, request: Request) -> Iterator[NightPlan]:
    """Yield what each of them still needs, under today's settings."""
    recipe = recipe_of(request, load_pipeline())
    for survey, night in nights_of(request):
        yield plan_night(
            services, recipe, survey=survey, night=night, region=read_region(request["region"]), force=request["force"]
        )
