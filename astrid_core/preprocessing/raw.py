"""From the counts of an amplifier to counts of charge: overscan taken off, trimmed, one gain, linear."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from astropy.wcs import WCS
from numpy.polynomial import Chebyshev
from numpy.typing import NDArray

from astrid_core.observations.readout import Amplifier, Section
from astrid_core.shared.errors import UnusableFile
from astrid_core.shared.images import FloatImage

_MIN_LINES = 8
"""Fewer lines of overscan carry a mean, no polynomial."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelFrame:
    """A raw frame without overscan, shape (ny, nx), counts."""

    pixels: FloatImage
    origin_pix: tuple[int, int]
    """Column and row of the file in which its first pixel lies."""
    overscan_adu: float
    """Level that was taken off, averaged over the amplifiers; 0 without overscan."""
    read_noise_adu: float | None
    """Scatter in the overscan, the largest of the amplifiers; None without overscan."""
    is_assembled: bool
    """Whether parts that do not touch in the file were put together: no WCS of the file describes it."""


def level(pixels: FloatImage, readout: Sequence[Amplifier], *, degree: int) -> LevelFrame:
    """Take the overscan off each amplifier, cut it away, and put the amplifiers together at one gain.

    The level follows a Chebyshev polynomial of ``degree`` through the medians of the lines of the overscan. Where every
    amplifier has a gain, each is scaled to their mean: the frame then has one. Raises UnusableFile where sections lie
    off the frame or make no rectangle.
    """
    if not readout:
        whole = np.asarray(pixels, dtype=np.float32)
        return LevelFrame(pixels=whole, origin_pix=(0, 0), overscan_adu=0.0, read_noise_adu=None, is_assembled=False)
    for one in readout:
        for section in (one.data, one.overscan):
            if section is not None and not section.fits(pixels.shape):
                raise UnusableFile(
                    "a section of the header lies off the frame",
                    rows=section.rows[1], columns=section.columns[1], ny=pixels.shape[0], nx=pixels.shape[1],
                )  # fmt: skip
    gains = [one.gain_e_adu for one in readout]
    known = [gain for gain in gains if gain is not None]
    mean_gain = sum(known) / len(known) if len(known) == len(gains) else None
    parts, levels, noises = [], [], []
    for one in readout:
        part = pixels[one.data.slices].astype(np.float64)
        if one.overscan is not None:
            model, noise = _overscan(pixels, one.overscan, one.data, degree)
            part = part - model
            levels.append(float(np.mean(model)))
            noises.append(noise)
        if mean_gain is not None and one.gain_e_adu is not None:
            part *= one.gain_e_adu / mean_gain
        parts.append(part.astype(np.float32))
    return LevelFrame(
        pixels=_assembled(parts, [one.data for one in readout]),
        origin_pix=(min(one.data.columns[0] for one in readout), min(one.data.rows[0] for one in readout)),
        overscan_adu=float(np.mean(levels)) if levels else 0.0,
        read_noise_adu=max(noises) if noises else None,
        is_assembled=_span(readout) != _area(readout),
    )


def linearize(pixels: FloatImage, coefficients: Sequence[float]) -> FloatImage:
    """Return c1 x + c2 x^2 + ... of every pixel x; the same pixels without coefficients."""
    if not coefficients:
        return pixels
    exact = np.asarray(pixels, dtype=np.float64)
    result = np.zeros_like(exact)
    for one in reversed(coefficients):
        result = (result + one) * exact
    return result.astype(np.float32)


def trimmed_wcs(wcs: WCS | None, frame: LevelFrame) -> WCS | None:
    """Return the WCS of a trimmed frame; None where parts were moved against each other."""
    if wcs is None or frame.is_assembled:
        return None
    column, row = frame.origin_pix
    return wcs if (column, row) == (0, 0) else wcs.slice((slice(row, None), slice(column, None)))


def _overscan(pixels: FloatImage, overscan: Section, data: Section, degree: int) -> tuple[NDArray[np.float64], float]:
    """Return the level on the data section (broadcasts) and the scatter of a pixel of the overscan."""
    box = pixels[overscan.slices].astype(np.float64)
    is_beside = box.shape[0] >= box.shape[1]
    axis = 1 if is_beside else 0
    lines = np.median(box, axis=axis)
    first = overscan.rows[0] if is_beside else overscan.columns[0]
    places = first + np.arange(len(lines))
    wanted = np.arange(*(data.rows if is_beside else data.columns))
    if len(lines) < _MIN_LINES * (degree + 1):
        model = np.full(len(wanted), float(np.median(box)))
        scatter = box - np.median(box)
    else:
        fit = Chebyshev.fit(places, lines, degree, domain=(min(places[0], wanted[0]), max(places[-1], wanted[-1])))
        model = fit(wanted)
        scatter = box - (fit(places)[:, None] if is_beside else fit(places)[None, :])
    noise = 1.4826 * float(np.median(np.abs(scatter - np.median(scatter))))
    # Whole counts of a quiet amplifier have no deviation to take a median of: rounding alone scatters by 0.29.
    return (model[:, None] if is_beside else model[None, :]), max(noise, 1.0 / np.sqrt(12.0))


def _assembled(parts: Sequence[FloatImage], sections: Sequence[Section]) -> FloatImage:
    """Put rectangles together as they lie to each other in the file, without what lies between them."""
    rows = sorted({one.rows for one in sections})
    columns = sorted({one.columns for one in sections})
    placed = {(one.rows, one.columns): part for one, part in zip(sections, parts, strict=True)}
    if len(placed) != len(rows) * len(columns) or len(placed) != len(parts):
        raise UnusableFile("data sections make no rectangle", n_sections=len(parts))
    return np.block([[placed[row, column] for column in columns] for row in rows])


def _span(readout: Sequence[Amplifier]) -> int:
    rows = [end for one in readout for end in one.data.rows]
    columns = [end for one in readout for end in one.data.columns]
    return (max(rows) - min(rows)) * (max(columns) - min(columns))


def _area(readout: Sequence[Amplifier]) -> int:
    return sum(one.data.shape[0] * one.data.shape[1] for one in readout)
