import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException

from astrid_core.shared.errors import (
    ArchiveUnavailable,
    CorruptArtifact,
    NoReference,
    PermanentFailure,
    TemporaryFailure,
    Unprocessable,
)
from include.boundary import airflow_outcome


@pytest.mark.parametrize("error", [Unprocessable("no stars", n_stars=2), NoReference("none older", night="2026-11-20")])
def test_what_cannot_be_processed_is_skipped_with_its_numbers(error: Unprocessable) -> None:
    with pytest.raises(AirflowSkipException) as caught, airflow_outcome():
        raise error
    assert str(caught.value) == str(error)
    assert caught.value.__cause__ is error


@pytest.mark.parametrize("error", [PermanentFailure("bad"), CorruptArtifact("not the bytes", digest="ab" * 32)])
def test_what_no_retry_mends_fails_at_once_with_its_numbers(error: PermanentFailure) -> None:
    with pytest.raises(AirflowFailException) as caught, airflow_outcome():
        raise error
    assert str(caught.value) == str(error)


@pytest.mark.parametrize(
    "error", [TemporaryFailure("busy"), ArchiveUnavailable("no answer", after_s=30.0), OSError("disk")]
)
def test_everything_else_passes_so_that_airflow_retries(error: Exception) -> None:
    with pytest.raises(type(error)) as caught, airflow_outcome():
        raise error
    assert caught.value is error
    assert not isinstance(caught.value, AirflowException)


def test_success_passes() -> None:
    with airflow_outcome():
        done = True
    assert done
