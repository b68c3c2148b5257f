"""Failures that a person should see, told to Sentry where somebody gave its address."""

import logging
import sys
from collections.abc import Callable, Mapping
from functools import cache
from importlib.metadata import version

import structlog
from pydantic import SecretStr

Tell = Callable[[BaseException, Mapping[str, str]], None]

log = structlog.get_logger(__name__)


def tell_failures(dsn: SecretStr) -> Tell | None:
    """Return what tells of a failure; None where no address is set, or the SDK (``astrid[sentry]``) is missing."""
    address = dsn.get_secret_value()
    return _open(address) if address else None


@cache
def _open(address: str) -> Tell | None:
    try:
        import sentry_sdk  # noqa: PLC0415 - optional
    except ImportError:
        log.warning("sentry.missing", needed="pip install 'astrid[sentry]'")
        return None
    # Values of variables and what is read of the environment may hold passwords; log lines are kept elsewhere.
    sentry_sdk.init(
        dsn=address, release=f"astrid@{version('astrid')}", send_default_pii=False, include_local_variables=False,
        traces_sample_rate=0.0, max_breadcrumbs=0, default_integrations=False,
    )  # fmt: skip
    logging.getLogger("sentry_sdk.errors").setLevel(logging.WARNING)

    def tell(error: BaseException, facts: Mapping[str, str]) -> None:
        with sentry_sdk.new_scope() as scope:
            scope.set_tags({name: value for name, value in facts.items() if value})
            scope.capture_exception(error)

    return tell


def flush_failures() -> None:
    """Send what has not been sent: a task ends without warning."""
    sdk = sys.modules.get("sentry_sdk")
    if sdk is not None and _open.cache_info().currsize:
        sdk.flush(timeout=3.0)
