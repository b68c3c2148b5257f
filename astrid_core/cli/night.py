"""``astrid run``: a folder of FITS files to a catalog in one process; needs no server."""

import argparse
import re
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from astrid_core.cli.exit_status import UNPROCESSABLE

if TYPE_CHECKING:
    from astrid_core.bootstrap import Pipeline
    from astrid_core.detection.entities import Model
    from astrid_core.shared.runs import RunKey
    from astrid_core.shared.sky import Region
    from astrid_core.stages.batch import BatchResult
    from astrid_core.stages.services import Services


def add_commands(choose: Any) -> None:
    """Add the command."""
    parser = choose.add_parser(
        "run",
        help="run every stage on a folder of FITS files; needs no server",
        description="Ingests a folder, builds references from the other nights, subtracts, scores, and publishes the "
        "catalog of every night. Records go to SQLite in ASTRID_HOME unless ASTRID_DATABASE_URL names a server.",
        allow_abbrev=False,
    )
    parser.add_argument("--data", required=True, type=Path, metavar="DIR")
    parser.add_argument("--night", metavar="YYYY-MM-DD", help="UTC date of the evening; default: every night")
    parser.add_argument("--region", metavar="REGION", help='for example "cone(10.68,41.27,0.5deg)"')
    parser.add_argument("--survey", metavar="NAME", help="default: the name of the folder")
    parser.add_argument("--out", type=Path, metavar="DIR", help="for pages and tables; default: ASTRID_HOME/results")
    parser.set_defaults(command=run)


def run(arguments: argparse.Namespace) -> int:
    """Bring a folder from files to a catalog."""
    from astrid_core.adapters.sky_maps.open import read_region
    from astrid_core.bootstrap import load_pipeline, migrate_database, open_services, register_survey
    from astrid_core.settings import Settings
    from astrid_core.stages.ingest import run_ingest
    from astrid_core.stages.train import run_adopt

    if not arguments.data.is_dir():
        raise NotADirectoryError(f"--data {arguments.data}: not a folder")
    region = read_region(arguments.region) if arguments.region else None
    survey = arguments.survey or survey_name(arguments.data)
    truth = arguments.data / "truth.ecsv"
    register_survey(survey, arguments.data, truth=truth if truth.exists() else None)
    migrate_database()
    pipeline = load_pipeline()
    out = arguments.out or Settings().home / "results"
    with open_services() as services:
        ingested = run_ingest(services, survey, pipeline.ingest)
        _say(
            f"{survey}: {ingested.n_new} new exposures, {ingested.n_known} known, {ingested.n_rejected} files rejected"
        )
        with services.transaction() as records:
            seen = records.observations.search(survey=survey, region=region)
        nights = sorted({one.night for one in seen})
        if arguments.night is not None:
            nights = [one for one in nights if one == arguments.night]
        if not nights:
            what = f"night {arguments.night}" if arguments.night else "the region" if region else "the folder"
            print(f"no usable exposure in {what}: {ingested.n_rejected} files rejected", file=sys.stderr)
            for name, reason in _rejected(services, survey):
                print(f"  {name}: {reason}", file=sys.stderr)
            return UNPROCESSABLE
        model = run_adopt(services)
        for night in nights:
            _one_night(services, pipeline, survey=survey, night=night, region=region, model=model, out=out)
        _export(services, pipeline, out)
    return 0


def survey_name(directory: Path) -> str:
    """Return a valid survey name made of the name of a folder."""
    return re.sub(r"[^a-z0-9]+", "-", directory.resolve().name.lower()).strip("-") or "folder"


def _one_night(
    services: "Services",
    pipeline: "Pipeline",
    *,
    survey: str,
    night: str,
    region: "Region | None",
    model: "Model",
    out: Path,
) -> None:
    from astrid_core.bootstrap import survey_truth
    from astrid_core.stages.batch import run_each
    from astrid_core.stages.context import entries_of_night, run_context
    from astrid_core.stages.curate import run_curate
    from astrid_core.stages.detect import run_detect
    from astrid_core.stages.difference import run_difference
    from astrid_core.stages.forced import run_forced
    from astrid_core.stages.plan import plan_night
    from astrid_core.stages.preprocess import run_preprocess
    from astrid_core.stages.publish import run_publish
    from astrid_core.stages.report import run_report
    from astrid_core.stages.track import run_track

    _references(services, pipeline, survey=survey, night=night, region=region)
    recipe = pipeline.recipe(model)
    todo = plan_night(services, recipe, survey=survey, night=night, region=region).pending
    if not todo:
        _say(f"{night}: nothing to do, every exposure is settled under these settings")
    prepared = run_each(
        lambda one: run_preprocess(services, one, pipeline.preparation), _counted(night, todo),
        watch=services.watch("preprocess"),
    )  # fmt: skip
    subtracted = run_each(
        lambda key: run_difference(services, _key(key), pipeline.difference), _counted(night, prepared.keys),
        watch=services.watch("difference"),
    )  # fmt: skip
    scored = run_each(
        lambda key: run_detect(services, _key(key), model.id, pipeline.detect), _counted(night, subtracted.keys),
        watch=services.watch("detect"),
    )  # fmt: skip
    _complain(prepared, subtracted, scored)
    # Asked anew rather than carried along: a night that was cut off before this point is completed here.
    keys = plan_night(services, recipe, survey=survey, night=night, region=region).scored
    for key in keys:
        run_curate(services, key, pipeline.curate)
    run_publish(services, survey, night, pipeline.publish, keys)
    run_forced(services, survey, night, pipeline.forced, keys)
    run_context(services, entries_of_night(services, survey, night), pipeline.context)
    injections = _inject(services, pipeline, night=night, model=model, model_run_keys=keys)
    run_track(services, survey, night, pipeline.track, keys, injections)
    page = out / f"{survey}-{night}.html"
    report = run_report(
        services, survey=survey, night=night, out=page, truth=survey_truth(survey), model_run_keys=keys,
        injection_run_keys=injections, config=pipeline.report,
    )  # fmt: skip
    print(report.table)
    print(f"page: {page}")


def _references(
    services: "Services", pipeline: "Pipeline", *, survey: str, night: str, region: "Region | None"
) -> None:
    """Coadd what other nights hold; a group that cannot be coadded leaves its exposures without reference."""
    from astrid_core.differencing.leave_out import LeaveOut
    from astrid_core.shared.errors import Unprocessable
    from astrid_core.stages.batch import run_each
    from astrid_core.stages.build_reference import run_build_reference
    from astrid_core.stages.preprocess import run_preprocess
    from astrid_core.stages.references import plan_references

    left_out = LeaveOut(nights=frozenset({night}))
    groups = plan_references(services, survey=survey, config=pipeline.reference, region=region, leave_out=left_out)
    for group in groups:
        inputs = run_each(
            lambda one: run_preprocess(services, one, pipeline.preparation),
            _counted(f"reference {group.label}", group.observation_ids),
        )
        try:
            run_build_reference(
                services, inputs.keys, pipeline.reference, pipeline.activation,
                cells=group.cells, band=group.band, leaves_out=group.leaves_out,
            )  # fmt: skip
        except Unprocessable as error:
            _say(f"reference {group.label}: {error}")


def _inject(
    services: "Services", pipeline: "Pipeline", *, night: str, model: "Model", model_run_keys: Sequence["RunKey"]
) -> Sequence["RunKey"]:
    """Search a part of the night once more with injected sources; what fails here costs nothing of the catalog."""
    from astrid_core.shared.errors import TemporaryFailure
    from astrid_core.stages.batch import run_each
    from astrid_core.stages.inject import plan_shadows, run_injection

    config = pipeline.trial()
    plan = plan_shadows(services, model_run_keys, model, config)
    try:
        done = run_each(
            lambda key: run_injection(services, _key(key), model.id, config, curate=pipeline.curate),
            _counted(f"{night} with injections", plan.pending),
            watch=services.watch("inject"),
        )
    except TemporaryFailure as error:
        _say(f"{night}: injections are not complete: {error}")
    else:
        _complain(done)
    return plan.keys


def _export(services: "Services", pipeline: "Pipeline", out: Path) -> None:
    from astrid_core.stages.export import run_export, save_export

    for path in save_export(services, run_export(services, pipeline.export, forced=pipeline.forced), out):
        if path.parent == out:
            print(f"file: {path}")


def _rejected(services: "Services", survey: str) -> Sequence[tuple[str, str]]:
    with services.transaction() as records:
        return [(one.archive_id, one.reason) for one in records.rejections.all(survey=survey)]


def _complain(*results: "BatchResult") -> None:
    for result in results:
        for item, reason in result.failed.items():
            print(f"failed {item}: {reason}", file=sys.stderr)


def _counted(what: str, items: Iterable[str]) -> Iterable[str]:
    """Pass items on, saying which one it is."""
    everything = list(items)
    for number, item in enumerate(everything, start=1):
        _say(f"{what}: {number}/{len(everything)} {item}")
        yield item


def _key(text: str) -> "RunKey":
    from astrid_core.shared.runs import RunKey

    return RunKey(text)


def _say(text: str) -> None:
    print(f"[{time.monotonic() - _STARTED:6.1f} s] {text}", file=sys.stderr)


_STARTED = time.monotonic()
