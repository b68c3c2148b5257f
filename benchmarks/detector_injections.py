"""What sources and flaws that are put into real images teach: the ablation of docs/detector_peers.md."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from astrid_core.adapters.models.training import train_unet
from astrid_core.bootstrap import load_pipeline
from astrid_core.detection.config import TrainConfig
from astrid_core.detection.cutouts import Stamps
from astrid_core.detection.evaluate import area_under_curve, mean_by_group
from astrid_core.detection.judgement import LIKELY
from astrid_core.detection.ports import Network
from astrid_core.detection.real_triplets import examples_of_triplets, split
from astrid_core.detection.training_set import TrainingSet, examples_of, join
from astrid_core.detection.triplet_injection import Injected, inject_triplets
from benchmarks.detector_real import labelled_ztf, ztf
from benchmarks.real_pairs import series_frames

LABELS = ("bts_transient", "tns_transient", "known_moving", "bogus_inspected")


@dataclass(frozen=True, slots=True, kw_only=True)
class Learnt:
    """What a network that has learnt from real images, too, makes of those kept apart."""

    name: str
    network: Network
    accepted: dict[str, float]
    """Part of each label with a score of 0.5 or more, objects counting once."""
    auc: float
    """Of those that are real against those that are bogus, rows."""

    def network_score(self, stamps: Stamps) -> NDArray[np.floating]:
        """Return its scores of stamps."""
        return self.network.judge(stamps).score


def with_and_without(sets: TrainingSet, config: TrainConfig, real: Path, seeds: Sequence[int]) -> list[Learnt]:
    """Train with all that the shipped network learns from, and without what is put into real images."""
    triplets = real / "ztf-triplets"
    training, test = split(labelled_ztf(triplets), seed=config.seed)
    put = inject_triplets(training.triplets, seed=config.seed)
    whole, plain = (examples_of_triplets(training, config, one) for one in (put, Injected.nothing()))
    frames = [examples_of(one, config) for one in series_frames(real, load_pipeline())]
    found = []
    for name, added in (("with injections into real images", [whole, *frames]), ("without them", [plain])):
        shown = replace(sets, training=join([sets.training, *added], stamp_pix=config.stamp_pix))
        for seed in seeds:
            network = train_unet(shown, replace(config, seed=seed), progress=lambda _: None)
            rows = ztf(network, triplets, groups=set(test.group.tolist()))
            here = rows.score >= 0.0
            accepted = {
                label: mean_by_group(rows.score[chosen] >= LIKELY, rows.group[chosen])
                for label in LABELS
                for chosen in [here & (rows.label == label)]
            }
            known = here & np.isin(rows.label, LABELS)
            auc = area_under_curve(rows.score[known], rows.label[known] != LABELS[-1])
            found.append(Learnt(name=name, network=network, accepted=accepted, auc=auc or 0.0))
            print(name, seed, found[-1].accepted, found[-1].auc, flush=True)
    return found


def table(found: Sequence[Learnt]) -> str:
    """Return a row per way of learning: the mean of its seeds."""
    lines = ["| | seeds | " + " | ".join(LABELS) + " | area under the curve |", "|---" * (len(LABELS) + 3) + "|"]
    for name in dict.fromkeys(one.name for one in found):
        those = [one for one in found if one.name == name]
        cells = [f"{np.mean([one.accepted[label] for one in those]):.3f}" for label in LABELS]
        auc = f"{np.mean([one.auc for one in those]):.3f}"
        lines.append(f"| {name} | {len(those)} | " + " | ".join([*cells, auc]) + " |")
    return "\n".join(lines)
