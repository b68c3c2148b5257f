"""How a pod ended, and what Airflow is to make of it."""

from enum import StrEnum
from typing import TYPE_CHECKING

from astrid_core.cli.exit_status import PERMANENT, UNPROCESSABLE, USAGE

if TYPE_CHECKING:
    from kubernetes.client import V1ContainerStateTerminated, V1Pod


class Ending(StrEnum):
    """What comes next."""

    SKIPPED = "skipped"
    """The items cannot be processed; others can."""
    FAILED = "failed"
    """No retry helps."""
    TRY_AGAIN = "try again"
    OUT_OF_MEMORY = "out of memory"


def ending_of(pod: "V1Pod", *, container: str) -> tuple[Ending, str]:
    """Tell how a pod that failed ended, and why in words.

    What is not the fault of the work (eviction, a lost node, a container that never ran, a service that is down) is
    tried again, and so is what nobody foresaw.
    """
    terminated = _terminated(pod, container)
    if terminated is None:
        status = pod.status
        return Ending.TRY_AGAIN, " ".join(filter(None, ["pod ended:", status.reason or status.phase, status.message]))
    words = (terminated.message or "").strip() or terminated.reason or "nothing was said"
    if terminated.reason == "OOMKilled":
        return Ending.OUT_OF_MEMORY, words
    known = {UNPROCESSABLE: Ending.SKIPPED, PERMANENT: Ending.FAILED, USAGE: Ending.FAILED}
    return known.get(terminated.exit_code, Ending.TRY_AGAIN), f"exit status {terminated.exit_code}: {words}"


def _terminated(pod: "V1Pod", container: str) -> "V1ContainerStateTerminated | None":
    for one in pod.status.container_statuses or ():
        if one.name == container and one.state is not None:
            return one.state.terminated
    return None
