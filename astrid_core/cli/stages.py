"""One command per stage: ids and run keys in, run keys out, one a line."""

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from astrid_core.cli.exit_status import PERMANENT, UNPROCESSABLE

if TYPE_CHECKING:
    from astrid_core.bootstrap import Pipeline
    from astrid_core.shared.runs import RunKey
    from astrid_core.stages.services import Services

Work = Callable[["Services", "Pipeline", argparse.Namespace], Sequence[str]]
_STAGES = {"subtract": "difference", "references": "preprocess"}
"""Where the items of a command go through a stage of another name."""


def add_commands(choose: Any) -> None:
    """Add the commands."""
    one = _command(choose, "ingest", _ingest, "record the exposures of a survey; prints their nights")
    one.add_argument("--survey", required=True, metavar="NAME")
    one.add_argument("--data", type=Path, metavar="DIR", help="name this folder as the survey first")
    one.add_argument("--night", action="append", default=[], metavar="YYYY-MM-DD", help="may be given several times")
    _region(one)
    one = _command(choose, "reconcile", _reconcile, "compare what an archive lists with what is recorded")
    one.add_argument("--survey", required=True, metavar="NAME")
    one.add_argument("--retry", action="store_true", help="ask again for what was given up, too")
    one = _command(choose, "plan", _plan, "list the exposures of a night that still need work")
    _night(one)
    _region(one)
    one = _command(choose, "preprocess", _preprocess, "prepare exposures")
    one.add_argument("observations", nargs="+", metavar="OBSERVATION")
    one = _command(choose, "references", _references, "build the references of a survey; prints their digests")
    one.add_argument("--survey", required=True, metavar="NAME")
    one.add_argument("--exclude-night", action="append", default=[], metavar="YYYY-MM-DD", help="leave out this night")
    one.add_argument("--exclude", action="append", default=[], metavar="OBSERVATION", help="do not use this exposure")
    one.add_argument("--before-mjd", type=float, metavar="MJD", help="use only exposures taken before this time")
    _region(one)
    one = _command(choose, "subtract", _subtract, "subtract the reference from prepared exposures")
    one.add_argument("keys", nargs="+", metavar="PREPROCESS_KEY")
    one = _command(choose, "detect", _detect, "score the candidates of differences")
    one.add_argument("keys", nargs="+", metavar="DIFFERENCE_KEY")
    one.add_argument("--model", metavar="NAME/VERSION", help="default: the champion")
    one = _command(choose, "curate", _curate, "queue detections for people")
    one.add_argument("keys", nargs="+", metavar="MODEL_RUN_KEY")
    one = _command(choose, "publish", _publish, "bring the detections of a night into the catalog")
    one.add_argument("keys", nargs="+", metavar="MODEL_RUN_KEY")
    _night(one)
    one = _command(choose, "report", _report, "print what came of a night and draw its page")
    _night(one)
    one.add_argument("--out", type=Path, metavar="PAGE.html")
    one = _command(choose, "export", _export, "freeze an extract of the catalog and write its files")
    one.add_argument("--out", required=True, type=Path, metavar="DIR")
    one.add_argument("--status", dest="statuses", action="append", metavar="STATUS", help="may be given several times")
    one.add_argument("--class", dest="classes", action="append", metavar="CLASS", help="may be given several times")
    one.add_argument("--min-detections", type=int, metavar="N", help="leave out objects with fewer")
    one.add_argument("--format", dest="formats", action="append", metavar="FORMAT", help="may be given several times")
    _region(one)


def _command(choose: Any, name: str, work: Work, text: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = choose.add_parser(name, help=text, description=text, allow_abbrev=False)
    parser.set_defaults(command=lambda arguments: _run(work, arguments))
    return parser


def _night(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--survey", required=True, metavar="NAME")
    parser.add_argument("--night", required=True, metavar="YYYY-MM-DD")


def _region(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--region", metavar="REGION", help='for example "cone(10.68,41.27,0.5deg)"')


def _run(work: Work, arguments: argparse.Namespace) -> int:
    from astrid_core.bootstrap import load_pipeline, migrate_database, open_services

    migrate_database()
    arguments.status = 0
    if getattr(arguments, "data", None) is not None:
        from astrid_core.bootstrap import register_survey

        truth = arguments.data / "truth.ecsv"
        register_survey(arguments.survey, arguments.data, truth=truth if truth.exists() else None)
    with open_services() as services:
        arguments.watch = services.watch(_STAGES.get(arguments.name, arguments.name))
        for line in work(services, load_pipeline(), arguments):
            print(line)
    return int(arguments.status)


def _each(stage: Callable[[str], "RunKey"], items: Sequence[str], arguments: argparse.Namespace) -> Sequence[str]:
    """Run a stage over the items given; what was skipped or failed goes to standard error and into the status."""
    from astrid_core.stages.batch import run_each

    result = run_each(stage, items, watch=arguments.watch)
    for word, some in (("skipped", result.skipped), ("failed", result.failed)):
        for item, reason in some.items():
            print(f"{word} {item}: {reason}", file=sys.stderr)
    arguments.status = PERMANENT if result.failed else UNPROCESSABLE if result.skipped else 0
    return result.keys


def _ingest(services: "Services", pipeline: "Pipeline", arguments: argparse.Namespace) -> Sequence[str]:
    from astrid_core.stages.ingest import run_ingest

    region = _read_region(arguments.region)
    summary = run_ingest(services, arguments.survey, pipeline.ingest, region=region, nights=arguments.night)
    late = f", {summary.n_undelivered} did not come ({summary.n_given_up} given up)" if summary.n_undelivered else ""
    print(
        f"{summary.n_new} new exposures, {summary.n_known} known, {summary.n_calibration} calibration frames, "
        f"{summary.n_rejected} files rejected{late}",
        file=sys.stderr,
    )
    with services.transaction() as records:
        return list(records.observations.nights(survey=arguments.survey))


def _reconcile(services: "Services", pipeline: "Pipeline", arguments: argparse.Namespace) -> Sequence[str]:
    from astrid_core.stages.reconcile import run_reconcile

    summary = run_reconcile(services, arguments.survey, pipeline.ingest, retry=arguments.retry)
    print(
        f"{summary.n_listed} files listed; {summary.n_missing} were missing: {summary.n_recovered} came, "
        f"{summary.n_waiting} wait, {summary.n_given_up} given up; {len(summary.vanished)} vanished",
        file=sys.stderr,
    )
    with services.transaction() as records:
        late = [f"{one.archive_id}: {one.reason} ({one.n_attempts} times)"
                for one in records.undelivered.all(survey=arguments.survey)]  # fmt: skip
    return [*late, *(f"{name}: not listed any more" for name in summary.vanished)]


def _plan(services: "Services", pipeline: "Pipeline", arguments: argparse.Namespace) -> Sequence[str]:
    from astrid_core.detection.config import MODEL_NAME
    from astrid_core.stages.plan import plan_night

    recipe = pipeline.recipe(services.models.champion(MODEL_NAME))
    plan = plan_night(
        services, recipe, survey=arguments.survey, night=arguments.night, region=_read_region(arguments.region)
    )
    return plan.pending


def _preprocess(services: "Services", pipeline: "Pipeline", arguments: argparse.Namespace) -> Sequence[str]:
    from astrid_core.stages.preprocess import run_preprocess

    return _each(lambda one: run_preprocess(services, one, pipeline.preparation), arguments.observations, arguments)


def _references(services: "Services", pipeline: "Pipeline", arguments: argparse.Namespace) -> Sequence[str]:
    from astrid_core.differencing.leave_out import LeaveOut
    from astrid_core.shared.runs import RunKey
    from astrid_core.stages.build_reference import run_build_reference
    from astrid_core.stages.preprocess import run_preprocess
    from astrid_core.stages.references import plan_references

    left_out = LeaveOut(
        nights=frozenset(arguments.exclude_night), observation_ids=frozenset(arguments.exclude),
        before_mjd=arguments.before_mjd,
    )  # fmt: skip
    region, config, digests = _read_region(arguments.region), pipeline.reference, []
    for group in plan_references(services, survey=arguments.survey, config=config, region=region, leave_out=left_out):
        keys = _each(lambda one: run_preprocess(services, one, pipeline.preparation), group.observation_ids, arguments)
        built = run_build_reference(
            services, [RunKey(key) for key in keys], config, pipeline.activation,
            cells=group.cells, band=group.band, leaves_out=group.leaves_out,
        )  # fmt: skip
        digests += [one.digest for one in built]
    return digests


def _subtract(services: "Services", pipeline: "Pipeline", arguments: argparse.Namespace) -> Sequence[str]:
    from astrid_core.shared.runs import RunKey
    from astrid_core.stages.difference import run_difference

    return _each(lambda key: run_difference(services, RunKey(key), pipeline.difference), arguments.keys, arguments)


def _detect(services: "Services", pipeline: "Pipeline", arguments: argparse.Namespace) -> Sequence[str]:
    from astrid_core.detection.config import MODEL_NAME
    from astrid_core.shared.runs import RunKey
    from astrid_core.stages.detect import run_detect

    model_id = arguments.model or services.models.champion(MODEL_NAME).id
    return _each(lambda key: run_detect(services, RunKey(key), model_id, pipeline.detect), arguments.keys, arguments)


def _curate(services: "Services", pipeline: "Pipeline", arguments: argparse.Namespace) -> Sequence[str]:
    from astrid_core.shared.runs import RunKey
    from astrid_core.stages.curate import run_curate

    n_raised = sum(run_curate(services, RunKey(key), pipeline.curate) for key in arguments.keys)
    return [f"{n_raised} detections are new to the queue"]


def _publish(services: "Services", pipeline: "Pipeline", arguments: argparse.Namespace) -> Sequence[str]:
    from astrid_core.shared.runs import RunKey
    from astrid_core.stages.publish import run_publish

    keys = [RunKey(key) for key in arguments.keys]
    summary = run_publish(services, arguments.survey, arguments.night, pipeline.publish, keys)
    counted = f"{summary.n_new_entries} new objects, {summary.n_changed_entries} changed"
    known = f"{summary.n_known} were in the catalog already"
    return [f"{summary.n_published} of {summary.n_detections} detections published: {counted}; {known}"]


def _report(services: "Services", pipeline: "Pipeline", arguments: argparse.Namespace) -> Sequence[str]:
    from astrid_core.bootstrap import survey_truth
    from astrid_core.stages.report import run_report

    report = run_report(
        services,
        survey=arguments.survey,
        night=arguments.night,
        out=arguments.out,
        truth=survey_truth(arguments.survey),
        config=pipeline.report,
    )
    return [report.table]


def _export(services: "Services", pipeline: "Pipeline", arguments: argparse.Namespace) -> Sequence[str]:
    from astrid_core.stages.export import run_export, save_export

    several = {name: getattr(arguments, name) for name in ("statuses", "classes", "formats")}
    chosen: dict[str, Any] = {name: tuple(told) for name, told in several.items() if told is not None}
    if arguments.min_detections is not None:
        chosen["min_detections"] = arguments.min_detections
    config = replace(pipeline.export, **chosen)
    key = run_export(services, config, _read_region(arguments.region), forced=pipeline.forced)
    for path in save_export(services, key, arguments.out):
        print(path, file=sys.stderr)
    return [key]


def _read_region(text: str | None) -> Any:
    from astrid_core.adapters.sky_maps.open import read_region

    return read_region(text) if text else None
