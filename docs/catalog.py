"""Write docs/catalog.md from the code: ``python -m docs.catalog``. A test writes it again and compares."""

from pathlib import Path

from astrid_core.catalog.exports.columns import TableSpec
from astrid_core.catalog.exports.tables import TABLES

PAGE = Path(__file__).resolve().parent / "catalog.md"

_HEAD = """# The catalog, and what leaves it

Written by `python -m docs.catalog` from `astrid_core/catalog/exports/columns.py`, where every column is declared once;
edit that, and the text in `docs/catalog.py`, not this page.

## Extracts

`astrid export`, or the DAG `release_catalog`, freezes the catalog: first as Parquet, from which every other format is
written. An extract is named by its content and the settings (`[export]` of [pipeline.toml](settings.md)); the same state
of the catalog, settings and code give the same bytes, whatever the machine, the clock and the order in which rows
arrived. `statuses`, `classes` and `min_detections` choose objects, a region (cone, polygon, cells, MOC) a part of the
sky, as the API and the page do.

| Files | What they are |
|---|---|
| `catalog.parquet`, `light_curves.parquet`, `forced_photometry.parquet` | the frozen form of the three tables, always there; unit, UCD and meaning in the schema, and a VOTable in the metadata (VOParquet 1.0) |
| `*.csv` | RFC 4180; text that a spreadsheet would compute (`=`, `+`, `-`, `@`, tab) is led by `'` |
| `*.ecsv` | ECSV 1.0; an empty cell is null |
| `*.fits` | binary table with `TUNITn`, `TUCDn`, `TCOMMn`, `CHECKSUM` and `DATASUM`; null is NaN; what is not ASCII is spelled `\\xe9` |
| `*.vot` | VOTable 1.4 with frame and time scale; an empty cell is null |
| `hats/` | HATS catalog of the objects, for LSDB and others; as many cells as `hats_max_rows` asks for |
| `catalog.reg` | regions of DS9: green confirmed, yellow candidate, red rejected |
| `objects.zip` | of the strongest objects (`archive_max_entries`): light curve, forced photometry, and science, reference, difference and score around the strongest detection |
| `manifest.json` | identity, licence, citation, settings, versions of the code, counts, columns, and every file with its SHA-256 |
| `SHA256SUMS` | for `sha256sum --check` |

Injected sources are never in the catalog; should one be, no extract is made and no cone search answered. That a detection is a seed for curators is in none, either.

What an object is taken for ([classes](settings.md)) is in its row; `forced_photometry` holds one measurement of it in
each exposure that covers it, whether or not it was found there, as `astrid lightcurve` tells it: with upper limits, and
on one scale whatever the reference. Exposures that are set aside are left out.

Rows are read, written and forgotten some thousand at a time; what that takes is [measured](../benchmarks/exports.md).

## Releases

`release_catalog` freezes what its form asks for, shows a second person the files and what changed since the last release,
and makes it public once they approve (event `catalog.released`, numbered from 1). What is released is never altered: its
files are stored under their digests, and the log only grows. A correction is another release.

`astrid extract diff A B` says what changed between two extracts: rows gained, lost and changed, column by column, paired
by the key of the table, so that an object that moved is not another one. `astrid extract save KEY --out DIR` writes one
again, verified.

## Cone search

`GET /v1/cone` is a Simple Cone Search 1.03 of the catalog as it is now, with what an extract would hold; `GET
/v1/exports/{key}/cone` one of an extract. Both take `RA`, `DEC`, `SR` (degrees), `VERB` and `MAXREC`, answer in VOTable
with the UCDs of that protocol, and tell what is wrong with a question in a VOTable, too. Both need the permission to read;
with `ASTRID_PUBLIC_RELEASES=true` an extract that is released answers anybody.

    import pyvo
    service = pyvo.dal.SCSService("https://astrid.example.org/astrid/api/v1/exports/export-.../cone")
    near = service.search(pos=(150.0, 2.2), radius=0.1)
"""  # noqa: E501 - rows of tables


def write() -> str:
    """Return the page; equal code gives equal text."""
    return "\n".join([_HEAD, "## Columns", *(_section(table) for table in TABLES)])


def _section(table: TableSpec) -> str:
    key = " and ".join(f"`{one}`" for one in table.key)
    lines = [
        f"\n### {table.name}\n\n{table.title}; rows are told apart by {key}.\n",
        "| Column | Type | Unit | UCD | May be null | Rounded to | Meaning |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| `{one.name}` | {one.kind.value} | {one.unit} | `{one.ucd}` | {'yes' if one.nullable else ''} "
        f"| {_rounded(one.shown)} "
        f"| {one.description} |"
        for one in table.columns
    ]
    return "\n".join(lines) + "\n"


def _rounded(shown: str) -> str:
    if not shown:
        return ""
    return f"{shown[1:-1]} {'digits' if shown.endswith('g') else 'decimals'}"


if __name__ == "__main__":
    PAGE.write_text(write())
