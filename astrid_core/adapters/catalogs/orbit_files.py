"""Files of orbits as the Minor Planet Center publishes them: MPCORB.DAT and its extracts, and CometEls.txt.

Lines of fixed columns, or JSON (``orbit_json``), plain or gzip. A line that cannot be read is named by its number.
"""

import gzip
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from astrid_core.adapters.catalogs.orbit_json import read_json_orbits
from astrid_core.catalog.kepler import GAUSS, FloatArray
from astrid_core.catalog.orbits import DEFAULT_G, UNRATED, Elements
from astrid_core.shared.errors import BadConfiguration, UnexpectedAnswer

_MJD_0 = date(1858, 11, 17).toordinal()
_CENTURIES = {b"I": 1800, b"J": 1900, b"K": 2000, b"L": 2100}
_COMET_QUALITY = 5
"""The file rates no comet, and outgassing moves all of them: taken as minutes of arc per decade."""
_UNPACKED = {letter: 10 + number for number, letter in enumerate("ABCDEFGHIJKLMNOPQRSTUV")}


@dataclass(frozen=True, slots=True)
class _Lines:
    """The lines that hold orbits, cut or filled to one width, and their numbers in the file."""

    file: Path
    text: NDArray[np.bytes_]
    numbers: NDArray[np.intp]

    def column(self, first: int, last: int) -> NDArray[np.bytes_]:
        """Return columns ``first`` to ``last``, counted from 1, both included, without spaces around."""
        width = self.text.dtype.itemsize
        letters = self.text.view(np.uint8).reshape(len(self.text), width)[:, first - 1 : last]
        return np.char.strip(np.ascontiguousarray(letters).view(f"S{last - first + 1}")[:, 0])

    def number(self, what: str, first: int, last: int, *, blank: float | None = None) -> FloatArray:
        """Return a column of numbers; UnexpectedAnswer names the first line without one."""
        written = self.column(first, last)
        if blank is not None:
            written = np.where(written == b"", str(blank).encode(), written)
        try:
            return written.astype(np.float64)
        except ValueError:
            return self.each(what, written, float)

    def each(self, what: str, written: NDArray[np.bytes_], read: Callable[[bytes], float]) -> FloatArray:
        """Return what ``read`` makes of different texts, which repeat; UnexpectedAnswer names the first bad line."""
        different, which = np.unique(written, return_inverse=True)
        known = np.empty(len(different))
        for index, text in enumerate(different):
            try:
                known[index] = read(bytes(text))
            except (ValueError, KeyError, IndexError) as error:
                line = int(self.numbers[np.flatnonzero(which == index)[0]])
                raise UnexpectedAnswer(
                    "line of a file of orbits cannot be read", file=self.file, line=line, column=what,
                    text=bytes(text).decode("ascii", "replace"),
                ) from error  # fmt: skip
        return np.asarray(known[which])

    def require(self, what: str, good: NDArray[np.bool_]) -> None:
        """Raise UnexpectedAnswer for the first line that is not ``good``."""
        bad = np.flatnonzero(~good)
        if len(bad):
            raise UnexpectedAnswer(
                "line of a file of orbits is no orbit", file=self.file, line=int(self.numbers[bad[0]]), column=what
            )


def read_orbit_file(path: Path, *, comets: bool = False) -> Elements:
    """Return the orbits of a file; UnexpectedAnswer names the first line that cannot be read, and an empty file."""
    content = _content(path)
    if content.lstrip()[:1] == b"[":
        return read_json_orbits(path, content)
    lines = _lines(path, content, comets=comets)
    if not len(lines.text):
        raise UnexpectedAnswer("file holds no orbits", file=path)
    return _comets(lines) if comets else _minor_planets(lines)


def _content(path: Path) -> bytes:
    try:
        content = path.read_bytes()
        return gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
    except FileNotFoundError as error:
        raise BadConfiguration("no file of orbits there", file=path) from error
    except (OSError, EOFError, zlib.error) as error:
        raise UnexpectedAnswer("file of orbits cannot be read", file=path, cause=str(error)) from error


def _lines(path: Path, content: bytes, *, comets: bool) -> _Lines:
    all_lines = content.split(b"\n")
    # MPCORB.DAT begins with words that end with a line of dashes; its extracts have none.
    behind = next((number for number, line in enumerate(all_lines[:200]) if line.startswith(b"-" * 20)), -1)
    width = 170 if comets else 202
    kept = [
        (number, line)
        for number, line in enumerate(all_lines[behind + 1 :], start=behind + 2)
        if line.strip() and not line.startswith(b"#")
    ]
    text = np.array([line[:width].ljust(width) for _, line in kept], dtype=f"S{width}")
    return _Lines(path, text, np.array([number for number, _ in kept], dtype=np.intp))


def _minor_planets(lines: _Lines) -> Elements:
    epoch = lines.each("epoch", lines.column(21, 25), _packed_date)
    mean_deg = lines.number("mean anomaly", 27, 35)
    eccentricity = lines.number("eccentricity", 71, 79)
    axis_au = lines.number("semi-major axis", 93, 103)
    lines.require("eccentricity", (eccentricity >= 0.0) & (eccentricity < 1.0))
    lines.require("semi-major axis", axis_au > 0.0)
    motion_deg_d = np.degrees(GAUSS) * axis_au**-1.5
    since_deg = (mean_deg + 180.0) % 360.0 - 180.0
    names = lines.column(167, 194)
    names = np.where(names == b"", lines.column(1, 7), names)
    return Elements(
        names=_texts(names),
        epoch_mjd=epoch,
        perihelion_au=axis_au * (1.0 - eccentricity),
        eccentricity=eccentricity,
        inclination_deg=lines.number("inclination", 60, 68),
        node_deg=lines.number("node", 49, 57),
        peri_deg=lines.number("argument of perihelion", 38, 46),
        perihelion_mjd=epoch - since_deg / motion_deg_d,
        h_mag=lines.number("H", 9, 13, blank=np.nan),
        slope=lines.number("G", 15, 19, blank=DEFAULT_G),
        quality=lines.each("U", lines.column(106, 106), _quality).astype(np.int8),
        is_comet=np.zeros(len(epoch), dtype=bool),
        seen_mjd=lines.each("last observation", lines.column(195, 202), _plain_date),
    )


def _comets(lines: _Lines) -> Elements:
    dates = np.char.add(np.char.add(_padded(lines, 15, 18, 4), _padded(lines, 20, 21, 2)), lines.column(23, 29))
    perihelion = lines.each("perihelion passage", dates, _plain_date)
    # Without an epoch the elements are those of the passage itself.
    given = lines.each("epoch", lines.column(82, 89), _plain_date)
    perihelion_au, eccentricity = lines.number("perihelion distance", 31, 39), lines.number("eccentricity", 42, 49)
    lines.require("perihelion distance", perihelion_au > 0.0)
    lines.require("eccentricity", eccentricity >= 0.0)
    return Elements(
        names=_texts(lines.column(103, 158)),
        epoch_mjd=np.where(np.isfinite(given), given, perihelion),
        perihelion_au=perihelion_au,
        eccentricity=eccentricity,
        inclination_deg=lines.number("inclination", 72, 79),
        node_deg=lines.number("node", 62, 69),
        peri_deg=lines.number("argument of perihelion", 52, 59),
        perihelion_mjd=perihelion,
        h_mag=lines.number("absolute magnitude", 92, 95, blank=np.nan),
        slope=lines.number("slope", 97, 100, blank=4.0),
        quality=np.full(len(perihelion), _COMET_QUALITY, dtype=np.int8),
        is_comet=np.ones(len(perihelion), dtype=bool),
        seen_mjd=np.full(len(perihelion), np.nan),
    )


def _padded(lines: _Lines, first: int, last: int, width: int) -> NDArray[np.bytes_]:
    return np.char.zfill(lines.column(first, last), width)


def _texts(written: NDArray[np.bytes_]) -> NDArray[np.object_]:
    return np.char.decode(written, "utf-8", "replace").astype(object)


def _quality(text: bytes) -> float:
    return float(text) if text.isdigit() else float(UNRATED)


def _packed_date(text: bytes) -> float:
    """Return the date that ``K25BL`` stands for: 2025 November 21.0."""
    year = _CENTURIES[text[:1]] + int(text[1:3])
    month, day = (_digit(chr(one)) for one in text[3:5])
    return _date(year, month, day) + (float(b"0." + text[5:]) if text[5:] else 0.0)


def _digit(letter: str) -> int:
    return int(letter) if letter.isdigit() else _UNPACKED[letter]


def _plain_date(text: bytes) -> float:
    """Return the date of ``YYYYMMDD`` with digits behind the day, NaN of nothing."""
    if not text:
        return np.nan
    day = float(text[6:])
    return _date(int(text[:4]), int(text[4:6]), int(day)) + day % 1.0


def _date(year: int, month: int, day: int) -> float:
    return float(date(year, month, day).toordinal() - _MJD_0)
