"""A digest from its first characters, as people type it."""

from collections.abc import Iterable

_SHOWN = 12
"""Characters of a digest that lists show."""
_MOST = 5


def whole_digest(start: str, known: Iterable[str], *, what: str) -> str:
    """Return the one of ``known`` that begins so; ValueError naming the candidates where none or several do."""
    digests = sorted(known)
    found = [one for one in digests if start and one.startswith(start.lower())]
    if len(found) == 1:
        return found[0]
    candidates = found or digests
    listed = ", ".join(one[:_SHOWN] for one in candidates[:_MOST])
    more = f" and {len(candidates) - _MOST} more" if len(candidates) > _MOST else ""
    if found:
        raise ValueError(f"{len(found)} {what} begin with {start!r}; one must: {listed}{more}")
    raise ValueError(
        f"no {what} begin with {start!r}; " + (f"there are {listed}{more}" if listed else "there are none")
    )
