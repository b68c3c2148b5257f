"""What an extract of the catalog may choose."""

from dataclasses import dataclass
from enum import StrEnum

from astrid_core.catalog.context import ObjectClass
from astrid_core.catalog.entities import EntryStatus
from astrid_core.shared.errors import BadConfiguration


class Format(StrEnum):
    """What tables are written as, besides Parquet, which is the frozen form of every extract."""

    CSV = "csv"
    ECSV = "ecsv"
    FITS = "fits"
    VOTABLE = "votable"
    HATS = "hats"
    DS9 = "ds9"
    ARCHIVE = "archive"
    """Light curves and pixels, object by object."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportConfig:
    """Settings of an extract of the catalog."""

    statuses: tuple[str, ...] = (EntryStatus.CANDIDATE.value, EntryStatus.CONFIRMED.value)
    """Objects of other statuses are left out."""
    classes: tuple[str, ...] = ()
    """Objects that are taken for something else, or of which nobody has looked up what is known there, are left out;
    empty: nothing is left out for its class."""
    min_detections: int = 1
    """Objects with fewer points in their light curve are left out."""
    formats: tuple[str, ...] = tuple(one.value for one in Format)
    """What is written besides Parquet: ``csv``, ``ecsv``, ``fits``, ``votable``, ``hats``, ``ds9``, ``archive``."""
    hats_max_rows: int = 1_000_000
    """A file of the HATS catalog holds no more objects, unless they crowd in one cell of order 8."""
    archive_max_entries: int = 1_000
    """The strongest so many objects have a light curve of their own in the archive."""
    cutout_pix: int = 63
    """Side of the pixels around each of them, odd; 0: no pixels."""
    title: str = "AstrID catalog of objects that changed"
    """What an extract is called."""
    licence: str = "CC-BY-4.0"
    """SPDX identifier of the terms under which an extract is given away."""
    citation: str = "{title}, extract {key}, made with AstrID"
    """How an extract is cited; ``{title}`` and ``{key}`` are filled in."""

    def __post_init__(self) -> None:
        known = {status.value for status in EntryStatus if status is not EntryStatus.WITHDRAWN}
        unknown = [status for status in self.statuses if status not in known]
        if unknown or not self.statuses:
            raise BadConfiguration("statuses must be some of those known", got=self.statuses, known=sorted(known))
        classes = [one.value for one in ObjectClass]
        if unknown := [one for one in self.classes if one not in classes]:
            raise BadConfiguration("no such class", got=unknown, known=classes)
        if self.min_detections < 1:
            raise BadConfiguration("min_detections must be positive", got=self.min_detections)
        formats = [one.value for one in Format]
        if unknown := [one for one in self.formats if one not in formats]:
            raise BadConfiguration("no such format", got=unknown, known=formats)
        if self.hats_max_rows < 1 or self.archive_max_entries < 0:
            raise BadConfiguration(
                "hats_max_rows must be positive, archive_max_entries not negative",
                hats_max_rows=self.hats_max_rows, archive_max_entries=self.archive_max_entries,
            )  # fmt: skip
        if self.cutout_pix and (self.cutout_pix < 0 or self.cutout_pix % 2 == 0):
            raise BadConfiguration("cutout_pix must be odd, or 0", got=self.cutout_pix)
        try:
            self.citation.format(title="", key="")
        except (KeyError, IndexError, ValueError) as error:
            raise BadConfiguration("citation may name {title} and {key} only", got=self.citation) from error
