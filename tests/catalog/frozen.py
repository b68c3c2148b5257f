"""Invented tables of an extract, and the files that are written of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from astrid_core.catalog.context import EntryContext, ObjectClass
from astrid_core.catalog.entities import CatalogEntry, ForcedPoint, LightCurvePoint, ReferenceFlux, Unmeasured
from astrid_core.catalog.exports.config import ExportConfig
from astrid_core.catalog.exports.frozen import FrozenTable, FrozenWriter
from astrid_core.catalog.exports.records import ClassedEntry, ForcedBrightness
from astrid_core.catalog.exports.tables import ENTRIES, FORCED, POINTS
from astrid_core.catalog.exports.write import write_formats
from astrid_core.catalog.light_curve import brightness
from astrid_core.shared.runs import RunKey
from tests.catalog.invented import light_curve, measured


@dataclass(frozen=True, slots=True, kw_only=True)
class Extract:
    """What was frozen, from what, and where the files are."""

    entries: FrozenTable
    points: FrozenTable
    forced: FrozenTable
    objects: Sequence[CatalogEntry]
    records: Mapping[str, Sequence[object]]
    """By table, what its rows were made of."""
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


def classed(objects: Sequence[CatalogEntry]) -> Sequence[ClassedEntry]:
    """Return the objects with what they are taken for, every third one without."""
    classes = list(ObjectClass)
    return [
        ClassedEntry(
            entry=one,
            context=None if one.id.int % 3 == 2 else EntryContext(
                entry_id=one.id, object_class=classes[one.id.int % len(classes)],
                reason="lies in M 31 (galaxy, z < 0.1 & near) of été" if one.id.int % 3 else "nothing known is there",
            ),
        )
        for one in objects
    ]  # fmt: skip


def measured_everywhere(objects: Sequence[CatalogEntry]) -> Sequence[ForcedBrightness]:
    """Return what three exposures show of each object: it stands out, it does not, and it could not be measured."""
    found = []
    for one in objects:
        for number, (flux, error, unmeasured) in enumerate(
            [(1234.5678, 100.0, None), (-50.0, 100.0, None), (None, None, Unmeasured.MASKED)]
        ):
            point = ForcedPoint(
                entry_id=one.id, difference_key=RunKey(f"difference-{number:032x}"), reference_digest="f" * 64,
                observation_id=f"demo:{'été' if number else 'a'}{number}.fits", position=one.position, band="r",
                mid_mjd=60371.25 + number, zero_point_mag=None if number == 1 else 25.125, reference_scale=1.5,
                flux=flux, flux_err=error, masked_fraction=number / 7, unmeasured=unmeasured, flags=4 * number,
            )  # fmt: skip
            reference = ReferenceFlux(entry_id=one.id, reference_digest="f" * 64, flux=999.0, flux_err=9.0)
            shown = brightness(point, reference if number == 0 else None, limit_sigma=5.0)
            found.append(ForcedBrightness(entry_id=one.id, position=one.position, brightness=shown))
    return found


def freeze(
    folder: Path, objects: Sequence[CatalogEntry], brightnesses: Sequence[LightCurvePoint], *, at_once: int = 1000
) -> tuple[FrozenTable, FrozenTable, FrozenTable]:
    """Freeze tables as they arrive, ``at_once`` rows at a time."""
    folder.mkdir(parents=True, exist_ok=True)
    with (
        FrozenWriter(ENTRIES, folder / "catalog.parquet") as entries,
        FrozenWriter(POINTS, folder / "light_curves.parquet") as points,
        FrozenWriter(FORCED, folder / "forced_photometry.parquet") as forced,
    ):
        for writer, rows in (
            (entries, classed(objects)), (points, brightnesses), (forced, measured_everywhere(objects)),
        ):  # fmt: skip
            for start in range(0, len(rows), at_once):
                writer.write(rows[start : start + at_once])
    return entries.table, points.table, forced.table


def write_everything(folder: Path, n: int = 40) -> Extract:
    """Write an invented extract in every format but the archive."""
    objects, brightnesses = invented(n)
    tables = freeze(folder, objects, brightnesses)
    list(write_formats(folder, tables, ExportConfig(hats_max_rows=5)))
    entries, points, forced = tables
    records = {
        "catalog": classed(objects), "light_curves": brightnesses, "forced_photometry": measured_everywhere(objects),
    }  # fmt: skip
    return Extract(entries=entries, points=points, forced=forced, objects=objects, records=records, folder=folder)
