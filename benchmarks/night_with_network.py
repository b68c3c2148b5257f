"""What the network takes out of the catalog of a night, and what that costs: docs/night_with_network.md.

``python -m benchmarks.night_with_network --work DIR`` brings the survey of the demonstration, drawn anew for each
seed, to detections as ``astrid run`` does, and publishes the same detections with the network and without it. What lies
in DIR already is used again.
"""

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from astrid_core.adapters.models.baseline import read_shipped
from astrid_core.bootstrap import load_pipeline, migrate_database, open_services, survey_truth
from astrid_core.catalog.config import PublishConfig
from astrid_core.catalog.truth import TruthTally
from astrid_core.detection.config import MODEL_NAME
from astrid_core.detection.entities import ModelRun
from astrid_core.detection.thresholds import STORED
from astrid_core.settings import Settings
from astrid_core.shared.runs import RunKey
from astrid_core.stages.plan import plan_night
from astrid_core.stages.publish import run_publish
from astrid_core.stages.report import run_report
from astrid_core.stages.services import Records, Services
from benchmarks.night_page import PAGE, Outcome, Rule, page

ROOT = Path(__file__).resolve().parents[1]
SURVEY = "demo"
SEEDS = (1, 2, 3)
_STEP_SIGMA, _HIGHEST_SIGMA = 0.05, 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Night:
    """A searched night, and the same without anything published: as the network scored it, and believing everything."""

    seed: int
    home: Path
    name: str
    keys: tuple[RunKey, ...]

    def base(self, *, with_network: bool) -> Path:
        """Return where the records before publishing are."""
        return self.home / f"{'scored' if with_network else 'believed'}.sqlite"

    def outcome(self, rule: Rule) -> TruthTally:
        """Publish into a catalog of its own, and compare that with the truth."""
        fresh = self.home / "published.sqlite"
        shutil.copyfile(self.base(with_network=rule.with_network), fresh)
        with _services(self.home, fresh) as services:
            run_publish(services, SURVEY, self.name, rule.publish, self.keys)
            truth = survey_truth(SURVEY, Settings(home=self.home))
            settings = replace(load_pipeline().report, max_cutouts=0)
            report = run_report(
                services, survey=SURVEY, night=self.name, truth=truth, model_run_keys=self.keys, config=settings
            )
        if report.facts.truth is None:
            raise ValueError(f"survey of seed {self.seed} has no truth table")
        return report.facts.truth


@contextmanager
def _services(home: Path, database: Path) -> Iterator[Services]:
    with open_services(Settings(home=home, database_url=f"sqlite:///{database.resolve()}")) as services:
        yield services


def searched_night(work: Path, seed: int) -> Night:
    """Simulate and search, where that is not done yet, and keep the records of the last night apart."""
    survey = work / f"survey-{seed}"
    # Beside networks that were measured before: a home goes on with the network that it has.
    home = work / read_shipped().recipe / f"seed-{seed}"
    home.mkdir(parents=True, exist_ok=True)
    _astrid(home, "simulate", "--out", str(survey), "--seed", str(seed))
    if not (home / "stars").exists():
        shutil.copytree(survey / "stars", home / "stars")
    night = max(one.name for one in survey.iterdir() if one.is_dir() and one.name[0].isdigit())
    _astrid(home, "run", "--data", str(survey), "--survey", SURVEY, "--night", night)
    with open_services(Settings(home=home)) as services:
        model = services.models.champion(MODEL_NAME)
        plan = plan_night(services, load_pipeline().recipe(model), survey=SURVEY, night=night, region=None)
        found = Night(seed=seed, home=home, name=night, keys=tuple(plan.scored))
        for with_network in (True, False):
            path = found.base(with_network=with_network)
            path.unlink(missing_ok=True)
            migrate_database(Settings(home=home, database_url=f"sqlite:///{path.resolve()}"))
            with _services(home, path) as copy, services.transaction() as records, copy.transaction() as others:
                for key in found.keys:
                    run = records.model_runs.get(key)
                    _copy(records, others, run if with_network else _believed(run))
    return found


def _believed(run: ModelRun) -> ModelRun:
    """Return a run of which every candidate is certainly real."""
    return replace(run, detections=tuple(replace(one, score=1.0, unscored_reason="") for one in run.detections))


def _copy(records: Records, others: Records, run: ModelRun) -> None:
    """Add a scored exposure with all that its publication and its comparison with the truth ask for."""
    difference = records.difference_runs.get(run.difference_key)
    references = [records.references.get(digest) for digest in difference.reference_digests]
    for key in (*(one for reference in references for one in reference.inputs), difference.preprocess_key):
        prepared = records.preprocess_runs.get(key)
        others.observations.add(records.observations.get(prepared.observation_id))
        others.preprocess_runs.add(prepared)
    for reference in references:
        others.references.add(reference)
    others.difference_runs.add(difference)
    others.model_runs.add(run)


def _astrid(home: Path, *arguments: str) -> None:
    command = [sys.executable, "-m", "astrid_core.cli.main", *arguments]
    subprocess.run(command, check=True, cwd=ROOT, env={**os.environ, "ASTRID_HOME": str(home)})


def outcome(nights: Sequence[Night], rule: Rule) -> Outcome:
    """Return what a rule makes of the nights."""
    return Outcome(rule=rule, tallies=tuple(night.outcome(rule) for night in nights))


def by_significance(sigma: float, name: str) -> Rule:
    """Return the rule without a network."""
    return Rule(name=name, publish=PublishConfig(min_score=0.0, min_abs_significance=sigma), with_network=False)


def highest(nights: Sequence[Night], is_enough: Callable[[Outcome], bool], what: str) -> Outcome:
    """Return what the highest threshold of significance that leaves enough makes of the nights."""
    lowest = load_pipeline().difference.threshold_sigma
    steps = np.arange(lowest, _HIGHEST_SIGMA, _STEP_SIGMA)
    low, high = 0, len(steps) - 1
    while low < high:
        middle = (low + high + 1) // 2
        found = outcome(nights, by_significance(float(steps[middle]), ""))
        low, high = (middle, high) if is_enough(found) else (low, middle - 1)
    return outcome(nights, by_significance(float(steps[low]), f"significance, {steps[low]:.2f} sigma: {what}"))


def measured(nights: Sequence[Night]) -> tuple[Outcome, ...]:
    """Return what the rule in force makes of the nights, what significance does, and what other thresholds do."""
    pipeline = load_pipeline()
    ours = outcome(nights, Rule(name=f"network, {_threshold(pipeline.publish)}", publish=pipeline.publish))
    sigma = pipeline.difference.threshold_sigma
    alone = outcome(nights, by_significance(sigma, f"significance, {sigma:.2f} sigma: every candidate"))
    others = [
        outcome(nights, Rule(name=f"network, {_threshold(config)}", publish=config))
        for config in (replace(pipeline.publish, max_false_per_deg2=one) for one in stored_densities())
    ]
    equal = (
        highest(nights, lambda one: one.n_recovered >= ours.n_recovered, "as many transients"),
        highest(nights, lambda one: one.n_changed >= ours.n_changed, "as much that changed"),
    )
    return ours, alone, *equal, *others


def stored_densities() -> Sequence[float]:
    """Return the densities of false alarms that the shipped network keeps thresholds for."""
    stored = read_shipped().manifest.get(STORED, {})
    tables = stored if isinstance(stored, Mapping) else {}
    by_instrument = [one for one in tables.values() if isinstance(one, Mapping)]
    return sorted({float(density) for one in by_instrument or [tables] for density in one})


def _threshold(config: PublishConfig) -> str:
    if config.max_false_per_deg2:
        return f"its score at {config.max_false_per_deg2:g} false per deg^2"
    return f"score {config.min_score:g}"


def main() -> None:
    """Measure, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, help="folder for surveys and homes, kept for the next time")
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS, help="default: %(default)s")
    arguments = parser.parse_args()
    nights = [searched_night(arguments.work.resolve(), seed) for seed in arguments.seeds]
    text = page(measured(nights), seeds=arguments.seeds, n_exposures=sum(len(one.keys) for one in nights))
    PAGE.write_text(text)
    print(text)


if __name__ == "__main__":
    main()
