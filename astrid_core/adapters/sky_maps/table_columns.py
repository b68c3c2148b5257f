"""Some columns of a FITS table, block by block: what else the file holds is never in memory."""

import gzip
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray

from astrid_core.shared.errors import BadConfiguration

_BLOCK_BYTES = 2**24
_FITS_BLOCK = 2880
_GZIP = b"\x1f\x8b"
_FORMAT = re.compile(r"\s*(\d*)([LXBIJKAEDCMPQ])")
_N_BYTES = {
    "L": 1.0, "X": 0.125, "B": 1.0, "I": 2.0, "J": 4.0, "K": 8.0, "A": 1.0, "E": 4.0, "D": 8.0, "C": 8.0, "M": 16.0,
    "P": 8.0, "Q": 16.0,
}  # fmt: skip
_NUMBERS = {"I": ">i2", "J": ">i4", "K": ">i8", "E": ">f4", "D": ">f8"}


class FitsTable:
    """A binary table in a file that is open."""

    def __init__(self, path: Path, file: IO[bytes], header: fits.Header, place: int) -> None:
        self.path, self.header = path, header
        self._file, self._place = file, place
        self._offsets: dict[str, tuple[int, int]] = {}
        """Number of the column, and its first byte in a row."""
        offset = 0
        for number in range(1, int(header["TFIELDS"]) + 1):
            self._offsets[str(header.get(f"TTYPE{number}", "")).strip().upper()] = number, offset
            offset += self._width(number)

    @property
    def n_rows(self) -> int:
        """How many there should be."""
        return int(self.header["NAXIS2"])

    def has(self, name: str) -> bool:
        """Tell whether there is a column, whatever the case of its name."""
        return name in self._offsets

    def n_values(self, name: str) -> int:
        """Return how many numbers a column holds: rows, times those in each."""
        return self.n_rows * self._field(name)[1]

    def read(self, names: Sequence[str]) -> Mapping[str, NDArray[Any]]:
        """Return columns as numbers of this machine; BadConfiguration where the file ends too early."""
        row_bytes, fields = int(self.header["NAXIS1"]), {name: self._field(name) for name in names}
        row = np.dtype(
            {
                "names": [*names],
                "formats": [(kind, (width,)) for kind, width in fields.values()],
                "offsets": [self._offsets[name][1] for name in names],
                "itemsize": row_bytes,
            }
        )
        found = {
            name: np.empty(self.n_rows * width, np.dtype(kind).newbyteorder("="))
            for name, (kind, width) in fields.items()
        }
        step = max(1, _BLOCK_BYTES // row_bytes)
        try:
            self._file.seek(self._place)
            for start in range(0, self.n_rows, step):
                n_here = min(step, self.n_rows - start)
                rows = np.frombuffer(_read(self._file, n_here * row_bytes), dtype=row)
                for name, (_, width) in fields.items():
                    found[name][start * width : (start + n_here) * width] = rows[name].ravel()
        except (OSError, EOFError, zlib.error) as error:
            raise BadConfiguration("the file ends too early or is damaged", file=self.path, rows=self.n_rows) from error
        return found

    def _width(self, number: int) -> int:
        repeat, kind = self._format(number)
        return int(np.ceil(repeat * _N_BYTES[kind]))

    def _format(self, number: int) -> tuple[int, str]:
        found = _FORMAT.match(str(self.header[f"TFORM{number}"]))
        if not found:
            raise BadConfiguration("not a column", file=self.path, format=self.header[f"TFORM{number}"])
        return int(found[1] or 1), found[2]

    def _field(self, name: str) -> tuple[str, int]:
        """Return the kind of number and how many of them are in a row."""
        number = self._offsets[name][0]
        repeat, kind = self._format(number)
        scaled = [self.header.get(f"TSCAL{number}", 1), self.header.get(f"TZERO{number}", 0)]
        if kind not in _NUMBERS or repeat < 1 or scaled != [1, 0]:
            told = self.header[f"TFORM{number}"]
            raise BadConfiguration("a column without plain numbers", file=self.path, column=name, format=told)
        return _NUMBERS[kind], repeat


@contextmanager
def find_table(path: Path, wanted: Sequence[Sequence[str]]) -> Iterator[FitsTable]:
    """Open the first table that has all of some columns; BadConfiguration where the file is none, or has none."""
    with _opened(path) as file:
        for header, place in _headers(path, file):
            if str(header.get("XTENSION", "")).strip() == "BINTABLE":
                table = FitsTable(path, file, header, place)
                if any(all(table.has(name) for name in names) for names in wanted):
                    yield table
                    return
    told = " or ".join(" and ".join(names) for names in wanted)
    raise BadConfiguration("not a sky map: no table with the columns", file=path, columns=told)


def require_whole(path: Path) -> None:
    """BadConfiguration for a file that is not FITS, or ends before what it announces."""
    with _opened(path) as file:
        for header, place in _headers(path, file):
            expected = place + _n_bytes(header)
            file.seek(expected - 1)
            if expected > place and not file.read(1):
                raise BadConfiguration("the file ends too early", file=path, expected_bytes=expected)


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    try:
        with path.open("rb") as raw:
            is_packed = raw.read(2) == _GZIP
            raw.seek(0)
            yield gzip.GzipFile(fileobj=raw) if is_packed else raw  # type: ignore[misc]
    except OSError as error:
        raise BadConfiguration("the file cannot be read", file=path, cause=str(error)) from error


def _headers(path: Path, file: IO[bytes]) -> Iterator[tuple[fits.Header, int]]:
    """Yield each header and where its data begin."""
    place = 0
    while (header := _header(path, file, place)) is not None:
        begin = file.tell()
        yield header, begin
        place = begin + _n_bytes(header)


def _header(path: Path, file: IO[bytes], place: int) -> fits.Header | None:
    """Return the header at a place; None at the end of the file."""
    try:
        file.seek(place)
        # What is no header may be large, and astropy looks for the end of one.
        if place > 0 and not file.read(1):
            return None
        file.seek(place)
        if place > 0 or file.read(9) == b"SIMPLE  =":
            file.seek(place)
            return fits.Header.fromfile(file)
    except (OSError, EOFError, ValueError, KeyError, TypeError, zlib.error) as error:
        raise BadConfiguration("not a FITS file, or damaged", file=path, cause=str(error)) from error
    raise BadConfiguration("not a FITS file", file=path, cause="it does not begin with SIMPLE")


def _n_bytes(header: fits.Header) -> int:
    """Return the length of the data behind a header, filled up to whole blocks."""
    sides = [int(header[f"NAXIS{axis}"]) for axis in range(1, int(header["NAXIS"]) + 1)]
    n_values = int(np.prod(sides, dtype=np.int64)) if sides else 0
    n_values = int(header.get("GCOUNT", 1)) * (int(header.get("PCOUNT", 0)) + n_values)
    return -(-n_values * abs(int(header["BITPIX"])) // 8 // _FITS_BLOCK) * _FITS_BLOCK


def _read(file: IO[bytes], n_bytes: int) -> bytes:
    content = file.read(n_bytes)
    if len(content) < n_bytes:
        raise EOFError
    return content
