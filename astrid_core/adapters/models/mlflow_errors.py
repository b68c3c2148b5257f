"""What MLflow raises, as our errors."""

from collections.abc import Iterator
from contextlib import contextmanager

from astrid_core.shared.errors import AstridError, BadConfiguration, RegistryUnavailable, UnknownModel

_ABSENT = {"RESOURCE_DOES_NOT_EXIST", "NOT_FOUND"}
_PASSING = {
    "ABORTED",
    "CANCELLED",
    "DEADLINE_EXCEEDED",
    "INTERNAL_ERROR",
    "REQUEST_LIMIT_EXCEEDED",
    "RESOURCE_EXHAUSTED",
    "TEMPORARILY_UNAVAILABLE",
}
"""Faults of the registry itself; a server that is not there at all is reported as INTERNAL_ERROR."""
_REFUSED = {"CUSTOMER_UNAUTHORIZED", "PERMISSION_DENIED", "UNAUTHENTICATED"}


@contextmanager
def translated(message: str, absent: type[AstridError] = UnknownModel, **facts: object) -> Iterator[None]:
    """Raise ``absent`` for what the registry does not hold and RegistryUnavailable for what it cannot do now."""
    from mlflow.exceptions import MlflowException  # noqa: PLC0415
    from sqlalchemy.exc import OperationalError  # noqa: PLC0415

    try:
        yield
    except MlflowException as error:
        if error.error_code in _ABSENT:
            raise absent(message, **facts) from error
        if error.error_code in _PASSING:
            raise RegistryUnavailable("model registry does not answer", cause=error.message, **facts) from error
        if error.error_code in _REFUSED:
            raise BadConfiguration("model registry refuses us", cause=error.message, **facts) from error
        raise
    except OperationalError as error:
        raise RegistryUnavailable("model registry does not answer", cause=str(error.orig), **facts) from error
