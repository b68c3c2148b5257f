"""The bones of a FITS file: where its HDUs begin and whether they are all there. Only headers are held in memory."""

import bz2
import gzip
import io
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, cast

from astropy.io import fits

from astrid_core.observations.cards import as_number, text, value
from astrid_core.observations.config import IngestConfig
from astrid_core.shared.errors import UnusableFile

_BLOCK = 2880
_CARD = 80
_CHUNK = 2**20
_MAX_HDUS = 2000
_BITPIX = (8, 16, 32, 64, -32, -64)
_BROKEN_STREAM = (OSError, EOFError, zlib.error, ValueError)
_INTEGER = re.compile(rb"=\s*([+-]?\d+)\s*(?:/.*)?$")
_PRINTABLE = bytes(code if 32 <= code < 127 else ord(" ") for code in range(256))


@dataclass(frozen=True, slots=True, kw_only=True)
class Hdu:
    """One header-data unit."""

    number: int
    """0-based."""
    header: fits.Header
    axes: tuple[int, ...]
    """Lengths of the image axes, slowest first (as numpy orders them); empty without an image."""

    @property
    def name(self) -> str:
        """EXTNAME in upper case; empty without one."""
        return text([self.header], ["EXTNAME"]).upper()

    @property
    def version(self) -> int:
        """EXTVER, by which science, noise and mask extensions belong together."""
        return int(as_number(value([self.header], "EXTVER")) or 1)

    @property
    def is_table(self) -> bool:
        """Whether it is a table and nothing else."""
        return not self.axes and text([self.header], ["XTENSION"]) in ("TABLE", "BINTABLE")


def walk(stream: BinaryIO, *, name: str, config: IngestConfig) -> tuple[Hdu, ...]:
    """Return the HDUs of a FITS file, plain, gzip or bzip2; raise UnusableFile where it is broken or too large.

    Reads headers, and from compressed files the rest as well (without keeping it).
    """
    plain, size = open_plain(stream, name=name, config=config)
    first = plain.read(_BLOCK)
    if not first:
        raise UnusableFile("file is empty", file=name)
    if not first.startswith(b"SIMPLE  ="):
        raise UnusableFile("not a FITS file: it does not begin with SIMPLE", file=name, begins=repr(first[:8]))
    plain.seek(0)
    return tuple(_hdus(plain, size, name, config))


def open_plain(stream: BinaryIO, *, name: str, config: IngestConfig) -> tuple[BinaryIO, int]:
    """Return a seekable stream of the uncompressed file, at its beginning, and its length."""
    stream.seek(0)
    magic = stream.read(3)
    size = stream.seek(0, io.SEEK_END)
    _require_size(size, name, config)
    stream.seek(0)
    if magic[:2] == b"\x1f\x8b":
        unpacked: BinaryIO = cast("BinaryIO", gzip.GzipFile(fileobj=stream, mode="rb"))
    elif magic == b"BZh":
        unpacked = cast("BinaryIO", bz2.BZ2File(stream))
    else:
        return stream, size
    size = 0
    try:
        while chunk := unpacked.read(_CHUNK):
            size += len(chunk)
            _require_size(size, name, config)
        unpacked.seek(0)
    except _BROKEN_STREAM as error:
        raise UnusableFile("compressed file is corrupt", file=name, cause=str(error), read_bytes=size) from error
    return unpacked, size


def inflate(content: bytes, *, name: str, config: IngestConfig) -> bytes:
    """Return the bytes of the uncompressed file."""
    plain, _ = open_plain(io.BytesIO(content), name=name, config=config)
    return plain.read()


def _require_size(size: int, name: str, config: IngestConfig) -> None:
    if size > config.max_file_bytes:
        raise UnusableFile("file is too large", file=name, n_bytes=size, allowed=config.max_file_bytes)


def _hdus(stream: BinaryIO, size: int, name: str, config: IngestConfig) -> Iterator[Hdu]:
    start = 0
    for number in range(_MAX_HDUS):
        stream.seek(start)
        # What follows the last HDU is no business of ours: the standard allows special records there.
        if number and stream.read(8) != b"XTENSION":
            return
        stream.seek(start)
        raw = _read_header(stream, number, name, config)
        keys = _structure(raw)
        begin = start + len(raw)
        end = begin + _data_bytes(keys, number, name)
        if end > size:
            raise UnusableFile("file is truncated", file=name, extension=number, declares_bytes=end, holds_bytes=size)
        yield Hdu(number=number, header=_parse(raw), axes=_image_axes(keys, number))
        start = begin + -(-(end - begin) // _BLOCK) * _BLOCK
        if start >= size:
            return
    raise UnusableFile("file has too many extensions", file=name, allowed=_MAX_HDUS)


def _read_header(stream: BinaryIO, number: int, name: str, config: IngestConfig) -> bytes:
    blocks: list[bytes] = []
    while len(blocks) * _BLOCK < config.max_header_bytes:
        block = stream.read(_BLOCK)
        if len(block) < _BLOCK:
            held = len(blocks) * _BLOCK + len(block)
            raise UnusableFile("header is truncated: it has no END", file=name, extension=number, header_bytes=held)
        blocks.append(block)
        if any(block[at : at + _CARD].rstrip() == b"END" for at in range(0, _BLOCK, _CARD)):
            return b"".join(blocks)
    raise UnusableFile("header is too long", file=name, extension=number, allowed_bytes=config.max_header_bytes)


def _structure(raw: bytes) -> dict[str, int | str]:
    """Return the cards that say how long the data are: integers as such, XTENSION and logicals as text."""
    keys: dict[str, int | str] = {}
    wanted = re.compile(rb"(SIMPLE|XTENSION|Z?BITPIX|Z?NAXIS\d*|PCOUNT|GCOUNT|GROUPS|ZIMAGE) *$")
    for at in range(0, len(raw), _CARD):
        card = raw[at : at + _CARD]
        if not wanted.match(card[:8]) or card[8:9] != b"=":
            continue
        found = _INTEGER.match(card[8:].rstrip())
        text = card[10:].split(b"/")[0].strip().strip(b"'").strip().decode("ascii", "replace")
        keys.setdefault(card[:8].decode().strip(), int(found[1]) if found else text)
    return keys


def _integer(keys: dict[str, int | str], key: str, number: int, name: str, default: int | None = None) -> int:
    value = keys.get(key, default)
    if not isinstance(value, int) or (value < 0 and not key.endswith("BITPIX")):
        raise UnusableFile(f"{key} is not a count", file=name, extension=number, value=repr(value))
    return value


def _data_bytes(keys: dict[str, int | str], number: int, name: str) -> int:
    bitpix = _integer(keys, "BITPIX", number, name)
    if bitpix not in _BITPIX:
        raise UnusableFile("no such pixel type", file=name, extension=number, BITPIX=bitpix)
    n_axes = _integer(keys, "NAXIS", number, name)
    if n_axes > 999:
        raise UnusableFile("too many axes", file=name, extension=number, NAXIS=n_axes)
    axes = [_integer(keys, f"NAXIS{axis}", number, name) for axis in range(1, n_axes + 1)]
    if axes and axes[0] == 0 and keys.get("GROUPS") == "T":
        axes = axes[1:]
    n_elements = 1 if axes else 0
    for length in axes:
        n_elements *= length
    extra = _integer(keys, "PCOUNT", number, name, 0)
    groups = _integer(keys, "GCOUNT", number, name, 1)
    return abs(bitpix) // 8 * groups * (extra + n_elements)


def _image_axes(keys: dict[str, int | str], number: int) -> tuple[int, ...]:
    if keys.get("ZIMAGE") == "T":
        prefix = "ZNAXIS"
    elif number == 0 or keys.get("XTENSION") == "IMAGE":
        prefix = "NAXIS"
    else:
        return ()
    count = keys.get(prefix, 0)
    lengths = [keys.get(f"{prefix}{axis}", 0) for axis in range(1, count + 1)] if isinstance(count, int) else []
    return tuple(length for length in reversed(lengths) if isinstance(length, int))


def _parse(raw: bytes) -> fits.Header:
    # Bytes that no header may hold would make every later look at it fail.
    return fits.Header.fromstring(raw.translate(_PRINTABLE).decode("ascii"))
