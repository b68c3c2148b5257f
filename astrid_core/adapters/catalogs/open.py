"""From one setting to the star catalog that it names."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from astrid_core.preprocessing.ports import StarCatalog
from astrid_core.shared.errors import BadConfiguration


@contextmanager
def open_star_catalog(place: str, *, ours: Path | None = None) -> Iterator[StarCatalog | None]:
    """Open a folder of shards or the address of a cone search.

    An empty ``place`` is our own folder ``ours`` if there is one, and else no catalog.
    """
    if not place and ours is not None and ours.exists():
        place = str(ours)
    if not place:
        yield None
        return
    scheme = urlsplit(place).scheme
    if scheme in ("http", "https"):
        # A folder needs none of what services on the network need, and httpx takes time to import.
        from astrid_core.adapters.catalogs.cone import ConeCatalog  # noqa: PLC0415
        from astrid_core.adapters.surveys.http import HttpClient  # noqa: PLC0415
        from astrid_core.adapters.surveys.http_policy import HttpPolicy  # noqa: PLC0415

        with HttpClient("stars", HttpPolicy()) as client:
            yield ConeCatalog(place, client)
        return
    if len(scheme) > 1:
        raise BadConfiguration("a star catalog is a folder, or an address like https://host/cone", catalog=place)
    from astrid_core.adapters.catalogs.shards import ShardCatalog  # noqa: PLC0415

    yield ShardCatalog(Path(place))
