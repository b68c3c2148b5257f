"""Small parts of a stored difference, read without the rest of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from astropy.io import fits
from astropy.wcs import WCS
from numpy.typing import NDArray

from astrid_core.shared.errors import CorruptArtifact
from astrid_core.shared.images import FloatImage

Part = Callable[[int, int], bytes]
"""Gives bytes of a file: where they start and how many, fewer at its end."""
PLANES = ("science", "reference", "difference", "score")
"""What can be looked at."""
_BLOCK = 2880
_BLOCKS_AT_ONCE = 4
_LONGEST_HEADER = 200 * _BLOCK
_PIXEL = np.dtype(">f4")


@dataclass(frozen=True, slots=True, kw_only=True)
class DifferenceLayout:
    """Where the planes of a stored difference are in its file."""

    starts: Mapping[str, int]
    """Plane to its first byte."""
    shape: tuple[int, int]
    """Lines and columns."""
    wcs: WCS | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """How a stamp is turned so that its first line is the top, north is up and east to the left."""

    is_transposed: bool = False
    flips_lines: bool = True
    flips_columns: bool = False
    off_deg: float | None = None
    """Angle that remains between up and north, in [-45, 45], positive towards east; None where north is not known."""


def read_layout(part: Part) -> DifferenceLayout:
    """Read the headers of what ``write_difference`` wrote; raise CorruptArtifact if it is something else."""
    try:
        return _layout(part)
    except (LookupError, ValueError, TypeError) as error:
        raise CorruptArtifact("bytes are not a difference image", cause=str(error)) from error


def _layout(part: Part) -> DifferenceLayout:
    starts: dict[str, int] = {}
    shape, wcs, at = (0, 0), None, 0
    while found := _header(part, at):
        header, data_at = found
        name = str(header.get("EXTNAME", "")).lower()
        if name in PLANES:
            if header["BITPIX"] != -8 * _PIXEL.itemsize or header["NAXIS"] != 2:
                raise CorruptArtifact("bytes are not a difference image", plane=name)
            starts[name] = data_at
            shape = (int(header["NAXIS2"]), int(header["NAXIS1"]))
            wcs = WCS(header) if "CTYPE1" in header else None
        n_data = abs(int(header["BITPIX"])) // 8
        for axis in range(1, int(header["NAXIS"]) + 1):
            n_data *= int(header[f"NAXIS{axis}"])
        at = data_at + -(-(n_data if header["NAXIS"] else 0) // _BLOCK) * _BLOCK
    if set(starts) != set(PLANES):
        raise CorruptArtifact("bytes are not a difference image", planes=", ".join(starts))
    return DifferenceLayout(starts=starts, shape=shape, wcs=wcs)


def read_stamp(
    part: Part, layout: DifferenceLayout, planes: Sequence[str], *, x_pix: float, y_pix: float, half_pix: int
) -> NDArray[np.float32]:
    """Return (plane, line, column) around a place, 2 ``half_pix`` + 1 each way; NaN beyond the edge."""
    size = 2 * half_pix + 1
    ny, nx = layout.shape
    low, left = int(np.floor(y_pix + 0.5)) - half_pix, int(np.floor(x_pix + 0.5)) - half_pix
    lines = range(max(low, 0), min(low + size, ny))
    columns = range(max(left, 0), min(left + size, nx))
    stamp = np.full((len(planes), size, size), np.nan, dtype=np.float32)
    if not lines or not columns:
        return stamp
    for number, plane in enumerate(planes):
        n_bytes = len(lines) * nx * _PIXEL.itemsize
        content = part(layout.starts[plane] + lines.start * nx * _PIXEL.itemsize, n_bytes)
        if len(content) != n_bytes:
            raise CorruptArtifact("a difference image ends early", plane=plane)
        band = np.frombuffer(content, dtype=_PIXEL).reshape(len(lines), nx)
        stamp[number, lines.start - low : lines.stop - low, columns.start - left : columns.stop - left] = band[
            :, columns.start : columns.stop
        ]
    return stamp


def turn_at(wcs: WCS | None, *, x_pix: float, y_pix: float) -> Turn:
    """Return the turn by right angles, with or without a mirror, that comes nearest to north up and east left."""
    if wcs is None:
        return Turn()
    east, north = _sky_axes(wcs, x_pix, y_pix)
    is_transposed = abs(north[0]) > abs(north[1])
    # After the transposition the second entry runs along lines and the first along columns.
    if is_transposed:
        east, north = east[::-1], north[::-1]
    flips_lines, flips_columns = bool(north[1] > 0.0), bool(east[0] > 0.0)
    right = -north[0] if flips_columns else north[0]
    up = north[1] if flips_lines else -north[1]
    return Turn(
        is_transposed=is_transposed,
        flips_lines=flips_lines,
        flips_columns=flips_columns,
        off_deg=float(np.degrees(np.arctan2(-right, up))),
    )


def turned(stamp: FloatImage, turn: Turn) -> NDArray[np.float32]:
    """Return a stamp (plane, line, column) with its first line at the top."""
    result = stamp.swapaxes(-2, -1) if turn.is_transposed else stamp
    if turn.flips_lines:
        result = result[:, ::-1, :]
    if turn.flips_columns:
        result = result[:, :, ::-1]
    return np.ascontiguousarray(result)


def _sky_axes(wcs: WCS, x_pix: float, y_pix: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return in which direction of (column, line) east and north lie, as unit vectors."""
    x, y = np.array([x_pix, x_pix + 1.0, x_pix]), np.array([y_pix, y_pix, y_pix + 1.0])
    sky = wcs.pixel_to_world(x, y).icrs
    away_east, away_north = sky[0].spherical_offsets_to(sky[1:])
    jacobian = np.array([away_east.deg, away_north.deg])
    back = np.linalg.inv(jacobian)
    return back[:, 0] / np.linalg.norm(back[:, 0]), back[:, 1] / np.linalg.norm(back[:, 1])


def _header(part: Part, at: int) -> tuple[fits.Header, int] | None:
    """Return a header and where its data begin; None behind the last."""
    text = b""
    while len(text) < _LONGEST_HEADER:
        more = part(at + len(text), _BLOCK * _BLOCKS_AT_ONCE)
        if not more and not text:
            return None
        text += more
        for end in range(_BLOCK, len(text) + 1, _BLOCK):
            if any(text[card : card + 80].rstrip() == b"END" for card in range(end - _BLOCK, end, 80)):
                return fits.Header.fromstring(text[:end].decode("ascii")), at + end
        if not more:
            break
    raise CorruptArtifact("bytes are not a difference image", n_bytes=len(text))
