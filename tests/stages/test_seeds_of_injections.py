"""An injection run of a night gives seeds that look like the detections of their exposure, and nothing else does."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from astrid_core.bootstrap import Pipeline
from astrid_core.curation.config import CurateConfig
from astrid_core.curation.entities import InjectedSeed
from astrid_core.detection.entities import Detection, Model
from astrid_core.differencing.added_light import read_light, with_light
from astrid_core.differencing.inject_config import InjectConfig
from astrid_core.differencing.stored_planes import PLANES, read_layout, read_stamp
from astrid_core.shared.errors import BadConfiguration
from astrid_core.shared.runs import RunKey
from astrid_core.stages.curate import run_curate
from astrid_core.stages.export import run_export
from astrid_core.stages.inject import run_injection
from astrid_core.stages.publish import run_publish
from astrid_core.stages.report import run_report
from tests.stages.exported import exported_files
from tests.stages.scene import NIGHT, Scene, scene
from tests.stages.searched import SCIENCE, searched

PIPELINE = Pipeline(inject=InjectConfig(n_sources=40))
CONFIG = PIPELINE.trial()
Searched = tuple[Scene, RunKey, RunKey, Model, RunKey]


@pytest.fixture(scope="module")
def shadowed() -> Searched:
    """A searched night with an injection run; tests must not change it."""
    made = scene()
    difference, model_run, model = searched(made, PIPELINE)
    key = run_injection(made.services, difference, model.id, CONFIG, curate=PIPELINE.curate)
    return made, difference, model_run, model, key


def seeds_in(made: Scene) -> list[InjectedSeed]:
    with made.services.transaction() as records:
        (run,) = records.model_runs.of_observation(SCIENCE)
        behind = [f"{run.key}:{len(run.detections) + number}" for number in range(1, 1000)]
        return list(records.injected_seeds.of(behind).values())


def test_they_look_like_detections_of_their_exposure(shadowed: Searched) -> None:
    made, difference, model_run, _, key = shadowed
    with made.services.transaction() as records:
        real: Detection = records.model_runs.get(model_run).detections[0]
        queued = records.observations.get(SCIENCE)
    seeds = seeds_in(made)
    assert len(seeds) == PIPELINE.curate.injected_seeds
    for seed in seeds:
        one = seed.detection
        assert seed.injection_run == key
        assert (one.model_run, one.candidate.run) == (model_run, difference) == (real.model_run, real.candidate.run)
        assert one.score is not None
        assert one.score >= PIPELINE.curate.min_score
        assert (one.uncertainty is None, one.anomaly is None, one.kind is None) == (
            real.uncertainty is None,
            real.anomaly is None,
            real.kind is None,
        )
        assert one.candidate.position is not None
        assert seed.predicted_snr > 0.0
        assert seed.mag_ab == pytest.approx(25.0 - 2.5 * np.log10(one.candidate.flux))
        assert (seed.item.night, seed.item.survey, seed.item.band) == (queued.night, queued.survey, queued.band)
        assert (seed.item.score, seed.item.detection_id) == (one.score, one.id)
    predicted = sorted(seed.predicted_snr for seed in seeds)
    assert predicted[0] < 7.0
    assert predicted[-1] > 12.0


def test_their_pixels_are_where_they_were_measured(shadowed: Searched) -> None:
    made, difference, *_ = shadowed
    with made.services.transaction() as records:
        image = records.difference_runs.get(difference).image
    assert image is not None
    content = made.artifacts.get(image.digest)

    def part(start: int, n_bytes: int) -> bytes:
        return content[start : start + n_bytes]

    layout = read_layout(part)
    for seed in seeds_in(made):
        candidate = seed.detection.candidate
        bare = read_stamp(part, layout, PLANES, x_pix=candidate.x_pix, y_pix=candidate.y_pix, half_pix=15)
        shown = with_light(bare, read_light(made.artifacts.get(seed.light.digest)))
        # The peak of the score is the significance that is told of it.
        assert float(np.nanmax(shown[3, 14:17, 14:17])) == pytest.approx(candidate.score, rel=0.02)
        assert float(np.nanmax(bare[3, 14:17, 14:17])) < candidate.score - 2.0


def test_the_same_run_keeps_the_same_seeds(shadowed: Searched) -> None:
    made, difference, _, model, key = shadowed
    before = seeds_in(made)
    assert run_injection(made.services, difference, model.id, CONFIG, curate=PIPELINE.curate) == key
    assert seeds_in(made) == before
    other = scene()
    again, _, model = searched(other, PIPELINE)
    run_injection(other.services, again, model.id, CONFIG, curate=replace(PIPELINE.curate, injected_seeds=4))
    assert [one.detection.id for one in seeds_in(other)] != []
    assert {one.detection.candidate.position for one in seeds_in(other)} < {
        one.detection.candidate.position for one in before
    }


def test_only_where_the_exposure_was_searched_by_the_same_network_and_somebody_wants_them() -> None:
    made = scene()
    difference, _, model = searched(made, PIPELINE)
    run_injection(made.services, difference, None, CONFIG, curate=PIPELINE.curate)
    other = replace(CONFIG, detect=replace(CONFIG.detect, max_masked_stamp=0.123))
    run_injection(made.services, difference, model.id, other, curate=PIPELINE.curate)
    none = replace(PIPELINE.curate, injected_seeds=0)
    run_injection(made.services, difference, model.id, CONFIG, curate=none)
    assert seeds_in(made) == []
    with pytest.raises(BadConfiguration, match="injected_seeds"):
        CurateConfig(injected_seeds=-1)


def test_nothing_that_leaves_the_night_names_them(shadowed: Searched, tmp_path: Path) -> None:
    made, _, model_run, _, key = shadowed
    ids = [seed.detection.id for seed in seeds_in(made)]
    run_curate(made.services, model_run, PIPELINE.curate)
    run_publish(made.services, "demo", NIGHT, PIPELINE.publish, [model_run])
    page = tmp_path / "night.html"
    report = run_report(
        made.services, survey="demo", night=NIGHT, out=page, model_run_keys=[model_run], injection_run_keys=[key]
    )
    texts = list(exported_files(made.services, run_export(made.services, PIPELINE.export)).values())
    texts += [page.read_bytes(), repr(report).encode()]
    with made.services.transaction() as records:
        texts += [repr(records.catalog.search()).encode(), repr(records.events.all()).encode()]
        assert records.catalog.published(ids) == {}
        assert records.review_queue.of(ids) == {}
        assert len(records.model_runs.get(model_run).detections) == len(records.catalog.points(
            [entry.id for entry in records.catalog.search()]
        ))  # fmt: skip
    real = f"{model_run}:1".encode()
    assert any(real in text for text in texts)
    for one in ids:
        assert not any(one.encode() in text for text in texts)
