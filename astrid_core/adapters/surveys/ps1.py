"""Pan-STARRS1 (PS1) stacks and warps, by the file list of the image server at MAST.

Single exposures ("warps") are in no other list: the observations that MAST's Mashup knows of PS1 are stacks. The list
is asked by position, so that a region is asked for as the centres of small cells that cover it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from urllib.parse import quote

from astropy_healpix import HEALPix

from astrid_core.adapters.surveys.downloads import Wanted
from astrid_core.adapters.surveys.http import HttpClient
from astrid_core.adapters.surveys.http_errors import shown
from astrid_core.adapters.surveys.mirror import Mirror, MirroredClient
from astrid_core.observations.entities import ListedFile, Survey
from astrid_core.shared.errors import BadConfiguration, UnexpectedAnswer
from astrid_core.shared.sky import Region, SkyPosition

SERVER = "https://ps1images.stsci.edu"
"""Public address of the image server."""

_MAPS = {"stack": ("wt", "mask", "exp"), "warp": ("wt", "mask")}
_BANDS = "grizy"
_COLUMNS = frozenset({"projcell", "subcell", "filter", "mjd", "type", "filename", "badflag"})
_ORDER = 8
"""Cells of 14 arcminutes; a PS1 sky cell has 24."""
_MAX_POSITIONS = 200

Row = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ps1Query:
    """Which images are wanted."""

    region: Region
    images: str = "warp"
    """``warp``: single exposures; ``stack``: the deep sum of all of them."""
    bands: str = _BANDS
    """Letters out of grizy."""
    begin_mjd: float = 0.0
    """Earliest time of a warp."""
    end_mjd: float = 1e6
    """Latest time of a warp."""

    def __post_init__(self) -> None:
        if self.images not in _MAPS:
            raise BadConfiguration("PS1 has no such images", images=self.images, known=", ".join(_MAPS))
        if not self.bands or set(self.bands) - set(_BANDS):
            raise BadConfiguration("PS1 has no such bands", bands=self.bands, known=_BANDS)
        if not self.begin_mjd < self.end_mjd:
            raise BadConfiguration("the time must begin before it ends", begin_mjd=self.begin_mjd, end_mjd=self.end_mjd)
        n_positions = len(self.positions)
        if n_positions > _MAX_POSITIONS:
            raise BadConfiguration("region is too large for PS1", n_positions=n_positions, allowed=_MAX_POSITIONS)

    @property
    def positions(self) -> tuple[SkyPosition, ...]:
        """Where to ask: the region's own centre, and those of the cells that it touches."""
        index = HEALPix(nside=2**_ORDER, order="nested")
        found = [] if self.region.centre is None else [self.region.centre]
        for cell in self.region.cells(_ORDER):
            lon, lat = index.healpix_to_lonlat(cell.number)
            found.append(SkyPosition(ra_deg=float(lon.deg) % 360.0, dec_deg=float(lat.deg)))
        return tuple(found)


class Ps1Client(MirroredClient):
    """Reads warps or stacks with their weight (a variance), mask and, of stacks, exposure maps.

    The ``archive_id`` of a file is its path on the server.
    """

    def __init__(
        self, survey: Survey, query: Ps1Query, client: HttpClient, mirror: Mirror, *, server: str = SERVER
    ) -> None:
        super().__init__(survey, client, mirror)
        self._query = query
        self._server = server.rstrip("/")

    def listing(self) -> Iterator[ListedFile]:
        """Yield every image at the positions of the query once."""
        rows = {row["filename"]: row for position in self._query.positions for row in self._listed(position)}
        maps: dict[tuple[str, ...], list[ListedFile]] = {}
        for row in rows.values():
            if row["type"] != self._query.images:
                maps.setdefault(_exposure_of(row), []).append(_remote(row))
        for row in rows.values():
            if row["type"] == self._query.images and self._is_in_time(row):
                file = _remote(row, beside=tuple(maps.get(_exposure_of(row), ())))
                # A stack is of no night.
                yield replace(file, mid_mjd=float(row["mjd"])) if self._query.images == "warp" else file

    def wanted(self, archive_id: str) -> Wanted:
        """Return where a file is."""
        return Wanted(url=f"{self._server}/{quote(archive_id)}")

    def _listed(self, position: SkyPosition) -> list[Row]:
        kinds = (self._query.images, *(f"{self._query.images}.{one}" for one in _MAPS[self._query.images]))
        params = {
            "ra": repr(position.ra_deg),
            "dec": repr(position.dec_deg),
            "filters": self._query.bands,
            "type": ",".join(kinds),
        }
        url = f"{self._server}/cgi-bin/ps1filenames.py"
        return _rows(self._client.text(url, params=params), url)

    def _is_in_time(self, row: Row) -> bool:
        return self._query.images == "stack" or self._query.begin_mjd <= float(row["mjd"]) <= self._query.end_mjd


def _rows(text: str, url: str) -> list[Row]:
    """Return the rows of a table whose words are separated by spaces; one without rows still has a head."""
    lines = [line.split() for line in text.splitlines() if line.strip()]
    head = lines[0] if lines else []
    if missing := sorted(_COLUMNS - set(head)):
        raise UnexpectedAnswer(
            "archive answers with another table than it used to: the client needs a new version",
            url=shown(url),
            missing=", ".join(missing),
            begins=ascii(text[:60]),
        )
    for line in lines[1:]:
        if len(line) != len(head) or not _is_number(line[head.index("mjd")]):
            raise UnexpectedAnswer("archive answers with a broken row", url=shown(url), row=ascii(" ".join(line))[:200])
    return [dict(zip(head, line, strict=True)) for line in lines[1:]]


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _exposure_of(row: Row) -> tuple[str, ...]:
    return row["projcell"], row["subcell"], row["filter"], row["mjd"]


def _remote(row: Row, *, beside: tuple[ListedFile, ...] = ()) -> ListedFile:
    return ListedFile(
        archive_id=row["filename"].lstrip("/"),
        problem="" if row["badflag"] == "0" else f"the archive itself flags it as bad: {row['badflag']}",
        beside=beside,
    )
