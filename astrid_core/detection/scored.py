"""What a network says of candidates, each with its number in the search."""

from collections.abc import Sequence

import numpy as np

from astrid_core.detection.config import DetectConfig
from astrid_core.detection.cutouts import cut_stamps
from astrid_core.detection.entities import Detection
from astrid_core.detection.judgement import classify
from astrid_core.detection.ports import Scorer
from astrid_core.differencing.entities import Candidate
from astrid_core.differencing.products import DifferenceProduct
from astrid_core.shared.runs import RunKey


def score_candidates(
    product: DifferenceProduct, candidates: Sequence[Candidate], scorer: Scorer, config: DetectConfig, *, run: RunKey
) -> tuple[Detection, ...]:
    """Return a detection of model run ``run`` per candidate, in their order.

    One that cannot be judged comes without a score and with the reason.
    """
    stamps = cut_stamps(product, candidates, size_pix=scorer.stamp_pix, config=config)
    judged = scorer.judge(stamps)
    flags = np.array([candidates[number].flags for number in stamps.index], dtype=np.int64)
    kinds = classify(judged, flags)
    found = {number: row for row, number in enumerate(stamps.index.tolist())}
    detections = []
    for number, candidate in enumerate(candidates):
        row = found.get(number)
        if row is None:
            detections.append(
                Detection(model_run=run, candidate=candidate, score=None, unscored_reason=stamps.refused[number])
            )
            continue
        detections.append(
            Detection(
                model_run=run,
                candidate=candidate,
                score=float(judged.score[row]),
                uncertainty=float(judged.uncertainty[row]),
                anomaly=float(judged.anomaly[row]),
                kind=kinds[row],
            )
        )
    return tuple(detections)
