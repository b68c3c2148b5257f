"""Small pictures of one place on the sky, as PNG inside a page."""

import base64
import io
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from astropy.visualization import ZScaleInterval
from matplotlib import colormaps
from numpy.typing import NDArray
from PIL import Image

_NO_DATA = 255
"""Palette entry of pixels that hold no number: transparent."""
_SKY_SOFTENING, _DIFFERENCE_SOFTENING = 0.12, 0.6
"""Where the asinh stretch turns from linear to logarithmic, as a fraction of the range; noise wants a gentler one."""

# Bright on dark like the sky itself; the score's map is dark at 0 and lightens towards blue (faded) and red (new).
_GREY, _SCORE = "gray", "berlin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cutouts:
    """The pictures of one detection as data URIs; rows run upwards as in the images."""

    science: str
    reference: str
    difference: str
    score: str
    score_limit: float
    """The colours of ``score`` end at plus and minus this, sigma."""


def cut(plane: NDArray[np.floating], *, x_pix: float, y_pix: float, size: int) -> NDArray[np.float32]:
    """Return (size, size) pixels centred on the pixel at ``x_pix``, ``y_pix``; NaN beyond the edge."""
    ny, nx = plane.shape
    half = size // 2
    column, line = int(np.floor(x_pix + 0.5)) - half, int(np.floor(y_pix + 0.5)) - half
    stamp = np.full((size, size), np.nan, dtype=np.float32)
    left, right, low, high = max(column, 0), min(column + size, nx), max(line, 0), min(line + size, ny)
    if left < right and low < high:
        stamp[low - line : high - line, left - column : right - column] = plane[low:high, left:right]
    return stamp


def draw(stamps: Mapping[str, NDArray[np.float32]], *, significance: float) -> Cutouts:
    """Draw ``science``, ``reference``, ``difference`` and ``score``.

    Science and reference share one asinh stretch, so that what differs to the eye differs in the sky; difference and
    score are symmetric about zero.
    """
    low, high = _shared_range(stamps["science"], stamps["reference"])
    limit = _symmetric_limit(stamps["difference"])
    score_limit = float(np.clip(abs(significance), 8.0, 25.0))
    return Cutouts(
        science=_png(_asinh((stamps["science"] - low) / (high - low), _SKY_SOFTENING), _GREY),
        reference=_png(_asinh((stamps["reference"] - low) / (high - low), _SKY_SOFTENING), _GREY),
        difference=_png(0.5 + 0.5 * _signed_asinh(stamps["difference"] / limit), _GREY),
        score=_png(0.5 + 0.5 * stamps["score"] / score_limit, _SCORE),
        score_limit=score_limit,
    )


def _shared_range(*stamps: NDArray[np.float32]) -> tuple[float, float]:
    values = np.concatenate([stamp[np.isfinite(stamp)] for stamp in stamps])
    if values.size < 2 or values.min() == values.max():
        level = float(values.mean()) if values.size else 0.0
        return level - 1.0, level + 1.0
    low, high = ZScaleInterval().get_limits(values)
    # zscale alone lets every star saturate; the asinh stretch has room for most of the light.
    high = max(float(high), float(np.percentile(values, 99.5)))
    return float(low), high if high > low else float(low) + 1.0


def _symmetric_limit(stamp: NDArray[np.float32]) -> float:
    values = np.abs(stamp[np.isfinite(stamp)])
    limit = float(np.percentile(values, 99.7)) if values.size else 0.0
    return limit if limit > 0.0 else 1.0


def _asinh(scaled: NDArray[np.float32], softening: float) -> NDArray[np.float32]:
    return np.asarray(np.arcsinh(np.clip(scaled, 0.0, 1.0) / softening) / np.arcsinh(1.0 / softening))


def _signed_asinh(scaled: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(np.sign(scaled) * _asinh(np.abs(scaled), _DIFFERENCE_SOFTENING))


def _png(scaled: NDArray[np.float32], colours: str) -> str:
    """Return values from 0 to 1 as a data URI, the first row at the bottom."""
    known = np.isfinite(scaled)
    levels = np.full(scaled.shape, _NO_DATA, dtype=np.uint8)
    levels[known] = np.clip(np.rint(scaled[known] * (_NO_DATA - 1)), 0, _NO_DATA - 1)
    image = Image.fromarray(np.ascontiguousarray(levels[::-1]))
    palette = (colormaps[colours](np.linspace(0.0, 1.0, _NO_DATA))[:, :3] * 255.0).astype(np.uint8)
    image.putpalette([*palette.ravel().tolist(), 0, 0, 0])
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", transparency=_NO_DATA, optimize=True)
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"
