"""Which of several searches of an exposure counts, after one was put in the place of another."""

from collections.abc import Sequence

from astrid_core.shared.events import Told
from astrid_core.shared.runs import RunKey
from astrid_core.stages.services import Records

EXCHANGED = "observation.remeasured"


def run_that_counts(records: Records, observation_id: str) -> RunKey | None:
    """Return the model run whose measurements took the place of earlier ones last; None where none ever did."""
    keys = [event.facts["run"] for event in records.events.of(observation_id) if event.name == EXCHANGED]
    return RunKey(str(keys[-1])) if keys else None


def let_count(records: Records, model_run_keys: Sequence[RunKey]) -> None:
    """Say that these model runs count of their exposures; nothing where one is the only one, or was said to already."""
    told = []
    for key in model_run_keys:
        name = records.model_runs.get(key).observation_id
        if len(records.model_runs.of_observation(name)) > 1 and run_that_counts(records, name) != key:
            told.append(Told(name=EXCHANGED, subject=name, facts={"run": key}))
    records.events.append_all(told)
