"""Check what a run of a DAG was asked for, and pin what it depends on."""

from collections.abc import Sequence
from datetime import date, timedelta

from astrid_core.adapters.sky_maps.open import read_region as read_place
from astrid_core.bootstrap import Pipeline
from astrid_core.detection.config import MODEL_NAME
from astrid_core.detection.entities import Model
from astrid_core.shared.errors import BadConfiguration, UnknownModel
from astrid_core.shared.sky import Region
from astrid_core.stages.chain import Recipe
from astrid_core.stages.services import Services
from include.messages import PinnedModel, Request
from include.surveys import list_surveys

MAX_NIGHTS = 31
"""Of one request: more is a backfill of ``nightly_survey``."""


def pin_request(
    services: Services, *, nights: Sequence[str], survey: str | None, region: str | None, force: bool
) -> Request:
    """Check what was asked for and pin the model that production uses now; None stands for every survey.

    A region that is read from a file is pinned as its cells: other tasks may run where the file is not.
    """
    place = read_region(region)
    surveys = list_surveys(services, survey)
    try:
        model = services.models.champion(MODEL_NAME)
    except UnknownModel as error:
        raise UnknownModel("no network is in use yet; run the DAG train_detector", name=MODEL_NAME) from error
    return Request(
        surveys=surveys,
        nights=list(nights),
        region=None if place is None else place.text,
        force=force,
        model=PinnedModel(name=model.name, version=model.version, digest=model.digest),
    )


def night_of_run(partition_key: str | None, night: str | None) -> str:
    """Return the night of a run: its partition key, or for a run that was started by hand its parameter ``night``."""
    if partition_key and night and partition_key != night:
        raise BadConfiguration("two nights for one run", partition_key=partition_key, night=night)
    chosen = partition_key or night
    if not chosen:
        raise BadConfiguration("a run that is started by hand needs the parameter night, YYYY-MM-DD")
    return read_night(chosen).isoformat()


def nights_between(first_night: str, last_night: str) -> list[str]:
    """Return all nights from first to last, both included."""
    first, last = read_night(first_night), read_night(last_night)
    n_nights = (last - first).days + 1
    if not 1 <= n_nights <= MAX_NIGHTS:
        raise BadConfiguration("too many nights or none", first=first_night, last=last_night, allowed=MAX_NIGHTS)
    return [(first + timedelta(days=number)).isoformat() for number in range(n_nights)]


def read_night(text: str) -> date:
    """Read ``YYYY-MM-DD``; BadConfiguration for anything else."""
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise BadConfiguration("a night is written YYYY-MM-DD", night=text) from error


def read_region(text: str | None) -> Region | None:
    """Read a region, None for the whole sky; BadConfiguration says what is wrong with it."""
    if not text:
        return None
    try:
        return read_place(text)
    except ValueError as error:
        raise BadConfiguration(str(error)) from error


def recipe_of(request: Request, pipeline: Pipeline) -> Recipe:
    """Return what names the runs of this request."""
    return pipeline.recipe(pinned_model(request))


def pinned_model(request: Request) -> Model:
    """Return the version of the network that this request searches with."""
    return Model(**request["model"])
