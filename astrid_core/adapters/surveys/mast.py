"""The Mikulski Archive for Space Telescopes (MAST) as a survey.

It is asked by its documented interfaces - Mashup for observations and their files, Download/file for bytes - and not
through astroquery.mast: that brings its own transport, which takes server and time-out from global settings, tries
nothing again, and reports a failed download as a row of a table. The names of services, columns and filters are the
same.
"""

from collections.abc import Iterator
from dataclasses import replace

from astrid_core.adapters.surveys.downloads import Wanted
from astrid_core.adapters.surveys.footprints import touches
from astrid_core.adapters.surveys.http import HttpClient
from astrid_core.adapters.surveys.mashup import Mashup, Row
from astrid_core.adapters.surveys.mast_query import MastQuery
from astrid_core.adapters.surveys.mirror import Mirror, MirroredClient
from astrid_core.adapters.surveys.product_rules import Rules, choose
from astrid_core.observations.entities import ListedFile, Survey
from astrid_core.shared.errors import BadConfiguration
from astrid_core.shared.sky import SkyPosition

SERVER = "https://mast.stsci.edu"
"""Public address of the archive."""

_SCHEME = "mast:"
_OBSERVATION_COLUMNS = frozenset({"obsid", "obs_id", "obs_collection", "s_region"})
_PRODUCT_COLUMNS = frozenset({"obsID", "dataURI", "productFilename", "size"})
_OBSERVATIONS_AT_ONCE = 100
"""Observations whose files are asked for in one question."""


class MastClient(MirroredClient):
    """Reads the public images of some missions in a part of the sky.

    The ``archive_id`` of a file is its data URI without ``mast:``.
    """

    def __init__(
        self,
        survey: Survey,
        query: MastQuery,
        client: HttpClient,
        mirror: Mirror,
        *,
        rules: Rules,
        server: str = SERVER,
    ) -> None:
        super().__init__(survey, client, mirror)
        if unknown := sorted(set(query.missions) - set(rules)):
            raise BadConfiguration(
                "no rule says which files of a mission are images", mission=unknown[0], known=", ".join(sorted(rules))
            )
        self._query = query
        self._rules = rules
        self._server = server.rstrip("/")
        self._mashup = Mashup(client, self._server)

    def observations(self) -> tuple[Row, ...]:
        """Return the rows of every observation that the query matches, one each, ordered by ``obsid``."""
        params = {"columns": "*", "filters": self._query.filters, "position": self._query.position}
        rows = self._mashup.rows("Mast.Caom.Filtered.Position", params, columns=_OBSERVATION_COLUMNS)
        # A join behind the service repeats observations, and a polygon was asked for as the cone around it.
        found = {str(row["obsid"]): row for row in rows if self._is_wanted(row)}
        return tuple(found[obsid] for obsid in sorted(found))

    def listing(self) -> Iterator[ListedFile]:
        """Yield the science files of every observation, each with its maps; every file once."""
        observations = {str(row["obsid"]): row for row in self.observations()}
        seen: set[str] = set()
        for obsid, rows in self._products(list(observations)).items():
            observation = observations[obsid]
            for file in self._chosen(observation, rows):
                if file.archive_id not in seen:
                    seen.add(file.archive_id)
                    yield file

    def wanted(self, archive_id: str) -> Wanted:
        """Return where the file of a data URI is."""
        return Wanted(url=f"{self._server}/api/v0.1/Download/file", params=(("uri", f"{_SCHEME}{archive_id}"),))

    def _is_wanted(self, row: Row) -> bool:
        region = self._query.region
        return region.centre is not None or touches(str(row["s_region"] or ""), region)

    def _products(self, obsids: list[str]) -> dict[str, list[Row]]:
        """Return the rows of all files by observation, in the order of ``obsids``."""
        found: dict[str, list[Row]] = {obsid: [] for obsid in obsids}
        for start in range(0, len(obsids), _OBSERVATIONS_AT_ONCE):
            params = {"obsid": ",".join(obsids[start : start + _OBSERVATIONS_AT_ONCE])}
            for row in self._mashup.rows("Mast.Caom.Products", params, columns=_PRODUCT_COLUMNS):
                # Files of an association may also be listed for its members, which are not asked for here.
                if str(row["obsID"]) in found:
                    found[str(row["obsID"])].append(row)
        return found

    def _chosen(self, observation: Row, rows: list[Row]) -> Iterator[ListedFile]:
        by_name = {str(row["productFilename"]): row for row in rows}
        chosen = choose(tuple(by_name), self._rules.get(str(observation["obs_collection"]), ()))
        for one in chosen:
            file = _remote(by_name[one.science], beside=tuple(_remote(by_name[name]) for name in one.maps))
            yield replace(file, position=_position_of(observation), mid_mjd=_mid_of(observation))
        if not chosen:
            yield ListedFile(
                archive_id=f"{observation['obs_collection']}/{observation['obs_id']}",
                problem=f"none of its {len(by_name)} files is an image by the rules of its mission",
            )


def _position_of(observation: Row) -> SkyPosition | None:
    ra, dec = observation.get("s_ra"), observation.get("s_dec")
    if not isinstance(ra, int | float) or not isinstance(dec, int | float):
        return None
    return SkyPosition(ra_deg=ra % 360.0, dec_deg=dec)


def _mid_of(observation: Row) -> float | None:
    """Return the middle of an observation; of one that lasted longer than a night nothing is said."""
    begin, end = observation.get("t_min"), observation.get("t_max")
    if not isinstance(begin, int | float) or not isinstance(end, int | float) or not 0.0 <= end - begin <= 1.0:
        return None
    return (begin + end) / 2.0


def _remote(row: Row, *, beside: tuple[ListedFile, ...] = ()) -> ListedFile:
    uri, size = str(row["dataURI"]), row["size"]
    return ListedFile(
        archive_id=uri.removeprefix(_SCHEME),
        n_bytes=size if isinstance(size, int) else None,
        problem="" if uri.startswith(_SCHEME) else f"its address does not begin with {_SCHEME}",
        beside=beside,
    )
