"""What curators have said so far, as triplets to learn from."""

from collections.abc import Sequence
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from astrid_core.curation.entities import Verdict
from astrid_core.detection.entities import Detection
from astrid_core.detection.real_triplets import LabelledTriplets
from astrid_core.detection.training_set import cut_triplets
from astrid_core.differencing.products import read_difference
from astrid_core.shared.sky import SkyCell
from astrid_core.stages.services import Records, Services

ORIGIN = "verdicts"
TAKEN = "verdicts.taken"
"""Event about all verdicts: a training began to learn from them; it tells how many, and the digest of the examples."""
OFFERED = "verdicts.offered"
"""Event about all verdicts: whoever trains was told of new ones, by a run of the scheduler."""
_CELL_ORDER = 12
"""Of HEALPix: cells of 50 arcsec. What lies in one stays together when examples are split, so that an object teaches or
tests, never both; one on the edge of two cells may do both.
"""


def take_verdicts(services: Services, *, fewest: int) -> LabelledTriplets | None:
    """Return what people have decided as ``verdict_triplets`` does, and record that it is learnt from.

    None where there are fewer than ``fewest`` examples.
    """
    found = verdict_triplets(services)
    if found is None or len(found.group) < fewest:
        return None
    with services.transaction() as records:
        facts = {"digest": found.digest, "n_examples": len(found.group), "n_decided": len(_decided(records))}
        records.events.append(TAKEN, subject=ORIGIN, facts=facts)
    return found


def offer_new_verdicts(services: Services, *, fewest: int, run_id: str) -> int | None:
    """Return how many detections are decided beyond those told of or learnt from before, and record that it is told.

    None where there are fewer than ``fewest``. A run that told of some tells the same when it is repeated.
    """
    with services.transaction() as records:
        told = [event for event in records.events.of(ORIGIN) if event.name in {TAKEN, OFFERED}]
        if told and told[-1].name == OFFERED and told[-1].facts["run"] == run_id:
            return int(str(told[-1].facts["n_new"]))
        n_decided = len(_decided(records))
        n_new = n_decided - (int(str(told[-1].facts["n_decided"])) if told else 0)
        if n_new < fewest:
            return None
        facts = {"n_new": n_new, "n_decided": n_decided, "run": run_id}
        records.events.append(OFFERED, subject=ORIGIN, facts=facts)
    return n_new


def verdict_triplets(services: Services) -> LabelledTriplets | None:
    """Return a triplet per detection that people have decided to be real or bogus; None without any.

    Raises MissingArtifact where the images of a detection are gone.
    """
    with services.transaction() as records:
        said = _decided(records)
        detections = [records.model_runs.detection(one) for one in said]
        differences = {one.candidate.run: records.difference_runs.get(one.candidate.run) for one in detections}
    # Ordered by exposure, so that each difference is read once.
    detections.sort(key=lambda one: (one.candidate.run, one.id))
    images = {key: run.image for key, run in differences.items() if run.image is not None}
    detections = [one for one in detections if one.candidate.run in images]
    if not detections:
        return None
    parts: list[NDArray[np.float32]] = []
    for key, of_difference in groupby(detections, key=lambda one: one.candidate.run):
        product = read_difference(services.artifacts.get(images[key].digest))
        parts.append(cut_triplets(product, [one.candidate for one in of_difference]))
    return LabelledTriplets(
        triplets=np.concatenate(parts),
        is_real=np.array([said[one.id] is Verdict.REAL for one in detections]),
        is_known=np.ones(len(detections), dtype=bool),
        group=_groups(detections),
        origin=ORIGIN,
    )


def _decided(records: Records) -> dict[str, Verdict]:
    return {
        one.detection_id: one.verdict
        for one in records.review_queue.decided()
        if one.verdict in {Verdict.REAL, Verdict.BOGUS} and one.verdict is not None
    }


def _groups(detections: Sequence[Detection]) -> NDArray[np.str_]:
    """Return the cell of the sky of each detection; its exposure where it has no sky coordinates."""
    return np.array([
        one.candidate.run if one.candidate.position is None
        else str(SkyCell.containing(one.candidate.position, order=_CELL_ORDER))
        for one in detections
    ])  # fmt: skip
