"""From one setting to the catalogs that it names."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from astrid_core.catalog.known_sources import SourceKind
from astrid_core.catalog.ports import MinorPlanets, SourceCatalog
from astrid_core.preprocessing.ports import StarCatalog
from astrid_core.shared.errors import BadConfiguration

if TYPE_CHECKING:
    from astrid_core.adapters.surveys.http import HttpClient


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
    if _is_address(place):
        from astrid_core.adapters.catalogs.cone import ConeCatalog  # noqa: PLC0415 - httpx takes time to import

        with ExitStack() as stack:
            yield ConeCatalog(place, _client(stack))
        return
    from astrid_core.adapters.catalogs.shards import ShardCatalog  # noqa: PLC0415

    yield ShardCatalog(Path(place))


@contextmanager
def open_known_sources(places: str, *, ours: Path) -> Iterator[tuple[SourceCatalog, ...]]:
    """Open catalogs of known sources, with commas between: folders of shards, or ``KIND=https://host/cone``.

    Empty ``places`` are all folders in our own ``ours``, if there is one.
    """
    names = [one.strip() for one in places.split(",") if one.strip()]
    if not names and ours.exists():
        names = sorted(str(one) for one in ours.iterdir() if one.is_dir())
    with ExitStack() as stack:
        yield tuple(_known_sources(name, stack) for name in names)


def open_minor_planets(place: str, *, ours: Path) -> MinorPlanets | None:
    """Open the table at ``place``; empty is our own ``ours`` if it is there, and else none."""
    path = Path(place) if place else ours
    if not place and not path.exists():
        return None
    from astrid_core.adapters.catalogs.orbit_table import OrbitTable  # noqa: PLC0415

    return OrbitTable(path)


def _known_sources(place: str, stack: ExitStack) -> SourceCatalog:
    kind, equals, address = place.partition("=")
    if equals and _is_address(address):
        from astrid_core.adapters.catalogs.cone import ConeSources  # noqa: PLC0415

        try:
            return ConeSources(address, SourceKind(kind), _client(stack))
        except ValueError as error:
            raise BadConfiguration("no such kind of object", kind=kind, known=", ".join(SourceKind)) from error
    if _is_address(place):
        raise BadConfiguration("the address of known sources needs their kind: KIND=https://host/cone", catalog=place)
    from astrid_core.adapters.catalogs.shards import ShardSources  # noqa: PLC0415

    return ShardSources(Path(place))


def _is_address(place: str) -> bool:
    scheme = urlsplit(place).scheme
    if scheme in ("http", "https"):
        return True
    if len(scheme) > 1:
        raise BadConfiguration("a star catalog is a folder, or an address like https://host/cone", catalog=place)
    return False


def _client(stack: ExitStack) -> "HttpClient":
    from astrid_core.adapters.surveys.http import HttpClient  # noqa: PLC0415
    from astrid_core.adapters.surveys.http_policy import HttpPolicy  # noqa: PLC0415

    return stack.enter_context(HttpClient("stars", HttpPolicy()))
