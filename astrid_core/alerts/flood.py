"""When so many alerts are raised that somebody should look before they go out."""

from collections.abc import Sequence
from statistics import median

from astrid_core.alerts.config import AlertsConfig


def flood(n_raised: int, *, n_of_day: int, usual: Sequence[int], config: AlertsConfig) -> str:
    """Return why these are too many for one channel; empty if they are not.

    ``n_of_day`` counts what was raised within 24 hours, these included; ``usual`` are the counts of earlier runs.
    """
    if n_raised > config.max_per_run:
        return f"{n_raised} alerts in one run, {config.max_per_run} are allowed"
    if n_of_day > config.max_per_day:
        return f"{n_of_day} alerts in 24 hours, {config.max_per_day} are allowed"
    if len(usual) < config.min_history or n_raised <= config.min_flood:
        return ""
    middle = float(median(usual))
    limit = config.jump * max(middle, 1.0)
    return f"{n_raised} alerts in one run, {middle:g} are usual" if n_raised > limit else ""
