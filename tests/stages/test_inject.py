"""The shadow search over memory twins: outcome, repeat, skip, and no trace in what is published."""

import io
from dataclasses import replace
from typing import Any

import pytest
from astropy.table import Table

from astrid_core.bootstrap import Pipeline
from astrid_core.detection.entities import InjectionRun, Model
from astrid_core.detection.trial import TrialConfig
from astrid_core.differencing.inject_config import InjectConfig
from astrid_core.shared.errors import BadConfiguration, UnknownModel, UnknownRecord, Unprocessable
from astrid_core.shared.runs import RunKey, RunStatus
from astrid_core.stages.difference import run_difference
from astrid_core.stages.export import run_export
from astrid_core.stages.ingest import run_ingest
from astrid_core.stages.inject import as_published, choose_shadows, injection_key, plan_shadows, run_injection
from astrid_core.stages.preprocess import run_preprocess
from astrid_core.stages.publish import run_publish
from tests.fakes.models import MemoryNetwork
from tests.stages.exported import exported_files
from tests.stages.scene import NIGHT, Scene, scene
from tests.stages.searched import SCIENCE, searched

PIPELINE = Pipeline(inject=InjectConfig(n_sources=40))
CONFIG = PIPELINE.trial()


def _published(made: Scene, model_run: RunKey) -> dict[str, bytes]:
    run_publish(made.services, "demo", NIGHT, PIPELINE.publish, [model_run])
    return dict(exported_files(made.services, run_export(made.services, PIPELINE.export)))


@pytest.fixture(scope="module")
def shadowed() -> tuple[Scene, RunKey, RunKey, Model, RunKey]:
    """A searched night with an injection run; tests must not change it."""
    made = scene()
    difference, model_run, model = searched(made, PIPELINE)
    key = run_injection(made.services, difference, model.id, CONFIG, curate=PIPELINE.curate)
    return made, difference, model_run, model, key


def _run(made: Scene, key: RunKey) -> InjectionRun:
    with made.services.transaction() as records:
        return records.injection_runs.get(key)


def test_the_run_tells_completeness_and_keeps_its_tables(
    shadowed: tuple[Scene, RunKey, RunKey, Model, RunKey],
) -> None:
    made, difference, _, model, key = shadowed
    run = _run(made, key)
    assert run.status is RunStatus.SUCCEEDED
    assert (run.difference_key, run.observation_id, run.model) == (difference, SCIENCE, model.id)
    assert run.quality is not None
    assert {one.level for one in run.quality.completeness} == {"candidates", "detections"}
    assert run.injections is not None
    assert run.curves is not None
    table = Table.read(io.BytesIO(made.artifacts.get(run.injections.digest)), format="ascii.ecsv")
    assert len(table) == run.n_injected > 20
    everywhere = run.quality.of("candidates", "everywhere")
    assert everywhere is not None
    assert int(table["is_candidate"].sum()) == everywhere.n_recovered > 0
    curves = Table.read(io.BytesIO(made.artifacts.get(run.curves.digest)), format="ascii.ecsv")
    chosen = curves[(curves["level"] == "candidates") & (curves["place"] == "everywhere")]
    assert set(chosen["axis"]) == {"predicted_snr", "mag_ab"}
    assert chosen["n_injected"].sum() == 2 * run.n_injected
    assert curves.meta["false_rates"]["candidates"]["n_found"] >= 1


def test_doing_it_again_is_doing_nothing(
    shadowed: tuple[Scene, RunKey, RunKey, Model, RunKey], monkeypatch: pytest.MonkeyPatch
) -> None:
    made, difference, _, model, key = shadowed
    monkeypatch.setattr("astrid_core.stages.inject.run_trial", _not_again)
    assert run_injection(made.services, difference, model.id, CONFIG) == key
    with made.services.transaction() as records:
        events = [event for event in records.events.all() if event.name == "injection.recorded"]
    assert [event.subject for event in events] == [key]
    assert events[0].facts["n_injected"] == _run(made, key).n_injected


def _not_again(*_: object, **__: object) -> None:
    raise AssertionError("computed twice")


def test_what_is_published_is_byte_for_byte_the_same_as_without_injections(
    shadowed: tuple[Scene, RunKey, RunKey, Model, RunKey],
) -> None:
    made, difference, model_run, _, _ = shadowed
    plain = scene()
    plain_difference, plain_run, _ = searched(plain, PIPELINE)
    assert (difference, model_run) == (plain_difference, plain_run)
    files = _published(made, model_run)
    assert files == _published(plain, plain_run)
    assert files
    with made.services.transaction() as records, plain.services.transaction() as others:
        assert records.difference_runs.of_observation(SCIENCE)[0].candidates == (
            others.difference_runs.of_observation(SCIENCE)[0].candidates
        )
        assert len(records.model_runs.of_observation(SCIENCE)) == 1
        assert [one.id for one in records.catalog.search()] == [one.id for one in others.catalog.search()]


def test_the_key_covers_all_that_decides_and_not_the_shadow_fraction() -> None:
    model, difference = Model(name="unet", version=1, digest="0" * 64), RunKey("difference-1")

    def changed(**values: Any) -> TrialConfig:
        return replace(CONFIG, inject=replace(CONFIG.inject, **values))

    keys = {
        injection_key(difference, model, CONFIG),
        injection_key(difference, None, CONFIG),
        injection_key(difference, replace(model, digest="1" * 64), CONFIG),
        injection_key(RunKey("difference-2"), model, CONFIG),
        injection_key(difference, model, changed(seed=2)),
        injection_key(difference, model, replace(CONFIG, min_score=0.6)),
    }
    assert len(keys) == 6
    assert injection_key(difference, model, changed(shadow_fraction=0.7)) in keys


def test_detections_count_from_the_threshold_that_the_model_keeps_for_a_density() -> None:
    made, asked = scene(), replace(CONFIG, max_false_per_deg2=10.0)
    model = made.models.register(
        "unet",
        MemoryNetwork(threshold=2.0),
        recipe=RunKey("train-1"),
        parameters={},
        metrics={},
        manifest={"thresholds_per_deg2": {"10": 0.75}},
    )
    assert as_published(made.models, model.id, asked, instrument="any").min_score == 0.75
    assert as_published(made.models, model.id, CONFIG, instrument="any") == CONFIG
    assert as_published(made.models, "", asked, instrument="any") == asked
    other = replace(CONFIG, max_false_per_deg2=30.0)
    assert injection_key(RunKey("difference-1"), model, other) != injection_key(RunKey("difference-1"), model, asked)
    with pytest.raises(BadConfiguration, match=model.id):
        as_published(made.models, model.id, other, instrument="any")


def test_without_a_model_only_candidates_are_counted(shadowed: tuple[Scene, RunKey, RunKey, Model, RunKey]) -> None:
    made, difference, *_ = shadowed
    run = _run(made, run_injection(made.services, difference, None, CONFIG))
    assert run.model == ""
    assert run.quality is not None
    assert {one.level for one in run.quality.completeness} == {"candidates"}
    with pytest.raises(UnknownModel):
        run_injection(made.services, difference, "astrid-detection/99", CONFIG)
    with pytest.raises(UnknownRecord):
        run_injection(made.services, RunKey("difference-9"), None, CONFIG)


def test_what_was_not_subtracted_is_skipped_each_time() -> None:
    made = scene()
    run_ingest(made.services, "demo")
    prepared = run_preprocess(made.services, SCIENCE, PIPELINE.preparation)
    with pytest.raises(Unprocessable):
        run_difference(made.services, prepared, PIPELINE.difference)
    with made.services.transaction() as records:
        (difference,) = records.difference_runs.of_observation(SCIENCE)
    for _ in range(2):
        with pytest.raises(Unprocessable, match="nothing was subtracted"):
            run_injection(made.services, difference.key, None, CONFIG)
    run = _run(made, injection_key(difference.key, None, CONFIG))
    assert run.status is RunStatus.SKIPPED
    assert run.quality is None


def test_a_hash_chooses_who_is_shadowed_and_at_least_one() -> None:
    names = [f"demo:{number}.fits" for number in range(2000)]
    chosen = choose_shadows(names, 0.1)
    assert 150 < len(chosen) < 250
    assert set(choose_shadows(names[::-1][:1000], 0.1)) == set(chosen) & set(names[1000:])
    assert set(chosen) < set(choose_shadows(names, 0.2))
    assert choose_shadows(names, 1.0) == tuple(names)
    assert choose_shadows(names, 0.0) == choose_shadows([], 0.5) == ()
    assert len(choose_shadows(names[:3], 1e-9)) == 1


def test_the_shadows_of_a_night_are_differences_of_its_scored_exposures(
    shadowed: tuple[Scene, RunKey, RunKey, Model, RunKey],
) -> None:
    made, difference, model_run, model, key = shadowed
    plan = plan_shadows(made.services, [model_run], model, CONFIG)
    assert (plan.pending, plan.keys) == ((), (key,))
    assert plan_shadows(made.services, [model_run], model, CONFIG, force=True).pending == (difference,)
    other = replace(CONFIG, inject=replace(CONFIG.inject, seed=2))
    assert plan_shadows(made.services, [model_run], model, other).pending == (difference,)
    none = replace(CONFIG, inject=replace(CONFIG.inject, shadow_fraction=0.0))
    assert plan_shadows(made.services, [model_run], model, none).keys == ()
    assert plan_shadows(made.services, [], model, CONFIG).keys == ()
