"""What curation may choose."""

from dataclasses import dataclass

from astrid_core.curation.seeds import SEED_FRACTION
from astrid_core.shared.errors import BadConfiguration

N_VOTES = 2
"""How many independent votes decide, if they agree, where nothing else is said."""
LEASE_S = 600.0
"""How long a detection is kept for the curator who got it."""
SKIP_S = 43_200.0
"""How long a detection that was skipped is not shown again: a session."""
MAX_CLAIM = 50
"""How many detections one curator may be given at once."""
INJECTED_SEEDS = 10
"""How many injected sources of an exposure are kept to be shown."""

TRAINING_VERDICTS = 100
"""How many new verdicts make a training, where nothing else is said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CurateConfig:
    """Settings of the queue of detections that people should see."""

    min_score: float = 0.5
    """Detections with this score or a better one wait for a verdict; those without a score do not."""
    n_votes: int = N_VOTES
    """How many independent votes on a detection decide, if they agree; 1 suits a single person."""
    lease_s: float = LEASE_S
    """How long a detection is kept for the curator who got it."""
    seed_fraction: float = SEED_FRACTION
    """Part of what a curator gets whose answer is known already: it measures the curator, and counts nowhere else."""
    injected_seeds: int = INJECTED_SEEDS
    """How many recovered sources of an exposure with injections are kept to be shown as seeds; 0 for none."""

    training_verdicts: int = TRAINING_VERDICTS
    """So many new verdicts start a training, and fewer in all are not learnt from: a handful teaches its accidents."""

    def __post_init__(self) -> None:
        if not 0.0 <= self.min_score <= 1.0:
            raise BadConfiguration("min_score must lie in [0, 1]", got=self.min_score)
        if self.n_votes < 1:
            raise BadConfiguration("n_votes must be positive", got=self.n_votes)
        if not self.lease_s > 0.0:
            raise BadConfiguration("lease_s must be positive", got=self.lease_s)
        if not 0.0 <= self.seed_fraction <= 0.5:
            raise BadConfiguration("seed_fraction must lie in [0, 0.5]", got=self.seed_fraction)
        if not 0 <= self.injected_seeds <= 1000:
            raise BadConfiguration("injected_seeds must lie in [0, 1000]", got=self.injected_seeds)
        if self.training_verdicts < 1:
            raise BadConfiguration("training_verdicts must be positive", got=self.training_verdicts)
