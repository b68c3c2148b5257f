"""Frames to learn from that are as real as can be: recorded exposures with sources of known flux in them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import structlog

from astrid_core.detection.injected_search import InjectedConfig, labelled, search_with_injections
from astrid_core.detection.training_set import LabelledFrame
from astrid_core.shared.errors import Unprocessable
from astrid_core.shared.runs import RunKey, RunStatus, run_key
from astrid_core.stages.inject import is_trusted, recorded_pair, seed_of
from astrid_core.stages.services import Services

VERSION = 1
"""Raise when the same exposures and settings should give other frames."""
FIRST_NUMBER = 1_000_000
"""Far from the numbers of simulated frames."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedFrames:
    """The exposures of recorded differences, each searched once more with sources put into it.

    What else stands out in them is neither real nor false: nobody has looked. The sources are others than those that
    measure the completeness of the same exposure.
    """

    services: Services
    difference_keys: Sequence[RunKey]
    config: InjectedConfig

    @property
    def recipe(self) -> str:
        """Names exposures and settings."""
        return run_key("injected-frames", VERSION, self.config, self.difference_keys)

    def __iter__(self) -> Iterator[LabelledFrame]:
        """Give the frames in the order of the keys; an exposure without room for a source is left out."""
        config = self.config
        for number, key in enumerate(self.difference_keys, start=FIRST_NUMBER):
            pair, observation_id = recorded_pair(self.services, key, config.preprocess)
            seed = seed_of(f"training {observation_id}", config.inject.seed)
            try:
                searched = search_with_injections(pair, config.inject, config.difference, seed=seed)
            except Unprocessable as error:
                log.info("frame.skipped", difference=key, reason=str(error))
                continue
            yield labelled(searched, number, is_all_known=False)


def frames_of_nights(services: Services, nights: Sequence[str], config: InjectedConfig) -> RecordedFrames | None:
    """Return the frames that the searched exposures of these nights give; None without such an exposure."""
    keys = [key for night in nights for key in differences_of_night(services, night)]
    return RecordedFrames(services=services, difference_keys=keys, config=config) if keys else None


def differences_of_night(services: Services, night: str) -> tuple[RunKey, ...]:
    """Return a difference of every exposure of a night that was searched, ordered by exposure.

    Nothing of exposures in quarantine, and nothing of those whose search was not trusted.
    """
    with services.transaction() as records:
        found = []
        for observation in records.observations.search(night=night):
            if records.quarantines.of(observation) is not None:
                continue
            runs = [
                one
                for one in records.difference_runs.of_observation(observation.id)
                if one.status is RunStatus.SUCCEEDED and is_trusted(one)
            ]
            if runs:
                found.append(runs[-1].key)
    return tuple(found)
