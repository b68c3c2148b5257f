from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from astrid_core.detection.config import MODEL_NAME, TrainConfig
from astrid_core.detection.entities import Model, ModelAlias
from astrid_core.detection.gate import GateConfig
from astrid_core.detection.training_set import LabelledFrame
from astrid_core.shared.errors import BadConfiguration, CorruptArtifact, RejectedModel, UnknownModel
from astrid_core.shared.runs import RunKey
from astrid_core.stages.gate import gate_settings, last_gate, probe_notes, run_gate
from astrid_core.stages.services import Services
from tests.detection.frames import labelled
from tests.fakes.artifacts import MemoryArtifacts
from tests.fakes.models import MemoryModels, MemoryNetwork, MemoryTrainingFrames
from tests.fakes.records import MemoryDatabase

GATE = GateConfig(n_frames=6, n_quiet=0, max_memory_gib=64.0, max_cpu_s_per_1000=1e4)
TRAIN = gate_settings(GATE, TrainConfig(stamp_pix=32))
GOOD, BLIND = float(np.arcsinh(15.0)), float(np.arcsinh(500.0))


class Counted(MemoryTrainingFrames):
    """Frames that count how often they are made."""

    n_made: list[int] = []  # noqa: RUF012 - shared on purpose: frozen instances cannot count

    def __iter__(self) -> Iterator[LabelledFrame]:
        self.n_made.append(1)
        return super().__iter__()


class Bench:
    """A champion, and frames that neither network has seen."""

    def __init__(self) -> None:
        self.database, self.models = MemoryDatabase(), MemoryModels()
        self.services = Services(
            artifacts=MemoryArtifacts(), models=self.models, surveys={}, transaction=self.database.transaction
        )
        self.frames = Counted(frames=[labelled(number) for number in range(GATE.n_frames)])
        self.frames.n_made.clear()
        self.champion = self.registered(GOOD)
        self.models.assign(ModelAlias.CHAMPION, self.champion)

    def registered(self, threshold: float, *, probed: bool = True) -> Model:
        network = MemoryNetwork(threshold=threshold, stamp_pix=32)
        notes = probe_notes(network) if probed else {}
        recipe = RunKey(f"train-{len(self.models.models)}")
        return self.models.register(
            MODEL_NAME, network, recipe=recipe, parameters={}, metrics={}, manifest={}, notes=notes
        )


def test_an_equal_network_passes_and_every_number_is_on_record() -> None:
    bench = Bench()
    challenger = bench.registered(GOOD)
    result = run_gate(bench.services, challenger.id, GATE, TRAIN, bench.frames)
    assert result.passed
    assert result.champion == bench.champion.id
    names = {check.name for check in result.checks}
    assert {"frame: real accepted, all", "triplet: false rejected, all", "calibration error"} <= names
    assert {"CPU seconds per 1000 stamps", "peak memory, GiB"} <= names
    assert bench.models.notes(challenger).items() >= {"gate": "passed", "gate_against": bench.champion.id}.items()
    with bench.database.transaction() as records:
        assert last_gate(records, challenger) == result
        assert last_gate(records, bench.champion) is None


def test_a_network_that_finds_less_is_rejected_with_all_that_failed() -> None:
    bench = Bench()
    blind = bench.registered(BLIND)
    for _ in range(2):
        with pytest.raises(RejectedModel) as caught:
            run_gate(bench.services, blind.id, GATE, TRAIN, bench.frames)
        assert "frame: real accepted, all: 0 against 1 (n=" in str(caught.value)
        assert "calibration error" in str(caught.value)
        assert "real accepted, faded" in str(caught.value)
    assert bench.models.notes(blind)["gate"] == "failed"
    assert len(bench.frames.n_made) == 1


def test_the_same_comparison_is_made_once_and_again_for_another_champion() -> None:
    bench = Bench()
    challenger, other = bench.registered(GOOD), bench.registered(GOOD)
    first = run_gate(bench.services, challenger.id, GATE, TRAIN, bench.frames)
    assert run_gate(bench.services, challenger.id, GATE, TRAIN, bench.frames) == first
    assert len(bench.frames.n_made) == 1
    bench.models.assign(ModelAlias.CHAMPION, other)
    assert run_gate(bench.services, challenger.id, GATE, TRAIN, bench.frames).champion == other.id
    run_gate(bench.services, challenger.id, replace(GATE, max_ece=0.5), TRAIN, bench.frames)
    assert len(bench.frames.n_made) == 3


def test_a_network_that_scores_otherwise_once_it_is_loaded_is_rejected() -> None:
    bench = Bench()
    network = MemoryNetwork(threshold=1.0, stamp_pix=32)
    changed = bench.registered(GOOD, probed=False)
    bench.models.note(changed, probe_notes(network))
    with pytest.raises(RejectedModel, match="largest change: "):
        run_gate(bench.services, changed.id, GATE, TRAIN, bench.frames)
    with pytest.raises(RejectedModel, match="largest change: not measured"):
        run_gate(bench.services, bench.registered(GOOD, probed=False).id, GATE, TRAIN, bench.frames)


def test_a_network_whose_bytes_were_altered_is_not_compared() -> None:
    bench = Bench()
    challenger = bench.registered(GOOD)
    bench.models.contents[challenger.id] += b" "
    with pytest.raises(CorruptArtifact, match=challenger.id):
        run_gate(bench.services, challenger.id, GATE, TRAIN, bench.frames)
    with pytest.raises(UnknownModel):
        run_gate(bench.services, f"{MODEL_NAME}/9", GATE, TRAIN, bench.frames)
    assert bench.models.champion(MODEL_NAME) == bench.champion


def test_frames_of_the_gate_are_those_of_no_training() -> None:
    assert (TRAIN.seed, TRAIN.n_frames, TRAIN.n_quiet) == (GATE.seed, 6, 0)
    with pytest.raises(BadConfiguration, match="9001"):
        gate_settings(GATE, TrainConfig(seed=9001))
