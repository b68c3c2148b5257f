"""Tables as VOTable: astropy writes everything around the rows, and the rows are written one by one."""

import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from xml.sax.saxutils import escape

from astropy.io.votable.tree import CooSys, Field, Info, Resource, TableElement, TimeSys, VOTableFile

from astrid_core.catalog.exports.columns import Cell, Column, ColumnKind, TableSpec, texts

MEDIA_TYPE = "application/x-votable+xml"
_DATATYPES: Mapping[ColumnKind, str] = {
    ColumnKind.CODE: "char",
    ColumnKind.TEXT: "unicodeChar",
    ColumnKind.INTEGER: "long",
    ColumnKind.REAL: "double",
    ColumnKind.FLAG: "boolean",
}
_VERSION = {"version": "1.4", "version_1_4_or_later": True}
_FRAME, _TIME = "icrs", "utc_mjd"
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def document(
    table: TableSpec,
    *,
    columns: Sequence[Column] | None = None,
    infos: Mapping[str, str] | None = None,
    has_ucd1: bool = False,
    widths: Mapping[str, int] | None = None,
) -> tuple[str, str]:
    """Return what comes before the rows of a table and what comes after them.

    ``columns`` chooses some; ``has_ucd1`` gives the old UCDs where a column has one, which Simple Cone Search asks for;
    ``widths`` are those of text, in characters, where they are known.
    """
    chosen = table.columns if columns is None else columns
    votable = VOTableFile(version="1.4")
    resource = Resource(type="results")
    votable.resources.append(resource)
    resource.infos.extend(Info(name=name, value=value) for name, value in (infos or {}).items())
    resource.coordinate_systems.append(CooSys(ID=_FRAME, system="ICRS"))
    resource.time_systems.append(
        TimeSys(ID=_TIME, timeorigin=2400000.5, timescale="UTC", refposition="TOPOCENTER", config=_VERSION),
    )
    element = TableElement(votable, name=table.name)
    element.description = table.title
    resource.tables.append(element)
    sizes = {one.name: "*" for one in chosen if one.kind in (ColumnKind.CODE, ColumnKind.TEXT)}
    sizes |= {name: str(width) for name, width in (widths or {}).items()}
    element.fields.extend(_field(votable, one, sizes.get(one.name), has_ucd1=has_ucd1) for one in chosen)
    # astropy writes no DATA around nothing.
    element.create_arrays(1)
    for column in chosen:
        element.array.mask[column.name] = True
    buffer = io.BytesIO()
    votable.to_xml(buffer)
    text = re.sub(r"<!--.*?-->\s*", "", buffer.getvalue().decode(), flags=re.DOTALL)
    head, _, rest = text.partition("<TABLEDATA>")
    return f"{head}<TABLEDATA>\n", f"</TABLEDATA>{rest.partition('</TABLEDATA>')[2]}"


def rows(columns: Sequence[Column], batches: Iterable[Sequence[Sequence[Cell]]]) -> Iterator[str]:
    """Yield each row as XML; null is an empty cell. ``batches`` are the values of every column, some rows at a time."""
    for batch in batches:
        told = (_elements(column, texts(column, values)) for column, values in zip(columns, batch, strict=True))
        yield from (f"<TR>{''.join(row)}</TR>\n" for row in zip(*told, strict=True))


def _elements(column: Column, told: Sequence[str]) -> Sequence[str]:
    if column.kind in (ColumnKind.CODE, ColumnKind.TEXT):
        told = [escape(_NOT_XML.sub("\ufffd", one)) for one in told]
    return [f"<TD>{one}</TD>" if one else "<TD/>" for one in told]


def metadata(table: TableSpec, *, widths: Mapping[str, int]) -> str:
    """Return the document that a Parquet file carries: everything but the rows, which are the file itself."""
    head, tail = document(table, widths=widths)
    before = head.rpartition("<DATA>")[0]
    return f'{before}<PARQUET type="Parquet-local-XML"/>{tail.partition("</DATA>")[2]}'


def refusal(message: str) -> str:
    """Return the document that says why there is no table, as Simple Cone Search and DALI both read it."""
    votable = VOTableFile(version="1.4")
    resource = Resource(type="results")
    votable.resources.append(resource)
    status = Info(name="QUERY_STATUS", value="ERROR")
    status.content = message
    resource.infos.extend([status, Info(name="Error", ID="Error", value=message)])
    buffer = io.BytesIO()
    votable.to_xml(buffer)
    return buffer.getvalue().decode()


def _field(votable: VOTableFile, column: Column, arraysize: str | None, *, has_ucd1: bool) -> Field:
    field = Field(
        votable,
        ID=column.name,
        name=column.name,
        datatype=_DATATYPES[column.kind],
        arraysize=arraysize,
        unit=column.unit or None,
        ucd=(column.ucd1 if has_ucd1 else "") or column.ucd,
        ref=_FRAME if column.ucd.startswith("pos.eq") else _TIME if column.ucd.startswith("time.") else None,
    )
    field.description = column.description
    return field
