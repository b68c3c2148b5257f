"""Invented tables of an extract, and the files that are written of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from astrid_core.catalog.entities import CatalogEntry, LightCurvePoint
from astrid_core.catalog.exports.columns import ENTRIES, POINTS
from astrid_core.catalog.exports.config import ExportConfig
from astrid_core.catalog.exports.frozen import FrozenTable, FrozenWriter
from astrid_core.catalog.exports.write import write_formats
from tests.catalog.invented import light_curve, measured


@dataclass(frozen=True, slots=True, kw_only=True)
class Extract:
    """What was frozen, from what, and where the files are."""

    entries: FrozenTable
    points: FrozenTable
    objects: Sequence[CatalogEntry]
    brightnesses: Sequence[LightCurvePoint]
    folder: Path


def invented(n: int = 40) -> tuple[Sequence[CatalogEntry], Sequence[LightCurvePoint]]:
    """Return objects all over the sky in the order of an extract; every second one once without a zero point."""
    curves = [
        light_curve(
            number + 1,
            measured(
                f"detect-{number:032x}:1", centre=((number * 37.123456) % 360.0, -89.0 + number * 178.0 / n),
                observation="demo:été & <1>.fits" if number == 1 else "demo:a.fits",
            ),
            measured(
                f"detect-{number:032x}:2", centre=((number * 37.123456) % 360.0, -89.0 + number * 178.0 / n),
                mid_mjd=60375.5, significance=-7.0, mag_ab=None if number % 2 else 20.25,
            ),
        )
        for number in range(n)
    ]  # fmt: skip
    curves.sort(key=lambda one: (one[0].position.hpx29, one[0].id))
    return [entry for entry, _ in curves], [point for _, points in curves for point in points]


def freeze(
    folder: Path, objects: Sequence[CatalogEntry], brightnesses: Sequence[LightCurvePoint], *, at_once: int = 1000
) -> tuple[FrozenTable, FrozenTable]:
    """Freeze tables as they arrive, ``at_once`` rows at a time."""
    folder.mkdir(parents=True, exist_ok=True)
    with (
        FrozenWriter(ENTRIES, folder / "catalog.parquet") as entries,
        FrozenWriter(POINTS, folder / "light_curves.parquet") as points,
    ):
        for start in range(0, len(objects), at_once):
            entries.write(objects[start : start + at_once])
        for start in range(0, len(brightnesses), at_once):
            points.write(brightnesses[start : start + at_once])
    return entries.table, points.table


def write_everything(folder: Path, n: int = 40) -> Extract:
    """Write an invented extract in every format but the archive."""
    objects, brightnesses = invented(n)
    entries, points = freeze(folder, objects, brightnesses)
    list(write_formats(folder, entries, points, ExportConfig(hats_max_rows=5)))
    return Extract(entries=entries, points=points, objects=objects, brightnesses=brightnesses, folder=folder)
