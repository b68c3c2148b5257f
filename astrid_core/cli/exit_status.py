"""What an exit status tells whoever started a command; those above 2 are the same for a person, a script and a pod."""

from astrid_core.shared.errors import AstridError, TemporaryFailure, Unprocessable

USAGE = 2
PERMANENT = 65
"""Nothing that trying again would mend (EX_DATAERR of sysexits.h)."""
TEMPORARY = 75
"""A service is down: try again (EX_TEMPFAIL of sysexits.h)."""
UNPROCESSABLE = 99
"""This item cannot be processed; others can."""


def status_of(error: AstridError) -> int:
    """Return the exit status of a failure."""
    if isinstance(error, Unprocessable):
        return UNPROCESSABLE
    return TEMPORARY if isinstance(error, TemporaryFailure) else PERMANENT
