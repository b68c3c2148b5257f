"""Contract of InjectionRuns."""

from dataclasses import replace
from math import sqrt

import pytest
from sqlalchemy import inspect

from astrid_core.adapters.db.engine import open_engine
from astrid_core.detection.entities import InjectionRun
from astrid_core.differencing.completeness import Completeness, CompletenessBin, FluxCheck, false_rate
from astrid_core.differencing.half_point import HalfPoint
from astrid_core.differencing.search_quality import SearchQuality
from astrid_core.shared.errors import UnknownRecord
from astrid_core.shared.runs import RunKey, RunStatus
from tests.adapters.databases import AnyDatabase
from tests.adapters.invented import DIFFERENCE, artifact, difference_run, observation, record_difference


def injection_run(key: str = "inject-1") -> InjectionRun:
    bins = (
        CompletenessBin(
            low=2.5, high=sqrt(50.0), n_injected=3, n_recovered=1, fraction=1 / 3, fraction_low=0.1, fraction_high=0.7
        ),
        CompletenessBin(
            low=sqrt(50.0), high=20.0, n_injected=0, n_recovered=0, fraction=None, fraction_low=None, fraction_high=None
        ),
    )
    curve = Completeness(
        level="candidates",
        place="everywhere",
        n_injected=3,
        n_recovered=1,
        half=HalfPoint(snr=4.9, low=None, high=6.1),
        by_snr=bins,
        by_mag=bins[:1],
    )
    return InjectionRun(
        key=RunKey(key),
        status=RunStatus.SUCCEEDED,
        difference_key=DIFFERENCE,
        observation_id=observation().id,
        model="astrid-detection/3",
        n_injected=3,
        quality=SearchQuality(
            completeness=(curve, replace(curve, level="detections", by_mag=())),
            false_rates={"candidates": false_rate(2, 1_234_567)},
            fluxes=FluxCheck(n_sources=1, bias=None, bias_err=None, pull=None, pull_sigma=None),
            notes=("no gain is known",),
        ),
        injections=artifact(40),
        curves=artifact(41),
        elapsed_s=7.0,
    )


def test_an_injection_run_comes_back_bit_for_bit_and_never_changes(database: AnyDatabase) -> None:
    run = injection_run()
    with database.transaction() as records:
        record_difference(records)
        assert records.injection_runs.find(run.key) is None
        assert records.injection_runs.add(run)
    with database.transaction() as records:
        assert not records.injection_runs.add(replace(run, n_injected=7))
        assert records.injection_runs.get(run.key) == run
        assert records.injection_runs.find(run.key) == run


def test_a_skipped_injection_run_keeps_its_reason(database: AnyDatabase) -> None:
    skipped = replace(
        injection_run("inject-2"),
        status=RunStatus.SKIPPED,
        reason="no room for an injection",
        model="",
        n_injected=0,
        quality=None,
        injections=None,
        curves=None,
    )
    with database.transaction() as records:
        record_difference(records)
        records.injection_runs.add(skipped)
        assert records.injection_runs.get(skipped.key) == skipped


def test_injection_runs_of_a_difference_are_ordered_by_key(database: AnyDatabase) -> None:
    runs = [injection_run("inject-b"), injection_run("inject-a")]
    with database.transaction() as records:
        record_difference(records)
        for run in runs:
            records.injection_runs.add(run)
        assert records.injection_runs.of_difference(DIFFERENCE) == (runs[1], runs[0])
        assert records.injection_runs.of_difference(RunKey("difference-9")) == ()
        with pytest.raises(UnknownRecord, match="inject-9"):
            records.injection_runs.get(RunKey("inject-9"))


def test_injections_leave_no_trace_among_candidates_and_detections(database: AnyDatabase) -> None:
    with database.transaction() as records:
        record_difference(records)
        records.injection_runs.add(injection_run())
        assert records.difference_runs.get(DIFFERENCE) == difference_run()
        assert records.model_runs.of_observation(observation().id) == ()
        assert records.catalog.search() == ()


def test_only_seeds_point_to_the_table_of_injections_and_nothing_points_to_them(sql_url: str) -> None:
    engine = open_engine(sql_url)
    tables = inspect(engine)
    pointing = {
        (name, key["referred_table"]) for name in tables.get_table_names() for key in tables.get_foreign_keys(name)
    }
    engine.dispose()
    assert {name for name, target in pointing if target == "injection_run"} == {"injected_seed"}
    assert {name for name, target in pointing if target == "injected_seed"} == set()
