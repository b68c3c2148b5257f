"""A star catalog behind a Simple Cone Search, the protocol of the Virtual Observatory (IVOA SCS 1.03).

What such a service holds may change under its address: runs that must be reproduced use shards.
"""

import io
import re
import warnings
from typing import Any

from astropy.io.votable import parse
from astropy.io.votable.exceptions import VOTableSpecError, VOWarning

from astrid_core.adapters.catalogs.columns import brightest, epoch_of, find_dialect, to_stars
from astrid_core.adapters.catalogs.places import inside
from astrid_core.adapters.catalogs.tables import from_astropy
from astrid_core.adapters.surveys.http import HttpClient
from astrid_core.adapters.surveys.http_errors import shown
from astrid_core.preprocessing.catalog_stars import CatalogStars
from astrid_core.shared.errors import ArchiveUnavailable, CatalogUnavailable, QueryRefused, UnexpectedAnswer
from astrid_core.shared.sky import Region

_EPOCH_YR = {"Gaia at VizieR": 2016.0, "Gaia archive": 2016.0}
"""Of Gaia's third release, where an answer does not tell."""
_ARCSEC_DEG = 1.0 / 3600.0
_BROKEN_VOTABLE = (VOTableSpecError, VOWarning, ValueError, IndexError, KeyError, OSError)


class ConeCatalog:
    """Asks a service for all stars around a place."""

    def __init__(self, url: str, client: HttpClient) -> None:
        self._url = url
        self._client = client

    @property
    def name(self) -> str:
        """Its address: a service tells no release."""
        return shown(self._url)

    def stars(self, region: Region, *, max_stars: int) -> CatalogStars:
        """Return the brightest stars inside ``region``.

        CatalogUnavailable when the service does not answer; QueryRefused with its own words when it reports an error;
        UnexpectedAnswer for a web page, other columns, or an answer that it says is cut off.
        """
        ra_deg, dec_deg, radius_deg = _cone_around(region)
        asked = {"RA": f"{ra_deg:.8f}", "DEC": f"{dec_deg:.8f}", "SR": f"{radius_deg:.8f}", "VERB": "3"}
        try:
            answer = self._client.text(self._url, params=asked)
        except ArchiveUnavailable as error:
            raise CatalogUnavailable(
                "star catalog does not answer", **{**error.facts, "region": region.text}
            ) from error
        table = from_astropy(self._table(answer))
        if not table.columns:
            raise UnexpectedAnswer("star catalog answers with a table without numbers", service=self.name)
        dialect = find_dialect(table, source=self.name)
        epoch_yr = epoch_of(table, dialect) if len(next(iter(table.columns.values()))) else None
        stars = to_stars(table, dialect, catalog=self.name, epoch_yr=epoch_yr or _EPOCH_YR[dialect.name])
        return brightest(stars.take(inside(region, stars)), max_stars)

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


def _cone_around(region: Region) -> tuple[float, float, float]:
    """Return centre and radius of a cone that holds a region, degrees."""
    if region.centre is not None and region.radius_deg is not None:
        return region.centre.ra_deg, region.centre.dec_deg, region.radius_deg
    middle = region.moc.barycenter()
    radius_deg = float(region.moc.largest_distance_from_coo_to_vertices(middle).to_value("deg"))
    return float(middle.ra.deg), float(middle.dec.deg), min(radius_deg + _ARCSEC_DEG, 180.0)
