"""``astrid inject``: sources of known flux into an exposure, and how many of them its search finds."""

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from astrid_core.bootstrap import Pipeline
    from astrid_core.detection.ports import Scorer
    from astrid_core.detection.trial import TrialConfig
    from astrid_core.differencing.search_quality import SearchQuality
    from astrid_core.shared.runs import RunKey
    from astrid_core.stages.services import Services


def add_commands(choose: Any) -> None:
    """Add the command."""
    parser = choose.add_parser(
        "inject",
        help="measure completeness: inject sources of known flux into an exposure and search it again",
        description="Puts point sources of chosen flux into a science image (and, for sources that fade, into its "
        "reference), runs the same search with and without them, and writes DIR/injections.ecsv, DIR/completeness.ecsv "
        "and DIR/completeness.png. Either for two files (no database), or for an exposure that was searched already, "
        "named by its observation or the key of its difference: then the run is recorded, apart from all detections.",
        allow_abbrev=False,
    )
    parser.add_argument("run", nargs="?", metavar="OBSERVATION|DIFFERENCE_KEY", help="an exposure of the records")
    parser.add_argument("--science", type=Path, metavar="S.fits")
    parser.add_argument("--reference", type=Path, metavar="R.fits")
    parser.add_argument("--out", required=True, type=Path, metavar="DIR")
    parser.add_argument("--n", type=int, metavar="N", help="sources; default as in [inject] of the settings")
    parser.add_argument("--seed", type=int, metavar="N", help="of all random numbers")
    parser.add_argument("--snr", type=float, nargs=2, metavar=("LOW", "HIGH"), help="range of the predicted S/N")
    parser.add_argument("--hosts", type=float, metavar="FRACTION", help="part of the sources put into galaxies")
    parser.add_argument("--model", metavar="NAME/VERSION", help="network; default: the champion, none if there is none")
    parser.add_argument("--json", action="store_true", help="print a machine-readable summary")
    parser.set_defaults(command=run)


def run(arguments: argparse.Namespace) -> int:
    """Measure the completeness of one exposure."""
    from astrid_core.bootstrap import load_pipeline

    is_pair = arguments.science is not None and arguments.reference is not None
    if is_pair == (arguments.run is not None) or (arguments.science is None) != (arguments.reference is None):
        raise ValueError("name an observation or a difference, or give --science and --reference")
    pipeline = _asked(load_pipeline(), arguments)
    if is_pair:
        quality, title = _of_files(arguments, pipeline)
    else:
        quality, title = _of_records(arguments, pipeline)
    _write_picture(quality, title, pipeline, arguments.out)
    _print(quality, arguments, title)
    return 0


def _asked(pipeline: "Pipeline", arguments: argparse.Namespace) -> "Pipeline":
    """Return the settings with what the options choose."""
    options = {
        "n_sources": arguments.n,
        "seed": arguments.seed,
        "snr": tuple(arguments.snr) if arguments.snr else None,
        "host_fraction": arguments.hosts,
    }
    given = {name: value for name, value in options.items() if value is not None}
    return replace(pipeline, inject=replace(pipeline.inject, **given))


def _of_files(arguments: argparse.Namespace, pipeline: "Pipeline") -> tuple["SearchQuality", str]:
    from astrid_core.cli.frames import prepare_pair
    from astrid_core.detection.injected_search import TrialPair
    from astrid_core.detection.trial import run_trial
    from astrid_core.detection.trial_tables import completeness_table, injection_table
    from astrid_core.differencing.inject import well_of

    say = _progress()
    say("preparing both images")
    science, reference = prepare_pair(arguments.science, arguments.reference, pipeline)
    scorer, config = _scorer(arguments.model, pipeline.trial(), science.instrument)
    trial = run_trial(
        TrialPair(
            science=science.image,
            reference=reference.image,
            well=well_of(science.quality, pipeline.preprocess),
            trust_science_wcs=science.is_wcs_trusted,
            zero_point_mag=science.zero_point_mag,
        ),
        config,
        scorer,
        seed=pipeline.inject.seed,
        progress=say,
    )
    _write(
        arguments.out,
        injection_table(trial.recoveries, zero_point_mag=science.zero_point_mag),
        completeness_table(trial.quality),
    )
    return trial.quality, arguments.science.name


def _of_records(arguments: argparse.Namespace, pipeline: "Pipeline") -> tuple["SearchQuality", str]:
    from astrid_core.bootstrap import migrate_database, open_services
    from astrid_core.shared.errors import MissingArtifact
    from astrid_core.stages.inject import run_injection

    migrate_database()
    with open_services() as services:
        key = run_injection(
            services,
            _difference(services, arguments.run),
            arguments.model or _champion(services.models),
            pipeline.trial(),
            curate=pipeline.curate,
            progress=_progress(),
        )
        with services.transaction() as records:
            done = records.injection_runs.get(key)
        if done.quality is None or done.injections is None or done.curves is None:
            raise MissingArtifact("injection run has no tables", run=key)
        _write(
            arguments.out,
            services.artifacts.get(done.injections.digest),
            services.artifacts.get(done.curves.digest),
        )
    return done.quality, done.observation_id


def _difference(services: "Services", name: str) -> "RunKey":
    """Return the key of a difference that is named itself or by its observation."""
    from astrid_core.shared.runs import RunKey, RunStatus

    with services.transaction() as records:
        if records.difference_runs.find(RunKey(name)) is not None:
            return RunKey(name)
        runs = records.difference_runs.of_observation(records.observations.get(name).id)
    done = [run.key for run in runs if run.status is RunStatus.SUCCEEDED]
    if len(done) == 1:
        return done[0]
    if not runs or done:
        which = f"{len(done)} differences, name one of them: {', '.join(done)}" if done else "no difference yet"
        raise ValueError(f"{name} has {which}")
    return runs[-1].key


def _scorer(model_id: str | None, config: "TrialConfig", instrument: str) -> tuple["Scorer | None", "TrialConfig"]:
    """Return the network asked for, or the champion where a registry is at hand, and from which score on it counts."""
    from astrid_core.bootstrap import open_models
    from astrid_core.settings import Settings
    from astrid_core.stages.inject import as_published

    settings = Settings()
    if model_id is None and not settings.mlflow_uri and not (settings.home / "mlflow.sqlite").exists():
        return None, config
    models = open_models(settings)
    model_id = model_id or _champion(models)
    if model_id is None:
        return None, config
    return models.load(model_id), as_published(models, model_id, config, instrument=instrument)


def _champion(models: Any) -> str | None:
    from astrid_core.detection.config import MODEL_NAME
    from astrid_core.shared.errors import UnknownModel

    try:
        return str(models.champion(MODEL_NAME).id)
    except UnknownModel:
        return None


def _progress() -> Callable[[str], None]:
    return lambda text: print(f"inject: {text}", file=sys.stderr, flush=True)


def _write(out: Path, injections: bytes, curves: bytes) -> None:
    out.mkdir(parents=True, exist_ok=True)
    (out / "injections.ecsv").write_bytes(injections)
    (out / "completeness.ecsv").write_bytes(curves)


def _write_picture(quality: "SearchQuality", title: str, pipeline: "Pipeline", out: Path) -> None:
    from astrid_core.catalog.completeness_picture import draw_completeness

    picture = draw_completeness(quality, title=title, threshold_sigma=pipeline.difference.threshold_sigma)
    (out / "completeness.png").write_bytes(picture)


def _print(quality: "SearchQuality", arguments: argparse.Namespace, title: str) -> None:
    from astrid_core.catalog.completeness_text import describe_quality

    files = {name: str(arguments.out / name) for name in ("injections.ecsv", "completeness.ecsv", "completeness.png")}
    if arguments.json:
        print(json.dumps({"exposure": title, "files": files, **quality.as_json()}, indent=2))
        return
    for line in (*describe_quality(quality), *files.values()):
        print(line)
