"""Our three families of failure, as outcomes that Airflow understands."""

from collections.abc import Iterator
from contextlib import contextmanager

from airflow.sdk import get_current_context
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from astrid_core.shared.errors import PermanentFailure, Unprocessable


@contextmanager
def airflow_outcome(label: str = "") -> Iterator[None]:
    """Skip the task where its item cannot be processed; fail it at once where no retry helps.

    Everything else, a TemporaryFailure above all, passes through: Airflow retries it with back-off. ``label`` is what
    the task's row is called in the grid (``map_index_template="{{ label }}"``).
    """
    if label:
        get_current_context()["label"] = label  # type: ignore[typeddict-unknown-key, unused-ignore]
    try:
        yield
    except Unprocessable as error:
        raise AirflowSkipException(str(error)) from error
    except PermanentFailure as error:
        raise AirflowFailException(str(error)) from error
