"""The work behind the tasks that look what archives hold."""

import structlog

from astrid_core.bootstrap import load_pipeline
from astrid_core.shared.errors import BadConfiguration
from astrid_core.stages.ingest import run_ingest
from astrid_core.stages.reconcile import run_reconcile
from astrid_core.stages.services import Services
from include.messages import IngestRequest
from include.request import nights_between, read_region
from include.surveys import list_surveys, required

log = structlog.get_logger(__name__)


def ingest_wanted(services: Services, wanted: IngestRequest) -> dict[str, int]:
    """Record what the surveys hold of a region and some nights; count what is new and what did not come."""
    config, region, nights = load_pipeline().ingest, read_region(wanted["region"]), _nights(wanted)
    found = required(
        list_surveys(services, wanted["survey"]),
        lambda survey: run_ingest(services, survey, config, region=region, nights=nights),
    )
    return {
        "n_new": sum(one.n_new for one in found),
        "n_changed": sum(one.n_changed for one in found),
        "n_rejected": sum(one.n_rejected for one in found),
        "n_undelivered": sum(one.n_undelivered for one in found),
        "n_given_up": sum(one.n_given_up for one in found),
    }


def reconcile_wanted(services: Services, survey: str | None, *, retry: bool) -> dict[str, int]:
    """Compare what the archives list with what is recorded, and ask for what is missing."""
    config = load_pipeline().ingest
    found = required(list_surveys(services, survey), lambda name: run_reconcile(services, name, config, retry=retry))
    for one in found:
        for name in one.vanished:
            log.warning("observation.vanished", observation=name)
    return {
        "n_listed": sum(one.n_listed for one in found),
        "n_missing": sum(one.n_missing for one in found),
        "n_recovered": sum(one.n_recovered for one in found),
        "n_waiting": sum(one.n_waiting for one in found),
        "n_given_up": sum(one.n_given_up for one in found),
        "n_vanished": sum(len(one.vanished) for one in found),
    }


def _nights(wanted: IngestRequest) -> list[str]:
    first, last = wanted["first_night"], wanted["last_night"]
    if not first and not last:
        return []
    if not first or not last:
        raise BadConfiguration("the first and the last night belong together", first=first, last=last)
    return nights_between(first, last)
