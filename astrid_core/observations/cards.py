"""Values out of headers that many hands wrote: the first keyword that holds something usable wins."""

import math
from collections.abc import Iterable, Sequence

from astropy.io import fits
from astropy.io.fits.verify import VerifyError

Headers = Sequence[fits.Header]
"""A frame's own header first, then the primary header of its file."""

_NOTHING = ("", "nan", "none", "null", "n/a", "unknown", "undefined")


def value(headers: Headers, name: str) -> object:
    """Return the value of ``name``, from the frame's own header before the primary one; None where nobody has it.

    A card that cannot be read counts as its own text, so that whoever asks can say what is wrong with it.
    """
    for header in headers:
        if name not in header:
            continue
        try:
            found = header[name]
        except VerifyError:
            found = _raw(header, name)
        if not isinstance(found, fits.card.Undefined):
            return found
    return None


def comment(headers: Headers, name: str) -> str:
    """Return the comment beside ``name`` in lower case: it often holds the unit."""
    for header in headers:
        if name in header:
            try:
                return str(header.comments[name]).lower()
            except VerifyError:
                return ""
    return ""


def as_number(found: object) -> float | None:
    """Return a finite number, also one written as a string; None for anything else."""
    if isinstance(found, bool) or not isinstance(found, int | float | str):
        return None
    try:
        number = float(found)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def number(headers: Headers, names: Iterable[str]) -> float | None:
    """Return the first finite number under any of ``names``, in their order."""
    for name in names:
        found = as_number(value(headers, name))
        if found is not None:
            return found
    return None


def positive(headers: Headers, names: Iterable[str]) -> float | None:
    """Return the first number above zero: archives write 0, -1 or -9999 for what they do not know."""
    for name in names:
        found = as_number(value(headers, name))
        if found is not None and found > 0.0:
            return found
    return None


def text(headers: Headers, names: Iterable[str], *, limit: int = 80) -> str:
    """Return the first text that says something, on one line; empty where there is none."""
    for name in names:
        found = value(headers, name)
        if found is None or isinstance(found, bool):
            continue
        shown = " ".join(str(found).split())[:limit]
        if shown.lower() not in _NOTHING:
            return shown
    return ""


def _raw(header: fits.Header, name: str) -> str:
    try:
        return str(header.cards[name].image[10:]).split("/")[0].strip(" '")
    except VerifyError:
        return "?"
