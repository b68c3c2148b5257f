"""What an injected source adds to the planes of a difference, kept without the rest of the frame."""

import io

import numpy as np
from numpy.typing import NDArray

from astrid_core.differencing.pair import PairDifference
from astrid_core.shared.errors import CorruptArtifact
from astrid_core.shared.images import FloatImage

MEDIA_TYPE = "application/x-npy"
ALONE_FWHM = 5.5
"""No other source may be injected within this: its light would be taken for that of this one."""
_WHOLE_FWHM, _GONE_FWHM = 3.0, 5.0
"""All that is added counts within the first; beyond the second nothing does."""


def added_light(before: PairDifference, after: PairDifference, *, x_pix: float, y_pix: float) -> NDArray[np.float32]:
    """Return (plane, line, column) of ``PLANES`` with a source less those without it, around a place.

    It fades out where the light of the source has: between 3 and 5 FWHM.
    """
    fwhm_pix = max(before.science_fwhm_pix, before.reference_fwhm_pix)
    half = int(np.ceil(_GONE_FWHM * fwhm_pix))
    x, y = _pixel(x_pix), _pixel(y_pix)
    away_y, away_x = np.mgrid[-half : half + 1, -half : half + 1]
    away = np.hypot(away_y + y - y_pix, away_x + x - x_pix) / fwhm_pix
    fading = np.clip((_GONE_FWHM - away) / (_GONE_FWHM - _WHOLE_FWHM), 0.0, 1.0)
    weight = 0.5 - 0.5 * np.cos(np.pi * fading)
    light = np.zeros((4, 2 * half + 1, 2 * half + 1), dtype=np.float32)
    for number, (new, old) in enumerate(zip(_planes(after), _planes(before), strict=True)):
        added = np.zeros(light.shape[1:])
        ny, nx = new.shape
        lines, columns = slice(max(y - half, 0), y + half + 1), slice(max(x - half, 0), x + half + 1)
        top, left = lines.start - (y - half), columns.start - (x - half)
        inside = new[lines, columns].astype(float) - old[lines, columns]
        added[top : top + min(ny, lines.stop) - lines.start, left : left + min(nx, columns.stop) - columns.start] = (
            inside
        )
        light[number] = np.where(np.isfinite(added), added * weight, 0.0)
    return light


def write_light(light: NDArray[np.float32]) -> bytes:
    """Return the bytes of added light."""
    buffer = io.BytesIO()
    np.save(buffer, light, allow_pickle=False)
    return buffer.getvalue()


def read_light(content: bytes) -> NDArray[np.float32]:
    """Read what ``write_light`` wrote; raise CorruptArtifact if it is something else."""
    try:
        light = np.load(io.BytesIO(content), allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise CorruptArtifact("bytes are no added light", cause=str(error)) from error
    if light.dtype != np.float32 or light.ndim != 3 or len(light) != 4 or light.shape[1] != light.shape[2]:
        raise CorruptArtifact("bytes are no added light", shape=str(light.shape))
    kept: NDArray[np.float32] = light
    return kept


def with_light(stamp: FloatImage, light: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a stamp (plane, line, column) around the same place with the light added to it."""
    middle, half = stamp.shape[-1] // 2, light.shape[-1] // 2
    reach = min(middle, half)
    inside = slice(middle - reach, middle + reach + 1)
    part = slice(half - reach, half + reach + 1)
    result: NDArray[np.float32] = stamp.astype(np.float32)
    result[:, inside, inside] += light[: len(stamp), part, part]
    return result


def _planes(pair: PairDifference) -> tuple[FloatImage, FloatImage, FloatImage, FloatImage]:
    """Return what ``stored_planes.PLANES`` names."""
    return pair.science.pixels, pair.reference.pixels, pair.difference.difference, pair.difference.score


def _pixel(place: float) -> int:
    """Return the pixel that ``stored_planes.read_stamp`` puts into the middle."""
    return int(np.floor(place + 0.5))
