"""One name per band, however an archive spells its filter."""

import re

from astrid_core.observations.cards import Headers, text, value

CLEAR = "clear"
"""No filter in the beam."""
UNKNOWN = "unknown"
"""The header names no filter."""

_KEYWORDS = (
    "FILTER",
    "FILTNAM",
    "FILTNAM1",
    "FILTERNM",
    "BAND",
    "FILTERS",
    "FILT",
    "FILTER1",
    "FILTER2",
    "FILTER3",
)
_CLEAR = re.compile(r"(clear|open|empty|free|none|air|lum|luminance|l|white|no[ _-]?filter|unfiltered)[0-9]*[a-z]?")
_SPACE_TELESCOPE = re.compile(r"F\d{3,4}[A-Z]{1,2}\d?")
_SLOAN_LIKE = re.compile(
    r"sdss|sloan|ps1|panstarrs|pan-starrs|ztf|decam|des|lsst|hsc|skymapper|goto|atlas", re.IGNORECASE
)
_HYDROGEN = re.compile(r"h[ _-]?a(lpha)?", re.IGNORECASE)
_ONE_BAND = re.compile(r"([ugrizywUBVRIJHKYZ])(?:p|s|'|\d)?")


def band_of(headers: Headers) -> str:
    """Return the band of a frame: ``g``, ``B``, ``F606W`` and the like, ``clear`` or ``unknown``.

    Where several wheels stand in the beam, the first that holds a filter counts.
    """
    names = [text(headers, [keyword]) for keyword in _KEYWORDS]
    named = [normalise(name) for name in names if name]
    filters = [band for band in named if band != CLEAR]
    if filters:
        return filters[0]
    return CLEAR if named or _says_none(headers) else UNKNOWN


def normalise(name: str) -> str:
    """Return the common name of a filter: g.00000, sdss_g, g' and gp are g; B_BESS is B; others keep their name."""
    name = " ".join(name.strip().strip("'\"").split())
    if _CLEAR.fullmatch(name.lower()):
        return CLEAR
    space = _SPACE_TELESCOPE.fullmatch(name.upper())
    if space:
        return space[0]
    if _HYDROGEN.fullmatch(name):
        return "Ha"
    for part in re.split(r"[\s._\-/:]+", name):
        found = _ONE_BAND.fullmatch(part)
        if found:
            band = "Ks" if part == "Ks" else found[1]
            return band.lower() if _SLOAN_LIKE.search(name) else band
    return name


def _says_none(headers: Headers) -> bool:
    written = (value(headers, keyword) for keyword in ("FILTER", "FILTER1"))
    return any(isinstance(one, str) and one.strip().lower() == "none" for one in written)
