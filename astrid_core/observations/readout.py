"""How a detector was read out: where its pixels lie in the file, and where its overscan."""

import re
from dataclasses import dataclass

from astrid_core.observations.cards import Headers, positive, text

_SECTION = re.compile(r"\[\s*(\d+)\s*:\s*(\d+)\s*,\s*(\d+)\s*:\s*(\d+)\s*\]")
_AMPLIFIERS = ("A", "B", "C", "D", "1", "2", "3", "4")


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A rectangle of pixels: 0-based, the end behind the last one."""

    rows: tuple[int, int]
    columns: tuple[int, int]

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return (self.rows[1] - self.rows[0], self.columns[1] - self.columns[0])

    @property
    def slices(self) -> tuple[slice, slice]:
        """The same as an index of an array."""
        return (slice(*self.rows), slice(*self.columns))

    def fits(self, shape: tuple[int, int]) -> bool:
        """Tell whether it lies on a frame of ``shape`` (ny, nx)."""
        return self.rows[1] <= shape[0] and self.columns[1] <= shape[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Amplifier:
    """One amplifier of a detector, as the file holds what it read."""

    data: Section
    overscan: Section | None
    gain_e_adu: float | None
    """None where the header gives none for this amplifier alone."""


def readout_of(headers: Headers) -> tuple[Amplifier, ...]:
    """Return the amplifiers that a header names by sections of the frame; empty where it names none.

    One amplifier: TRIMSEC or DATASEC, and BIASSEC. Several: the same names with A to D or 1 to 4 behind them.
    """
    several = [one for one in (_amplifier(headers, letter) for letter in _AMPLIFIERS) if one is not None]
    if several:
        return tuple(several)
    alone = _amplifier(headers, "")
    return () if alone is None else (alone,)


def _amplifier(headers: Headers, letter: str) -> Amplifier | None:
    # TRIMSEC of one amplifier among several may stand in the coordinates of its own part: DATASEC says where it lies.
    names = ("DATASEC", "TRIMSEC") if letter else ("TRIMSEC", "DATASEC")
    data = next((found for name in names if (found := section_of(headers, name + letter)) is not None), None)
    if data is None:
        return None
    return Amplifier(
        data=data,
        overscan=section_of(headers, f"BIASSEC{letter}"),
        gain_e_adu=positive(headers, [f"GAIN{letter}"]) if letter else None,
    )


def section_of(headers: Headers, name: str) -> Section | None:
    """Read ``[x1:x2,y1:y2]``, 1-based with both ends included; None for anything else."""
    found = _SECTION.fullmatch(text(headers, [name]))
    if found is None:
        return None
    x_first, x_last, y_first, y_last = (int(one) for one in found.groups())
    if not (1 <= x_first <= x_last and 1 <= y_first <= y_last):
        return None
    return Section(rows=(y_first - 1, y_last), columns=(x_first - 1, x_last))
