"""Which surveys are asked for; one that cannot be read must not keep the others from being read."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import structlog

from astrid_core.shared.errors import AstridError, BadConfiguration, PermanentFailure, TemporaryFailure
from astrid_core.stages.services import Services

log = structlog.get_logger(__name__)

T = TypeVar("T")


class SurveyFailed(PermanentFailure):
    """A survey cannot be read, and trying again will not help."""


def asked_for(services: Services, survey: str | None) -> list[str]:
    """Return one survey, or every one where None is named; BadConfiguration for one that is not configured."""
    if survey is not None and survey not in services.surveys:
        raise BadConfiguration("survey is not configured", survey=survey, known=", ".join(sorted(services.surveys)))
    return [survey] if survey is not None else sorted(services.surveys)


def list_surveys(services: Services, survey: str | None) -> list[str]:
    """Return the surveys that are asked for; BadConfiguration also where none is configured."""
    found = asked_for(services, survey)
    if not found:
        raise BadConfiguration("no survey is configured; name one in surveys.toml")
    return found


def required(surveys: Sequence[str], look: Callable[[str], T]) -> list[T]:
    """Look at every survey, then raise what kept one of them from being read."""
    found, failure = _each(surveys, look)
    if failure is not None:
        raise failure
    return found


def at_least_one(surveys: Sequence[str], look: Callable[[str], T]) -> list[T]:
    """Look at every survey; what kept some from being read is logged, and raised only where it kept all of them."""
    found, failure = _each(surveys, look)
    if failure is not None and not found:
        raise failure
    return found


def _each(surveys: Sequence[str], look: Callable[[str], T]) -> tuple[list[T], AstridError | None]:
    found: list[T] = []
    temporary: TemporaryFailure | None = None
    failed: dict[str, str] = {}
    for survey in surveys:
        try:
            found.append(look(survey))
        except TemporaryFailure as error:
            temporary = error
            log.warning("survey.postponed", survey=survey, reason=str(error))
        except PermanentFailure as error:
            failed[survey] = str(error)
            log.error("survey.failed", survey=survey, reason=str(error))  # noqa: TRY400 - the reason says it; no bug to trace
    if temporary is not None or not failed:
        return found, temporary
    survey, reason = next(iter(failed.items()))
    return found, SurveyFailed("a survey cannot be read", n_failed=len(failed), survey=survey, reason=reason)
