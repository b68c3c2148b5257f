"""What the extensions of a file are for: exposures, their noise and mask, or neither."""

import re
from collections.abc import Sequence

from astrid_core.observations.cards import text
from astrid_core.observations.roles import Role
from astrid_core.observations.structure import Hdu

_ROLES = (
    (Role.SIGMA, re.compile(r"ERR(OR)?S?|SIGMA|STD(DEV)?|RMS|NOISE|UNCERT(AINTY)?")),
    (Role.VARIANCE, re.compile(r"VAR(IANCE)?|VAR_(POISSON|RNOISE|FLAT)")),
    (Role.WEIGHT, re.compile(r"WHT|WEIGHTS?|WT|IVM|IVAR|INVVAR")),
    (Role.MASK, re.compile(r"(BAD)?MASK|DQ|DATA_?QUALITY|FLAGS?|BPM|BADPIX|OOFMASK|MSK")),
    (
        Role.OTHER,
        re.compile(
            r"PSF\w*|\w*PSF|D2IMARR|WCSDVARR|NPOL\w*|HDRLET\w*|CON(TEXT)?|CTX|EXPMAP|EXP|COVERAGE|SAMP|TIME|AREA"
            r"|BACKGROUND|BKG|SKY|SCORE|DIFFERENCE|VAR_(POISSON|RNOISE|FLAT)|THUMB\w*"
        ),
    ),
)


def role_of(hdu: Hdu) -> Role:
    """Return what an image extension holds, judged by its name."""
    if hdu.name in ("VAR_POISSON", "VAR_RNOISE", "VAR_FLAT"):
        return Role.OTHER  # parts of a variance whose sum stands in ERR
    for role, names in _ROLES:
        if names.fullmatch(hdu.name):
            if role is Role.SIGMA and "VARIANCE" in text([hdu.header], ["UTYPE"]).upper():
                return Role.VARIANCE
            return role
    return Role.SCIENCE


def companions(hdus: Sequence[Hdu], science: Hdu) -> dict[Role, Hdu]:
    """Return noise and mask of an exposure: of its shape and with its EXTVER, the first of each kind."""
    found: dict[Role, Hdu] = {}
    for hdu in hdus:
        role = role_of(hdu)
        if role in (Role.SCIENCE, Role.OTHER) or plane_shape(hdu) != plane_shape(science):
            continue
        if hdu.version == science.version:
            found.setdefault(role, hdu)
    return found


def plane_shape(hdu: Hdu) -> tuple[int, int] | None:
    """Return (ny, nx) of an image whose other axes have length 1; None for what is no plane."""
    axes = hdu.axes
    if len(axes) < 2 or any(length != 1 for length in axes[:-2]) or 0 in axes:
        return None
    return (axes[-2], axes[-1])
