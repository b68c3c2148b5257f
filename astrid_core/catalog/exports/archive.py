"""A part of the catalog object by object: light curves and pixels in one ZIP file."""

import io
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import nsmallest
from itertools import groupby
from pathlib import Path
from uuid import UUID

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from astropy.io import fits

from astrid_core.catalog.cutouts import cut
from astrid_core.catalog.exports.columns import Cell
from astrid_core.catalog.exports.frozen import FrozenTable, plain_values
from astrid_core.catalog.exports.tables import POINTS
from astrid_core.catalog.exports.text import write_ecsv
from astrid_core.differencing.entities import Candidate
from astrid_core.differencing.products import DifferenceProduct
from astrid_core.shared.fits_format import wcs_header

_EPOCH = (1980, 1, 1, 0, 0, 0)
"""ZIP's own beginning of time: when a file was written must not show."""
_PLANES = ("science", "reference", "difference", "score")


class ArchiveWriter:
    """Takes files by name, in the order in which they are to be found."""

    def __init__(self, path: Path) -> None:
        self._zip = zipfile.ZipFile(path, "w", compression=zipfile.ZIP_DEFLATED)

    def add(self, name: str, content: bytes) -> None:
        """Add a file."""
        told = zipfile.ZipInfo(name, date_time=_EPOCH)
        told.compress_type = zipfile.ZIP_DEFLATED
        told.external_attr = 0o644 << 16
        self._zip.writestr(told, content)

    def close(self) -> None:
        """Write the list of what is inside."""
        self._zip.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """An object that gets files of its own."""

    entry_id: UUID
    detection_id: str
    """Its strongest detection: the one whose pixels are shown."""


def choose(entries: FrozenTable, *, most: int) -> frozenset[str]:
    """Return the identities of the strongest objects, at most so many; equals by identity."""

    def ranked() -> Iterator[tuple[float, str]]:
        for names, strengths in entries.values(["entry_id", "peak_significance"]):
            yield from ((-_size(strength), str(name)) for name, strength in zip(names, strengths, strict=True))

    return frozenset(identity for _, identity in nsmallest(most, ranked()))


def light_curves(points: FrozenTable, wanted: frozenset[str]) -> Iterator[tuple[str, bytes, Chosen]]:
    """Yield name and content of the light curve of each of these objects, and its strongest detection."""
    names = [one.name for one in POINTS.columns]
    detection_at, strength_at = (names.index(name) for name in ("detection_id", "significance"))
    for identity, rows in _by_object(points, wanted):
        strongest = max(rows, key=lambda row: (_size(row[strength_at]), str(row[detection_at])))
        chosen = Chosen(entry_id=UUID(identity), detection_id=str(strongest[detection_at]))
        yield f"light_curves/{identity}.ecsv", _ecsv(points, rows), chosen


def forced_photometry(forced: FrozenTable, wanted: frozenset[str]) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of what was measured of each of these objects in every exposure, found there or not."""
    for identity, rows in _by_object(forced, wanted):
        yield f"forced_photometry/{identity}.ecsv", _ecsv(forced, rows)


def cutout_bytes(product: DifferenceProduct, candidate: Candidate, *, size_pix: int, cards: Mapping[str, str]) -> bytes:
    """Return the pixels around a candidate as FITS: science, reference, difference and score, on one grid."""
    planes = {name: getattr(product, name) for name in _PLANES}
    column, line = (int(np.floor(at + 0.5)) - size_pix // 2 for at in (candidate.x_pix, candidate.y_pix))
    header = fits.Header()
    if product.wcs is not None:
        moved = product.wcs.deepcopy()
        moved.wcs.crpix = [moved.wcs.crpix[0] - column, moved.wcs.crpix[1] - line]
        header = wcs_header(moved)
    primary = fits.PrimaryHDU()
    for name, value in cards.items():
        primary.header[name] = value
    hdus: list[fits.PrimaryHDU | fits.ImageHDU] = [primary]
    for name, plane in planes.items():
        stamp = cut(plane, x_pix=candidate.x_pix, y_pix=candidate.y_pix, size=size_pix)
        hdus.append(fits.ImageHDU(data=stamp, header=header, name=name.upper()))
    for hdu in hdus:
        hdu.add_checksum(when="checksum of the HDU")
    buffer = io.BytesIO()
    fits.HDUList(hdus).writeto(buffer)
    return buffer.getvalue()


def _by_object(table: FrozenTable, wanted: frozenset[str]) -> Iterator[tuple[str, list[tuple[Cell, ...]]]]:
    place = [one.name for one in table.spec.columns].index("entry_id")
    for identity, some in groupby(_rows_of(table, wanted), key=lambda row: str(row[place])):
        yield identity, list(some)


def _ecsv(table: FrozenTable, rows: Sequence[tuple[Cell, ...]]) -> bytes:
    out = io.StringIO()
    write_ecsv(out, table.spec, [list(zip(*rows, strict=True))])
    return out.getvalue().encode()


def _rows_of(table: FrozenTable, wanted: frozenset[str]) -> Iterator[tuple[Cell, ...]]:
    names = pa.array(sorted(wanted), pa.string())
    for batch in table.batches():
        some = batch.filter(pc.is_in(batch.column("entry_id"), value_set=names))
        yield from zip(*(plain_values(column) for column in some.columns), strict=True)


def _size(value: Cell) -> float:
    return abs(float(value or 0.0))
