"""The part of an extract that needs pixels: light curves and cutouts, object by object."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from itertools import groupby
from pathlib import Path

from astrid_core.catalog.exports.archive import (
    ArchiveWriter,
    Chosen,
    choose,
    cutout_bytes,
    forced_photometry,
    light_curves,
)
from astrid_core.catalog.exports.config import ExportConfig
from astrid_core.catalog.exports.frozen import FrozenTable
from astrid_core.differencing.entities import Candidate
from astrid_core.differencing.products import read_difference
from astrid_core.shared.errors import UnknownRecord
from astrid_core.stages.services import Services


def write_archive(services: Services, path: Path, tables: Sequence[FrozenTable], config: ExportConfig) -> None:
    """Write a ZIP file with the strongest objects: each one's light curve, what was measured of it in every exposure,
    and the pixels of its strongest detection.

    ``tables`` are those of the objects, of their light curves and of forced photometry.
    An object whose pixels are not kept any more has its light curve only.
    """
    entries, points, forced = tables
    wanted = choose(entries, most=config.archive_max_entries)
    chosen: list[Chosen] = []
    with closing(ArchiveWriter(path)) as archive:
        for name, content, one in light_curves(points, wanted):
            archive.add(name, content)
            chosen.append(one)
        for name, content in forced_photometry(forced, wanted):
            archive.add(name, content)
        if config.cutout_pix:
            for name, content in _cutouts(services, chosen, config):
                archive.add(name, content)


def _cutouts(services: Services, chosen: Iterable[Chosen], config: ExportConfig) -> Iterator[tuple[str, bytes]]:
    # One image at a time: it is read once for all that was found in it.
    found = sorted(_in_images(services, chosen), key=lambda one: (one[0], str(one[1].entry_id)))
    for digest, some in groupby(found, key=lambda one: one[0]):
        product = read_difference(services.artifacts.get(digest))
        for _, one, candidate in some:
            cards = {"ENTRYID": str(one.entry_id), "DETECTID": one.detection_id}
            content = cutout_bytes(product, candidate, size_pix=config.cutout_pix, cards=cards)
            yield f"cutouts/{one.entry_id}.fits", content


def _in_images(services: Services, chosen: Iterable[Chosen]) -> Iterator[tuple[str, Chosen, Candidate]]:
    """Yield the image, the object and its place in it, of those whose pixels are there."""
    with services.transaction() as records:
        for one in chosen:
            try:
                candidate = records.model_runs.detection(one.detection_id).candidate
            except UnknownRecord:  # a brightness that was measured where nothing was detected
                continue
            image = records.difference_runs.get(candidate.run).image
            if image is not None and services.artifacts.contains(image.digest):
                yield image.digest, one, candidate
