"""The work behind the tasks that search nights: stages over the surveys, nights and batches of a request."""

from collections.abc import Sequence

import structlog

from astrid_core.bootstrap import load_pipeline, survey_truth
from astrid_core.catalog.report_links import Links
from astrid_core.settings import Settings
from astrid_core.shared.errors import PermanentFailure, Unprocessable
from astrid_core.shared.runs import RunKey
from astrid_core.stages.context import entries_of_night, run_context
from astrid_core.stages.curate import run_curate
from astrid_core.stages.forced import run_forced
from astrid_core.stages.heavy import HeavyStage, HeavyWork, run_heavy
from astrid_core.stages.ingest import run_ingest
from astrid_core.stages.inject import ShadowPlan, plan_shadows
from astrid_core.stages.plan import NightPlan
from astrid_core.stages.preprocess import run_preprocess
from astrid_core.stages.publish import run_publish
from astrid_core.stages.report import run_report
from astrid_core.stages.services import Services
from astrid_core.stages.track import run_track
from include.batches import batches
from include.compute import least_items
from include.items import answer, each_of, night_by_night, watched
from include.messages import Batch, Request
from include.nights import nights_of, plans_of
from include.request import pin_request, pinned_model, read_night, recipe_of
from include.surveys import at_least_one

log = structlog.get_logger(__name__)


class NothingPlanned(PermanentFailure):
    """A night cannot go on without a plan."""


class NothingPublished(PermanentFailure):
    """The page of a night cannot be completed where there is none."""


class TooManyFailures(PermanentFailure):
    """So many exposures of a night failed that its catalog would mislead."""


def ingest_surveys(services: Services, request: Request) -> dict[str, int]:
    """Record what the surveys hold; count new, known, rejected and those that did not come.

    The night goes on with what is recorded of a survey that cannot be read now.
    """
    config = load_pipeline().ingest
    ingest = watched(services, "ingest", lambda survey: run_ingest(services, survey, config))
    found = at_least_one(request["surveys"], ingest)
    return {
        "n_new": sum(one.n_new for one in found),
        "n_known": sum(one.n_known for one in found),
        "n_rejected": sum(one.n_rejected for one in found),
        "n_undelivered": sum(one.n_undelivered for one in found),
    }


def plan_batches(services: Services, request: Request, *, n_slots: int) -> list[Batch]:
    """Return the exposures that still need work, in batches."""
    pending = [item for plan in plans_of(services, request) for item in plan.pending]
    return batches(pending, n_slots=n_slots, name="exposures", least=least_items(services))


def preprocess_batch(services: Services, batch: Batch) -> Batch:
    """Prepare the exposures of a batch."""
    config = load_pipeline().preparation
    return each_of(services, "preprocess", batch, lambda item: run_preprocess(services, item, config))


def heavy_batch(services: Services, stage: HeavyStage, batch: Batch, request: Request) -> Batch:
    """Compute a heavy stage for a batch, here."""
    return answer(batch, run_heavy(services, heavy_work(stage, request), batch["items"]))


def heavy_work(stage: HeavyStage, request: Request) -> HeavyWork:
    """Return a heavy stage under the settings and the network of a request."""
    return load_pipeline().heavy(stage, pinned_model(request))


def gather(
    services: Services, request: Request | None, planned: Sequence[Batch] | None, *, max_failed: float
) -> dict[str, int]:
    """Count what came of all batches and name what failed; TooManyFailures above ``max_failed`` of the exposures.

    Called whatever became of the tasks before it: None stands for a request or a plan that was never made.
    """
    if request is None or planned is None:
        raise NothingPlanned("the night was not planned; see the tasks that failed before this one")
    n_planned = sum(len(batch["items"]) for batch in planned)
    plans = list(plans_of(services, {**request, "force": False}))
    failed = [item for plan in plans for item in plan.pending]
    counts = {
        "n_planned": n_planned,
        "n_scored": sum(len(plan.scored) for plan in plans),
        "n_skipped": sum(plan.n_skipped for plan in plans),
        "n_failed": len(failed),
    }
    for item in failed:
        log.error("exposure.failed", item=item)
    fraction = len(failed) / max(n_planned, len(failed), 1)
    if fraction > max_failed:
        raise TooManyFailures(
            "too many exposures failed", fraction=fraction, allowed=max_failed, first=failed[0], **counts
        )
    log.info("batches.gathered", **counts)
    return counts


def plan_injections(services: Services, request: Request, *, n_slots: int) -> list[Batch]:
    """Return the scored exposures that are to be searched once more with injected sources, in batches."""
    pending = [item for plan in plans_of(services, request) for item in _shadows(services, request, plan).pending]
    return batches(pending, n_slots=n_slots, name="injections", least=least_items(services))


def curate_all(services: Services, request: Request) -> int:
    """Queue the detections that people should see, and count those that are new to the queue."""
    config = load_pipeline().curate
    curate = watched(services, "curate", lambda key: run_curate(services, RunKey(key), config))
    return sum(curate(key) for plan in plans_of(services, request) for key in plan.scored)


def publish_all(services: Services, request: Request) -> dict[str, int]:
    """Bring the detections into the catalog, night by night."""
    config = load_pipeline().publish
    summaries = night_by_night(
        services, request, "publish", lambda survey, night, keys: run_publish(services, survey, night, config, keys)
    )
    return {
        "n_published": sum(one.n_published for one in summaries),
        "n_new_entries": sum(one.n_new_entries for one in summaries),
        "n_known": sum(one.n_known for one in summaries),
    }


def look_up_all(services: Services, request: Request) -> dict[str, int]:
    """Match the entries of the nights with known objects, and class them; count entries by class."""
    config = load_pipeline().context
    touched = {one for survey, night in nights_of(request) for one in entries_of_night(services, survey, night)}
    with services.watch("context").item(" ".join(request["nights"])):
        return dict(run_context(services, sorted(touched), config).n_classes)


def measure_all(services: Services, request: Request) -> dict[str, int]:
    """Measure the objects in every exposure that covers them, night by night."""
    config = load_pipeline().forced
    summaries = night_by_night(
        services, request, "forced", lambda survey, night, keys: run_forced(services, survey, night, config, keys)
    )
    return {
        "n_files": sum(one.n_files for one in summaries),
        "n_points": sum(one.n_points for one in summaries),
        "n_measured": sum(one.n_measured for one in summaries),
    }


def report_all(services: Services, request: Request, links: Links | None = None) -> list[str]:
    """Write one page per night that holds exposures, leading to ``links``; return the keys of the reports."""
    config = load_pipeline().report
    folder = Settings().home / "results"
    keys: list[str] = []
    for (survey, night), plan in zip(nights_of(request), plans_of(services, request), strict=True):
        page = folder / f"{survey}-{night}.html"
        with services.watch("report").item(f"{survey} {night}"):
            report = run_report(
                services, survey=survey, night=night, out=page, truth=survey_truth(survey), model_run_keys=plan.scored,
                injection_run_keys=_shadows(services, request, plan).keys, config=config, links=links,
            )  # fmt: skip
        log.info("night.reported", page=str(page), table=report.table)
        keys.append(report.key)
    return keys


def report_again(services: Services, survey: str | None, night: str, links: Links | None = None) -> list[str]:
    """Write the pages of a night once more, as the model of today has searched it; None stands for every survey."""
    request = pin_request(services, nights=[read_night(night).isoformat()], survey=survey, region=None, force=False)
    with services.transaction() as records:
        seen = [one for one in request["surveys"] if records.observations.search(survey=one, night=night)]
    if not seen:
        raise Unprocessable("no exposure of this night is recorded", night=night, surveys=request["surveys"])
    return report_all(services, {**request, "surveys": seen}, links)


def track_models(services: Services, request: Request | None) -> int:
    """Compare what the network did in each night with earlier nights, and count the alarms.

    Called whatever became of the tasks before it: None stands for a request that was never made.
    """
    if request is None:
        raise NothingPlanned("no night was asked for; see the tasks that failed before this one")
    config = load_pipeline().track
    tracks = [
        track
        for (survey, night), plan in zip(nights_of(request), plans_of(services, request), strict=True)
        for track in run_track(services, survey, night, config, plan.scored, _shadows(services, request, plan).keys)
    ]
    return sum(bool(track.alarm) for track in tracks)


def complete_reports(
    services: Services, request: Request | None, reported: Sequence[str] | None, links: Links | None = None
) -> list[str]:
    """Write the pages once more, with what the injections have measured; NothingPublished where there are none.

    Called whatever became of the tasks before it: None stands for a request or for pages that were never made.
    """
    if request is None or reported is None:
        raise NothingPublished("the night has no report; see the tasks that failed before this one")
    return report_all(services, request, links)


def _shadows(services: Services, request: Request, plan: NightPlan) -> ShadowPlan:
    pipeline = load_pipeline()
    model = recipe_of(request, pipeline).model
    return plan_shadows(services, plan.scored, model, pipeline.trial(), force=request["force"])
