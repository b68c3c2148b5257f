"""An extract in every format that is asked for, each from the frozen tables, none of them ever whole in memory."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from astrid_core.catalog.exports.config import ExportConfig, Format
from astrid_core.catalog.exports.ds9 import region_lines
from astrid_core.catalog.exports.fits_table import write_fits
from astrid_core.catalog.exports.frozen import FrozenTable
from astrid_core.catalog.exports.hats import write_hats
from astrid_core.catalog.exports.text import write_csv, write_ecsv
from astrid_core.catalog.exports.votable import MEDIA_TYPE, document, rows

_MEDIA_TYPES: Mapping[str, str] = {
    "parquet": "application/vnd.apache.parquet",
    "csv": "text/csv",
    "ecsv": "text/x-ecsv",
    "fits": "application/fits",
    "vot": MEDIA_TYPE,
    "reg": "text/x-ds9-region",
    "zip": "application/zip",
    "json": "application/json",
    "properties": "text/plain",
    "": "application/octet-stream",
}
_Write = Callable[[Path, FrozenTable], None]


def media_type(name: str) -> str:
    """Return what a file of an extract is, by its name."""
    return _MEDIA_TYPES.get(Path(name).suffix[1:], _MEDIA_TYPES[""])


def write_formats(folder: Path, tables: Sequence[FrozenTable], config: ExportConfig) -> Iterator[Path]:
    """Write what is asked for but Parquet, which is there, and the archive, which needs pixels; yield each file.

    The first of the tables is that of the objects, of which alone maps are made: HATS and DS9 regions.
    """
    entries = tables[0]
    for wanted in config.formats:
        if wanted not in _TABLES:
            continue
        extension, write = _TABLES[wanted]
        for table in tables:
            path = folder / f"{table.spec.name}.{extension}"
            write(path, table)
            yield path
    if Format.DS9 in config.formats:
        path = folder / "catalog.reg"
        with path.open("w", encoding="utf-8") as out:
            out.writelines(region_lines(entries))
        yield path
    if Format.HATS in config.formats:
        write_hats(folder / "hats", entries, max_rows=config.hats_max_rows)
        yield from sorted(path for path in (folder / "hats").rglob("*") if path.is_file())


def _csv(path: Path, table: FrozenTable) -> None:
    with path.open("w", encoding="utf-8", newline="") as out:
        write_csv(out, table.spec, table.values())


def _ecsv(path: Path, table: FrozenTable) -> None:
    with path.open("w", encoding="utf-8", newline="") as out:
        write_ecsv(out, table.spec, table.values())


def _votable(path: Path, table: FrozenTable) -> None:
    before, after = document(table.spec)
    with path.open("w", encoding="utf-8", newline="") as out:
        out.write(before)
        out.writelines(rows(table.spec.columns, table.values()))
        out.write(after)


_TABLES: Mapping[str, tuple[str, _Write]] = {
    Format.CSV: ("csv", _csv),
    Format.ECSV: ("ecsv", _ecsv),
    Format.FITS: ("fits", write_fits),
    Format.VOTABLE: ("vot", _votable),
}
