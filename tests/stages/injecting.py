"""A night that people judge with injected seeds in it, made without a pixel."""

from dataclasses import replace

from astrid_core.curation.entities import InjectedSeed
from astrid_core.curation.queue import review_item
from astrid_core.shared.artifacts import ArtifactRef
from astrid_core.shared.runs import RunKey
from tests.catalog.night import REFERENCE_DIGEST
from tests.stages.voting import Voting, voting


def with_injected(n: int = 40, n_injected: int = 8, *, snr: tuple[float, ...] = (4.0, 8.0)) -> Voting:
    """Return a night whose last ``ids`` are injected seeds, with predicted S/N taken in turn from ``snr``."""
    night = voting(n)
    with night.services.transaction() as records:
        run = records.model_runs.get(night.key)
        seen = records.observations.get(run.observation_id)
        for number in range(n_injected):
            like = run.detections[3 * number % n]
            made = replace(like, candidate=replace(like.candidate, number=n + 1 + number))
            records.injected_seeds.add(
                InjectedSeed(
                    detection=made,
                    item=review_item(made, seen, n_needed=2),
                    injection_run=RunKey("inject-1"),
                    predicted_snr=snr[number % len(snr)],
                    light=ArtifactRef(digest="a" * 64, media_type="application/x-npy", n_bytes=1),
                    reference_digest=REFERENCE_DIGEST,
                )
            )
    night.ids += tuple(f"{night.key}:{n + 1 + number}" for number in range(n_injected))
    return night
