"""The whole system, started, used and broken. Minutes each: ``make test-live``."""

import os
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
import pytest
from astropy.table import Table

from astrid_core.catalog.report import NightFacts
from astrid_core.shared.sky import SkyPosition, separation_arcsec
from include.local.client import Run, TaskState
from include.local.environment import our_environment
from include.local.home import LOGIN, REPOSITORY, Home
from include.local.survey import Survey, settings_of
from include.local.system import database_of, what_is_up
from tests.end_to_end.living import (
    Living,
    When,
    events_of,
    kill_scheduler,
    kill_task,
    living_copy,
    restart_database,
    told_by_demo,
)
from tests.end_to_end.small import BROKEN_AT, NIGHT, SURVEY, Small
from tests.fakes.kubernetes import Cluster
from tests.synthetic.broken import LATER

pytestmark = [
    pytest.mark.live,
    pytest.mark.filterwarnings(
        "ignore:The ``noload`` loader:sqlalchemy.exc.SADeprecationWarning"
    ),  # MLflow's own queries
]

STEP = "search_batch.difference"


@pytest.fixture
def demo_survey(demo: tuple[Home, str]) -> Iterator[Survey]:
    """The records of the demonstration, its system being down."""
    home, _ = demo
    postgres = database_of(home)
    postgres.start([])
    yield Survey(name="demo", home=home, settings=settings_of(home, postgres))
    postgres.stop()


def _night_of(survey: Survey) -> str:
    return survey.ingest()[0][-1]


def test_the_demo_recovers_the_bright_transients_with_few_false_ones(
    demo: tuple[Home, str], demo_survey: Survey
) -> None:
    report = demo_survey.report(_night_of(demo_survey))
    truth = report.facts.truth
    assert truth is not None
    assert truth.n_expected >= 10
    assert truth.n_recovered >= 0.95 * truth.n_expected, truth.missed
    assert len(truth.false) <= truth.usable_mpix / 4.0, truth.false
    assert truth.usable_mpix >= 4.0
    assert report.table in demo[1]


def test_the_demo_leaves_one_page_that_needs_no_other_file(demo: tuple[Home, str], demo_survey: Survey) -> None:
    page = demo_survey.page(_night_of(demo_survey))
    assert f"page: {page}" in demo[1]
    text = page.read_text()
    assert "<img" in text
    assert not re.findall(r"""(?:src|href)=["'](?!data:|#)""", text)


def test_the_demo_leaves_no_process_behind(demo: tuple[Home, str]) -> None:
    home, _ = demo
    assert what_is_up(home) is None
    assert not database_of(home).is_running()
    at_work = [
        one.info["cmdline"] for one in psutil.process_iter(["cmdline"]) if str(home.folder) in str(one.info["cmdline"])
    ]
    assert at_work == []


def test_a_second_demo_recomputes_nothing_and_says_so(demo: tuple[Home, str], workshop: Path) -> None:
    home, first = demo
    before = _events(home)
    told = told_by_demo(workshop / "demo")
    searched = re.search(r"nothing to do: (\d+) exposures already searched", told)
    assert searched is not None
    assert int(searched[1]) >= 4
    assert _events(home) == before
    assert _table(told) == _table(first)


def _events(home: Home) -> int:
    database_of(home).start([])
    count = events_of(home)
    database_of(home).stop()
    return count


def _table(told: str) -> str:
    """Return what is printed of the night, without the lines of progress."""
    return told.partition("\n\n")[2].partition("\npage:")[0]


@pytest.mark.real
def test_the_supernova_of_a_real_pair_is_in_the_catalog(demo: tuple[Home, str], workshop: Path) -> None:
    data = Path(os.environ.get("ASTRID_REAL_DATA", REPOSITORY.parent / "shared" / "data")) / "pair-sn2007i"
    if not data.is_dir():
        pytest.skip(f"no {data}; ASTRID_REAL_DATA tells where the real data are")
    home, _ = demo
    told = told_by_demo(workshop / "demo", "--data", str(data))
    found = Table.read(home.results / "catalog.ecsv")
    supernova = SkyPosition(ra_deg=179.80507, dec_deg=-1.60521)
    distances = [
        separation_arcsec(supernova, SkyPosition(ra_deg=float(ra), dec_deg=float(dec)))
        for ra, dec in zip(found["ra_deg"], found["dec_deg"], strict=True)
    ]
    assert min(distances) < 1.5
    assert "Night 2007-06-17, survey pair-sn2007i" in told


@dataclass(frozen=True)
class Searched:
    """What a night left behind."""

    files: dict[str, bytes]
    run: Run
    facts: NightFacts
    n_events: int


def _search(living: Living, folder: Path, watch: Callable[[Run], None] = lambda _: None) -> Searched:
    survey = living.survey(SURVEY, folder)
    run = living.run("nightly_survey", {"survey": SURVEY}, night=NIGHT, watch=watch)
    return Searched(files=survey.export(), run=run, facts=survey.report(NIGHT).facts, n_events=events_of(living.home))


@dataclass(frozen=True)
class Undisturbed:
    """The night searched without any trouble: once, once more, and by a backfill of a region."""

    first: Searched
    second: Searched
    second_plan: object
    backfill: Run
    backfill_plan: list[dict[str, list[str]]]
    runs: dict[str, dict[str, object]]
    quality: str
    me: dict[str, object]
    """Who the API says that Airflow's user is."""
    stranger: int
    """What it answers to somebody without a session."""
    """The page of what was checked, as the UI serves it."""


@pytest.fixture(scope="module")
def undisturbed(prepared: Home, small: Small, workshop: Path) -> Undisturbed:
    with living_copy(prepared, workshop / "undisturbed") as living:
        first, second = _search(living, small.folder), _search(living, small.folder)
        conf = {"survey": SURVEY, "region": f"cone({BROKEN_AT[0]},{BROKEN_AT[1]},0.1deg)", "force": True}
        backfill = living.backfill("nightly_survey", NIGHT, conf)
        return Undisturbed(
            first=first,
            second=second,
            second_plan=living.airflow.result("nightly_survey", second.run.id, "plan"),
            backfill=backfill,
            backfill_plan=living.airflow.result("nightly_survey", backfill.id, "plan"),
            runs=living.runs_of("nightly_survey"),
            quality=living.page("/astrid/quality/").raise_for_status().text,
            me=living.page("/astrid/api/v1/me").raise_for_status().json(),
            stranger=httpx.get(f"{living.system.address.url}/astrid/api/v1/me", timeout=30.0).status_code,
        )


def test_the_api_knows_whom_airflow_knows_and_nobody_else(undisturbed: Undisturbed) -> None:
    assert (undisturbed.me["login"], undisturbed.me["via"]) == (LOGIN, "airflow")
    assert undisturbed.stranger == 401


def test_every_broken_file_is_an_item_with_a_reason_and_the_night_goes_on(
    undisturbed: Undisturbed, small: Small
) -> None:
    facts = undisturbed.first.facts
    assert len(small.broken) >= 20
    reasons = {one.archive_id: one.reason for one in facts.rejected}
    reasons |= {one.archive_id: one.reason for one in facts.exposures if one.outcome == "skipped"}
    assert set(reasons) == set(small.broken)
    for name, reason in small.broken.items():
        assert reason in reasons[name], name
    assert facts.count("searched") == 4
    assert facts.count("skipped") == len(LATER)
    assert facts.truth is not None
    assert facts.truth.n_recovered >= 0.95 * facts.truth.n_expected > 0


def test_what_was_checked_is_a_page_of_the_ui(undisturbed: Undisturbed) -> None:
    for table in ("observations", "preparations", "candidates"):
        assert table in undisturbed.quality
    assert NIGHT in undisturbed.quality


def test_a_night_that_is_run_again_finds_nothing_to_do(undisturbed: Undisturbed) -> None:
    first, second = undisturbed.first, undisturbed.second
    assert undisturbed.second_plan == []
    steps = {one.task: one.state for one in second.run.tasks}
    # Tasks that are mapped over nothing: no exposure is to be searched, and none once more with injections.
    idle = {task for task in steps if task.startswith("search_batch") or task == "inject"}
    assert {steps[task] for task in idle} == {"skipped"}
    assert {state for task, state in steps.items() if task not in idle} == {"success"}
    assert second.files == first.files
    assert second.n_events == first.n_events


def test_a_backfill_searches_just_a_region_and_keeps_the_earlier_runs_of_the_night(undisturbed: Undisturbed) -> None:
    planned = {item.partition(":")[2] for batch in undisturbed.backfill_plan for item in batch["items"]}
    assert planned == LATER
    nights = {run_id: (run["run_type"], run["partition_key"]) for run_id, run in undisturbed.runs.items()}
    assert nights == {
        undisturbed.first.run.id: ("manual", NIGHT),
        undisturbed.second.run.id: ("manual", NIGHT),
        undisturbed.backfill.id: ("backfill", NIGHT),
    }


def _hurt(
    prepared: Home, small: Small, copy: Path, harm: Callable[[Living, TaskState], None]
) -> tuple[Searched, list[str]]:
    """Search the night in a copy of the prepared home, hurting it on the way; return what the supervisor noticed."""
    with living_copy(prepared, copy) as living:
        watch = When(STEP, living, harm)
        found = _search(living, small.folder, watch)
        assert watch.is_done
        return found, living.ended_components()


def test_a_night_whose_scheduler_is_killed_ends_with_the_same_catalog(
    undisturbed: Undisturbed, prepared: Home, small: Small, workshop: Path
) -> None:
    found, ended = _hurt(prepared, small, workshop / "scheduler", kill_scheduler)
    assert ended == ["scheduler"]
    assert found.files == undisturbed.first.files


def test_a_night_with_a_killed_task_ends_with_the_same_catalog(
    undisturbed: Undisturbed, prepared: Home, small: Small, workshop: Path
) -> None:
    found, _ = _hurt(prepared, small, workshop / "task", kill_task)
    assert max(one.attempt for one in found.run.tasks) >= 2
    assert found.files == undisturbed.first.files


def test_a_night_whose_database_restarts_ends_with_the_same_catalog(
    undisturbed: Undisturbed, prepared: Home, small: Small, workshop: Path
) -> None:
    found, _ = _hurt(prepared, small, workshop / "database", restart_database)
    assert found.files == undisturbed.first.files


def test_a_night_in_pods_with_a_killed_worker_ends_with_the_same_catalog_and_no_pod_twice(
    undisturbed: Undisturbed, prepared: Home, small: Small, workshop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, folder = workshop / "in-pods", workshop / "cluster"
    folder.mkdir()
    with Cluster(folder) as cluster:
        monkeypatch.setenv("ASTRID_COMPUTE", "kubernetes")
        monkeypatch.setenv("ASTRID_POD_IMAGE", f"registry.example/astrid@sha256:{'0' * 64}")
        monkeypatch.setenv("KUBECONFIG", str(cluster.kubeconfig))
        with living_copy(prepared, home) as living:
            # What config maps and secrets are in a cluster.
            cluster.environment = os.environ | our_environment(living.home, living.system.postgres) | {
                "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "ASTRID_ARRAYS": "numpy",
            }  # fmt: skip
            watch = When(STEP, living, kill_task, is_time=lambda: bool(cluster.pods))
            found = _search(living, small.folder, watch)
            assert watch.is_done
        asked = [tuple(one["spec"]["containers"][0]["args"]) for one in cluster.made]
        assert {one[1] for one in asked} == {"difference", "detect", "inject"}
        assert len(asked) == len(set(asked))
        assert cluster.pods == {}
    assert max(one.attempt for one in found.run.tasks) >= 2
    assert found.files == undisturbed.first.files
