"""Catalogs behind a Simple Cone Search, the protocol of the Virtual Observatory (IVOA SCS 1.03): stars, known sources.

What such a service holds may change under its address: runs that must be reproduced use shards.
"""

import io
import re
import warnings
from typing import Any

from astropy.io.votable import parse
from astropy.io.votable.exceptions import VOTableSpecError, VOWarning

from astrid_core.adapters.catalogs.columns import RawTable, brightest, epoch_of, find_dialect, to_stars
from astrid_core.adapters.catalogs.source_tables import to_sources
from astrid_core.adapters.catalogs.tables import from_astropy
from astrid_core.adapters.surveys.http import HttpClient
from astrid_core.adapters.surveys.http_errors import shown
from astrid_core.catalog.known_sources import KnownSources, SourceKind
from astrid_core.preprocessing.catalog_stars import CatalogStars
from astrid_core.shared.errors import ArchiveUnavailable, CatalogUnavailable, QueryRefused, UnexpectedAnswer
from astrid_core.shared.sky import Region

_EPOCH_YR = {"Gaia at VizieR": 2016.0, "Gaia archive": 2016.0}
"""Of Gaia's third release, where an answer does not tell."""
_BROKEN_VOTABLE = (VOTableSpecError, VOWarning, ValueError, IndexError, KeyError, OSError)


class ConeCatalog:
    """Asks a service for all stars around a place."""

    def __init__(self, url: str, client: HttpClient) -> None:
        self._service = _Service(url, client)

    @property
    def name(self) -> str:
        """Its address: a service tells no release."""
        return self._service.name

    def stars(self, region: Region, *, max_stars: int) -> CatalogStars:
        """Return the brightest stars inside ``region``.

        CatalogUnavailable when the service does not answer; QueryRefused with its own words when it reports an error;
        UnexpectedAnswer for a web page, other columns, or an answer that it says is cut off.
        """
        table = self._service.ask(region)
        dialect = find_dialect(table, source=self.name)
        epoch_yr = epoch_of(table, dialect) if len(next(iter(table.columns.values()))) else None
        stars = to_stars(table, dialect, catalog=self.name, epoch_yr=epoch_yr or _EPOCH_YR[dialect.name])
        return brightest(stars.take(region.holds(stars.ra_deg, stars.dec_deg)), max_stars)


class ConeSources:
    """Asks a service for all objects of one kind around a place; its positions are taken for J2000."""

    def __init__(self, url: str, kind: SourceKind, client: HttpClient) -> None:
        self._service = _Service(url, client)
        self._kind = kind

    @property
    def name(self) -> str:
        """Its address: a service tells no release."""
        return self._service.name

    @property
    def kind(self) -> SourceKind:
        """What its objects are."""
        return self._kind

    def sources(self, region: Region) -> KnownSources:
        """Return the objects inside ``region``; raises as ``ConeCatalog.stars`` does."""
        table = self._service.ask(region)
        found = to_sources(table, source=self.name, catalog=self.name, kind=self._kind, epoch_yr=2000.0)
        return found.take(region.holds(found.ra_deg, found.dec_deg))


class _Service:
    """One address."""

    def __init__(self, url: str, client: HttpClient) -> None:
        self._url = url
        self._client = client
        self.name = shown(url)

    def ask(self, region: Region) -> RawTable:
        """Return what the service holds in a cone around ``region``."""
        centre, radius_deg = region.cone_around
        asked = {"RA": f"{centre.ra_deg:.8f}", "DEC": f"{centre.dec_deg:.8f}", "SR": f"{radius_deg:.8f}", "VERB": "3"}
        try:
            answer = self._client.text(self._url, params=asked)
        except ArchiveUnavailable as error:
            raise CatalogUnavailable(
                "star catalog does not answer", **{**error.facts, "region": region.text}
            ) from error
        table = from_astropy(self._table(answer))
        if not table.columns:
            raise UnexpectedAnswer("star catalog answers with a table without numbers", service=self.name)
        return table

    def _table(self, answer: str) -> Any:
        """Return the first table of a VOTable that reports no error."""
        if not re.search(r"<(\w+:)?VOTABLE\b", answer):
            said = " ".join(re.sub(r"<[^>]*>", " ", answer).split())[:200]
            raise UnexpectedAnswer(
                "star catalog answers with something that is no VOTable", service=self.name, says=said
            )
        try:
            with warnings.catch_warnings(action="ignore"):
                votable = parse(io.BytesIO(answer.encode()), verify="ignore")
                self._require_no_error(votable)
                return next(iter(votable.iter_tables())).to_table(use_names_over_ids=True)
        except StopIteration as error:
            raise UnexpectedAnswer("star catalog answers without a table", service=self.name) from error
        except _BROKEN_VOTABLE as error:
            cause = " ".join(str(error).split())[:200]
            raise UnexpectedAnswer(
                "VOTable of a star catalog cannot be read", service=self.name, cause=cause
            ) from error

    def _require_no_error(self, votable: Any) -> None:
        for resource in votable.resources:
            for one in (*votable.infos, *votable.params, *resource.infos, *resource.params):
                status = str(one.value).upper()
                if str(one.name).upper() == "ERROR" or (one.name == "QUERY_STATUS" and status == "ERROR"):
                    said = " ".join(str(one.content if hasattr(one, "content") and one.content else one.value).split())
                    raise QueryRefused("star catalog reports an error", service=self.name, says=said[:200])
                if one.name == "QUERY_STATUS" and status == "OVERFLOW":
                    raise UnexpectedAnswer(
                        "star catalog cuts its answer off: ask for a smaller region", service=self.name
                    )
