from dataclasses import replace

import pytest

from astrid_core.detection.config import DetectConfig
from astrid_core.detection.entities import Kind
from astrid_core.differencing.entities import Candidate, DifferenceRun
from astrid_core.shared.artifacts import ArtifactRef
from astrid_core.shared.errors import CorruptArtifact, UnknownModel, UnknownRecord, Unprocessable
from astrid_core.shared.runs import RunKey, RunStatus
from astrid_core.stages.detect import detect_key, run_detect
from astrid_core.stages.services import Services
from tests.detection.frames import RUN, candidate, product
from tests.detection.stored import stored
from tests.fakes.artifacts import MemoryArtifacts
from tests.fakes.models import MemoryModels, with_champion
from tests.fakes.records import MemoryDatabase
from tests.synthetic.fields import Source

CONFIG = DetectConfig()


class Bench:
    """Services on memory, with one difference recorded."""

    def __init__(self, *candidates: Candidate, status: RunStatus = RunStatus.SUCCEEDED) -> None:
        self.database, self.artifacts, self.models = MemoryDatabase(), MemoryArtifacts(), MemoryModels()
        self.services = Services(
            artifacts=self.artifacts, models=self.models, surveys={}, transaction=self.database.transaction
        )
        self.model = with_champion(self.models, threshold_sigma=10.0)
        self.image = self.artifacts.put(
            stored(product(Source(x_pix=70.0, y_pix=50.0, flux=30.0), Source(x_pix=30.0, y_pix=80.0, flux=-20.0))),
            media_type="image/fits",
        )
        self.record(
            DifferenceRun(
                key=RUN,
                status=status,
                reason="too dark" if status is RunStatus.SKIPPED else "",
                preprocess_key=RunKey("preprocess-1"),
                observation_id="demo:1",
                image=self.image if status is RunStatus.SUCCEEDED else None,
                candidates=candidates,
            )
        )

    def record(self, run: DifferenceRun) -> None:
        with self.database.transaction() as records:
            records.difference_runs.add(run)

    def detect(self) -> RunKey:
        return run_detect(self.services, RUN, self.model.id, CONFIG)

    def events(self) -> list[str]:
        with self.database.transaction() as records:
            return [event.name for event in records.events.all()]


def test_every_candidate_gets_a_score_or_the_reason_why_not() -> None:
    bench = Bench(
        candidate(70.0, 50.0, 30.0, number=1),
        candidate(30.0, 80.0, -20.0, number=2),
        candidate(100.0, 90.0, 5.0, number=3),
        candidate(0.0, 0.0, 5.0, number=4),
    )
    key = bench.detect()
    with bench.database.transaction() as records:
        run = records.model_runs.get(key)
        events = list(records.events.all())
    scores = [one.score for one in run.detections]
    assert [one.candidate.number for one in run.detections] == [1, 2, 3, 4]
    assert scores[0] is not None
    assert scores[0] > 0.99
    assert scores[1] is not None
    assert scores[1] > 0.99
    assert scores[2] is not None
    assert scores[2] < 0.01
    assert scores[3] is None
    assert "outside the frame" in run.detections[3].unscored_reason
    assert [one.kind for one in run.detections] == [Kind.TRANSIENT, Kind.TRANSIENT, Kind.NOISE, None]
    assert [one.anomaly for one in run.detections] == [1.0, 1.0, 1.0, None]
    assert run.detections[0].uncertainty == pytest.approx(0.0, abs=0.1)
    assert run.detections[3].uncertainty is None
    assert run.status is RunStatus.SUCCEEDED
    assert run.model == bench.model.id
    assert run.observation_id == "demo:1"
    assert [event.name for event in events] == ["model_run.recorded"]
    assert events[0].facts["n_unscored"] == 1


def test_repeating_it_changes_nothing_and_loads_nothing() -> None:
    bench = Bench(candidate(70.0, 50.0, 30.0))
    assert bench.detect() == bench.detect()
    assert bench.models.n_loaded == 1
    assert bench.events() == ["model_run.recorded"]


def test_no_candidates_are_a_success_without_detections() -> None:
    bench = Bench()
    key = bench.detect()
    with bench.database.transaction() as records:
        run = records.model_runs.get(key)
    assert run.status is RunStatus.SUCCEEDED
    assert run.detections == ()
    assert bench.models.n_loaded == 0


def test_a_skipped_difference_is_recorded_as_skipped_each_time() -> None:
    bench = Bench(status=RunStatus.SKIPPED)
    for _ in range(2):
        with pytest.raises(Unprocessable, match="too dark"):
            bench.detect()
    key = detect_key(RUN, bench.model, CONFIG)
    with bench.database.transaction() as records:
        assert records.model_runs.get(key).status is RunStatus.SKIPPED
    assert bench.events() == ["model_run.recorded"]


def test_the_key_depends_on_difference_model_and_settings() -> None:
    model = Bench().model
    keys = {
        detect_key(RUN, model, CONFIG),
        detect_key(RunKey("difference-2"), model, CONFIG),
        detect_key(RUN, replace(model, version=2), CONFIG),
        detect_key(RUN, replace(model, digest="0" * 64), CONFIG),
        detect_key(RUN, model, DetectConfig(max_masked_fraction=0.4)),
    }
    assert len(keys) == 5


def test_an_unknown_model_or_difference_and_altered_bytes_stop_everything() -> None:
    bench = Bench(candidate(70.0, 50.0, 30.0))
    with pytest.raises(UnknownModel):
        run_detect(bench.services, RUN, "astrid-detection/7", CONFIG)
    with pytest.raises(UnknownRecord):
        run_detect(bench.services, RunKey("difference-9"), bench.model.id, CONFIG)
    bench.models.contents[bench.model.id] = b"{}"
    with pytest.raises(CorruptArtifact, match="network"):
        bench.detect()
    assert bench.events() == []


def test_a_difference_that_is_no_difference_is_corrupt() -> None:
    bench = Bench()
    image = bench.artifacts.put(b"not a FITS file", media_type="image/fits")
    key = RunKey("difference-3")
    bench.record(_run(key, image))
    with pytest.raises(CorruptArtifact):
        run_detect(bench.services, key, bench.model.id, CONFIG)


def _run(key: RunKey, image: ArtifactRef) -> DifferenceRun:
    return DifferenceRun(
        key=key,
        status=RunStatus.SUCCEEDED,
        preprocess_key=RunKey("preprocess-1"),
        observation_id="demo:1",
        image=image,
        candidates=(replace(candidate(70.0, 50.0, 30.0), run=key),),
    )


def test_scores_come_from_the_stored_pixels_alone() -> None:
    bench, other = Bench(candidate(70.0, 50.0, 30.0)), Bench(candidate(70.0, 50.0, 30.0))
    scores = []
    for one in (bench, other):
        key = one.detect()
        with one.database.transaction() as records:
            scores.append(records.model_runs.get(key).detections[0].score)
    assert scores[0] == scores[1] is not None
