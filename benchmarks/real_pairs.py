"""Real exposures with sources put into them, as frames to learn from; what else stands out in them is false."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from astrid_core.bootstrap import Pipeline
from astrid_core.detection.injected_search import InjectedConfig, TrialPair, labelled, search_with_injections
from astrid_core.detection.training_set import LabelledFrame
from astrid_core.differencing.inject import Well
from astrid_core.shared.runs import run_key
from benchmarks.real_frames import prepared_file

LEARNT = slice(0, 4)
"""Exposures of the HAT-P-32 series that are learnt from; the pairs of the others are left to measure on."""
_FIRST_NUMBER = 2_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesFrames:
    """Each of the first exposures of the HAT-P-32 series against the next one, minutes later."""

    folder: Path
    config: InjectedConfig

    @property
    def paths(self) -> Sequence[Path]:
        """The exposures, oldest first."""
        return sorted(self.folder.glob("*.FITS"))[LEARNT]

    @property
    def recipe(self) -> str:
        """Names exposures and settings."""
        digests = [hashlib.sha256(path.read_bytes()).hexdigest() for path in self.paths]
        return run_key("real-pairs", 1, self.config, digests)

    def __iter__(self) -> Iterator[LabelledFrame]:
        """Give one frame per pair."""
        frames = [prepared_file(path) for path in self.paths]
        for number, ((science, is_trusted), (reference, _)) in enumerate(pairwise(frames), start=_FIRST_NUMBER):
            pair = TrialPair(
                science=science.image, reference=reference.image, well=Well(), trust_science_wcs=is_trusted
            )
            searched = search_with_injections(pair, self.config.inject, self.config.difference, seed=number)
            # Nothing is known to change within these minutes.
            yield labelled(searched, number, is_all_known=True)


def series_frames(real: Path, pipeline: Pipeline) -> SeriesFrames:
    """Return the frames of the series in the folder of the real data, under these settings."""
    settings = InjectedConfig.of(pipeline.train, pipeline.inject, pipeline.preprocess, pipeline.difference)
    return SeriesFrames(folder=real / "series-hatp32", config=settings)
