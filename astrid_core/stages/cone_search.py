"""Answer cone searches: of the catalog as it is, or of what was frozen of it."""

from collections.abc import Iterator, Sequence

from astrid_core.catalog.exports.columns import Cell, cells
from astrid_core.catalog.exports.cone_search import ConeQuery, answer, search_frozen
from astrid_core.catalog.exports.config import ExportConfig
from astrid_core.catalog.exports.tables import ENTRIES
from astrid_core.shared.errors import UnknownRecord
from astrid_core.shared.runs import RunKey
from astrid_core.shared.stored_file import StoredFile
from astrid_core.stages.export_rows import entries_that_may_leave
from astrid_core.stages.release import extract
from astrid_core.stages.services import Records, Services


def search_catalog(services: Services, query: ConeQuery, config: ExportConfig) -> str:
    """Return the VOTable with the objects in a cone that an extract would hold now."""
    if not query.asks_for_rows:
        return answer(query, ())
    with services.transaction() as records:
        return answer(query, _rows(records, query, config))


def search_export(services: Services, key: RunKey, query: ConeQuery) -> str:
    """Return the VOTable with the objects of an extract in a cone; UnknownRecord without such an extract."""
    with services.transaction() as records:
        ref = extract(records, key).files.get(f"{ENTRIES.name}.parquet")
    if ref is None:
        raise UnknownRecord("this extract was not frozen as Parquet", run=key)
    if not query.asks_for_rows:
        return answer(query, ())
    return answer(query, search_frozen(StoredFile(services.artifacts, ref.digest), query))


def _rows(records: Records, query: ConeQuery, config: ExportConfig) -> Iterator[Sequence[Cell]]:
    for page in entries_that_may_leave(records, config, query.region):
        inside = [one for one in page if query.holds(one.entry.position)]
        yield from zip(*(cells(column, inside) for column in ENTRIES.columns), strict=True)
