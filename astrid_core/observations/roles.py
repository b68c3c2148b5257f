"""What an image beside an exposure is for, and which file is beside which, by its name."""

import re
from collections.abc import Iterator
from enum import Enum


class Role(Enum):
    """What an image holds."""

    SCIENCE = "exposure"
    SIGMA = "noise map"
    VARIANCE = "variance map"
    WEIGHT = "weight map"
    MASK = "mask"
    EXPOSURE = "exposure map"
    OTHER = "auxiliary image"


_WORDS = {
    **dict.fromkeys(("mask", "msk", "badmask", "dq", "flags", "c1m"), Role.MASK),
    **dict.fromkeys(("wt", "wht", "weight", "ivm", "ivar"), Role.WEIGHT),
    **dict.fromkeys(("var", "variance"), Role.VARIANCE),
    **dict.fromkeys(("noise", "err", "rms", "sigma", "uncert"), Role.SIGMA),
    **dict.fromkeys(("exp", "expmap", "ex", "rrhr"), Role.EXPOSURE),
}
_SEPARATORS = (".", "_")
_NAME = re.compile(r"(?P<stem>.+?)(?P<suffix>\.(?:fits|fit|fts)(?:\.\w+)?)", re.IGNORECASE)
_SPLIT = re.compile(r"[._-]+")
_BESIDE = re.compile(
    rf"(?P<stem>.+)[._](?:{'|'.join(sorted(_WORDS, key=len, reverse=True))})(?P<suffix>\.(?:fits|fit|fts)(?:\.\w+)?)",
    re.IGNORECASE,
)


def role_of_map(image: str, other: str) -> Role | None:
    """Return what a file that an archive keeps beside ``image`` holds: the one known word in its name only."""
    own = {word.lower() for word in _SPLIT.split(image)}
    found = {_WORDS[word.lower()] for word in _SPLIT.split(other) if word.lower() not in own and word.lower() in _WORDS}
    return found.pop() if len(found) == 1 else None


def names_beside(image: str) -> Iterator[tuple[Role, str]]:
    """Yield the names that maps of an image in a folder may have, by what they would hold."""
    found = _NAME.fullmatch(image)
    if found:
        for word, role in _WORDS.items():
            for separator in _SEPARATORS:
                yield role, f"{found['stem']}{separator}{word}{found['suffix']}"


def image_beside(name: str) -> str:
    """Return the name of the image that a map would belong to: a.fits for a.mask.fits or a_weight.fits; else empty."""
    found = _BESIDE.fullmatch(name)
    return found["stem"] + found["suffix"] if found else ""
