"""Probability sky maps as observatories of gravitational waves publish them, with small known truth."""

import gzip
import io
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from astropy.io import fits
from astropy_healpix import HEALPix
from numpy.typing import NDArray

Cells = dict[tuple[int, int], float]
"""Probability of cells by order and number, NESTED; they fill the sky."""


def some_cells(*, finest: int = 4, seed: int = 1) -> Cells:
    """Return a map whose cells are finer where it is denser, with cells that hold nothing."""
    rng = np.random.default_rng(seed)
    cells: Cells = {}
    left = [(0, number) for number in range(12)]
    while left:
        order, number = left.pop()
        if order < finest and rng.random() < 0.55:
            left += [(order + 1, 4 * number + child) for child in range(4)]
        else:
            cells[order, number] = 0.0 if rng.random() < 0.1 else rng.exponential() ** 3 / 4.0**order
    whole = sum(cells.values())
    return {cell: held / whole for cell, held in cells.items()}


def flattened(cells: Cells, *, order: int) -> NDArray[np.float64]:
    """Return the probability of each pixel of ``order``, NESTED."""
    pixels = np.zeros(12 * 4**order)
    for (coarser, number), held in cells.items():
        n = 4 ** (order - coarser)
        pixels[number * n : (number + 1) * n] = held / n
    return pixels


def multi_order_file(path: Path, cells: Cells, **changed: object) -> Path:
    """Write UNIQ and PROBDENSITY, and more columns as real files have; ``changed`` are cards or columns."""
    uniq = np.array([4 * 4**order + number for order, number in cells], dtype=np.int64)
    area = np.array([np.pi / 3.0 / 4.0**order for order, _ in cells])
    columns = {"UNIQ": uniq, "PROBDENSITY": np.array([*cells.values()]) / area, "DISTMU": np.full(len(cells), 100.0)}
    return _write(path, columns, {"ORDERING": "NUNIQ", "COORDSYS": "C", "INDXSCHM": "EXPLICIT"}, changed)


def flat_file(path: Path, pixels: NDArray[np.float64], *, ordering: str = "NESTED", **changed: object) -> Path:
    """Write PROB of pixels, given NESTED, in either order."""
    n_side = int(np.sqrt(len(pixels) / 12))
    if ordering == "RING":
        ring = np.empty_like(pixels)
        ring[HEALPix(nside=n_side).nested_to_ring(np.arange(len(pixels)))] = pixels
        pixels = ring
    cards = {"ORDERING": ordering, "COORDSYS": "C", "NSIDE": n_side, "INDXSCHM": "IMPLICIT"}
    return _write(path, {"PROB": pixels, "DISTMU": np.full(len(pixels), 100.0)}, cards, changed)


def _write(
    path: Path, columns: dict[str, NDArray[np.generic]], cards: dict[str, object], changed: Mapping[str, object]
) -> Path:
    for name, value in changed.items():
        if isinstance(value, np.ndarray):
            columns[name] = value
        else:
            cards[name] = value
    table = fits.BinTableHDU.from_columns(
        [
            fits.Column(name=name, format={"i": "K", "f": "D"}.get(values.dtype.kind, "3A"), array=values)
            for name, values in columns.items()
            if values.size
        ]
    )
    table.header.update(cards)
    buffer = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), table]).writeto(buffer)
    content = buffer.getvalue()
    path.write_bytes(gzip.compress(content, 1) if path.suffix == ".gz" else content)
    return path
