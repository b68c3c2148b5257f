"""SkyView, the virtual telescope of NASA's HEASARC: cutouts of many surveys as FITS in the surveys' own units.

What it gives are references of class B: resampled by SkyView from plates or coadds, usually without noise, mask, PSF
or the time of an exposure. They help where nothing better covers a place, and never take the place of exposures.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from astrid_core.adapters.surveys.downloads import Wanted, sha256_of
from astrid_core.adapters.surveys.http import HttpClient
from astrid_core.adapters.surveys.mirror import Mirror, MirroredClient, place_in
from astrid_core.adapters.surveys.skyview_pages import result, survey_names
from astrid_core.observations.config import IngestConfig
from astrid_core.observations.entities import ExternalImage, ListedFile, Survey
from astrid_core.observations.structure import walk
from astrid_core.shared.errors import BadConfiguration, UnusableFile
from astrid_core.shared.sky import SkyPosition

SERVER = "https://skyview.gsfc.nasa.gov/current/cgi"
"""Public address of the query form and of what answers it."""

REFERENCE_CLASS = "B"
"""Made by others out of what we do not have: good for a look, not for photometry."""

_PICTURE_BITPIX = 8
_MAX_PIXELS = 8000


@dataclass(frozen=True, slots=True, kw_only=True)
class SkyViewQuery:
    """Which cutouts are wanted: every survey at every centre."""

    surveys: tuple[str, ...]
    """As SkyView names them, for example ``DSS2 Red``."""
    centres: tuple[SkyPosition, ...]
    size_deg: float
    """Side of the square."""
    n_pixels: int = 1000
    """The same in pixels."""
    sampler: str = "Clip"
    """SkyView's way of resampling. Clip keeps the flux: every pixel is shared out by area."""

    def __post_init__(self) -> None:
        if not self.surveys or not self.centres:
            raise BadConfiguration("SkyView needs at least one survey and one centre")
        if not 0.0 < self.size_deg <= 30.0 or not 32 <= self.n_pixels <= _MAX_PIXELS:
            raise BadConfiguration(
                "a cutout has a side of up to 30 deg and 32 to 8000 pixels",
                size_deg=self.size_deg,
                n_pixels=self.n_pixels,
            )
        if len({_slug(one) for one in self.surveys}) < len(self.surveys):
            raise BadConfiguration("two surveys have nearly the same name", surveys=", ".join(self.surveys))


@dataclass(frozen=True, slots=True, kw_only=True)
class Cutout:
    """A FITS image that SkyView made, and what is known about it."""

    archive_id: str
    path: Path
    digest: str
    """SHA-256 of the file."""
    survey: str
    """As SkyView names it."""
    centre: SkyPosition
    pixel_scale_arcsec: float
    pixel_units: str
    """As SkyView's page says; empty where it does not."""
    epoch: str
    """Time or span in which the survey was made, as the page says."""
    reference_class: str = REFERENCE_CLASS


class SkyViewClient(MirroredClient):
    """Reads cutouts; the ``archive_id`` of each tells survey, centre, size and pixels.

    Those whose header tells the time of an exposure also are observations; the others are rejected as such, and are
    there as ``references`` only.
    """

    def __init__(
        self, survey: Survey, query: SkyViewQuery, client: HttpClient, mirror: Mirror, *, server: str = SERVER
    ) -> None:
        super().__init__(survey, client, mirror)
        self._query = query
        self._server = server.rstrip("/")
        self._asked = {
            f"{_slug(name)}/{_place(centre, query)}": (name, centre)
            for name in query.surveys
            for centre in query.centres
        }

    def surveys(self) -> dict[str, tuple[str, ...]]:
        """Return the names of all of SkyView's surveys by wavelength group."""
        url = f"{self._server}/query.pl"
        return survey_names(self._client.text(url), url=url)

    def listing(self) -> Iterator[ListedFile]:
        """Yield the cutouts of the query; BadConfiguration for a survey that SkyView does not have."""
        there = {name for names in self.surveys().values() for name in names}
        if unknown := sorted(set(self._query.surveys) - there):
            raise BadConfiguration("SkyView has no such survey", survey=unknown[0], n_known=len(there))
        yield from (ListedFile(archive_id=archive_id) for archive_id in self._asked)

    def references(self) -> Iterator[Cutout]:
        """Yield every cutout as a reference of class B; UnusableFile where SkyView gives no fluxes."""
        for file in self.listing():
            path = self._brought(file).path
            _require_fluxes(path, file.archive_id, self._mirror.config)
            name, centre = self._asked[file.archive_id]
            facts = _facts_beside(path)
            known = json.loads(facts.read_text()) if facts.exists() else {}
            yield Cutout(
                archive_id=file.archive_id,
                path=path,
                digest=sha256_of(path),
                survey=name,
                centre=centre,
                pixel_scale_arcsec=self._query.size_deg * 3600.0 / self._query.n_pixels,
                pixel_units=known.get("pixelunits", ""),
                epoch=known.get("epoch", ""),
            )

    def images(self) -> Iterator[ExternalImage]:
        """Yield every cutout with what SkyView says about it; UnusableFile where it gives no fluxes."""
        for one in self.references():
            yield ExternalImage(
                archive_id=one.archive_id,
                content=one.path.read_bytes(),
                made_from=one.survey,
                pixel_units=one.pixel_units,
                epoch=one.epoch,
            )

    def wanted(self, archive_id: str) -> Wanted:
        """Have SkyView make a cutout, note what its page says, and return where the image is."""
        if archive_id not in self._asked:
            raise UnusableFile("SkyView is not asked for this cutout any more", file=archive_id)
        name, centre = self._asked[archive_id]
        params = {
            "survey": name,
            "position": f"{centre.ra_deg!r},{centre.dec_deg!r}",
            "coordinates": "ICRS",
            "projection": "Tan",
            "pixels": str(self._query.n_pixels),
            "size": repr(self._query.size_deg),
            "float": "on",  # else some surveys are rounded to integers
            "scaling": "Linear",
            "Sampler": self._query.sampler,
            "Deedger": "null",  # evening out edges changes fluxes
        }
        url = f"{self._server}/runquery.pl"
        made = result(self._client.text(url, params=params), url=url)
        facts = _facts_beside(place_in(self._mirror.folder, archive_id))
        facts.parent.mkdir(parents=True, exist_ok=True)
        facts.write_text(json.dumps(dict(made.facts), indent=1, sort_keys=True))
        return Wanted(url=made.url)


def _require_fluxes(path: Path, archive_id: str, config: IngestConfig) -> None:
    """Raise UnusableFile unless the file is a FITS image of numbers, not a picture for the eye."""
    with path.open("rb") as stream:
        first = walk(stream, name=archive_id, config=config)[0]
    if first.header["BITPIX"] == _PICTURE_BITPIX:
        raise UnusableFile("SkyView's image has 8 bits: a picture, no fluxes", file=archive_id)


def _facts_beside(path: Path) -> Path:
    return path.with_name(f"{path.name}.facts.json")


def _slug(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9.+-]+", "_", name).strip("_.")


def _place(centre: SkyPosition, query: SkyViewQuery) -> str:
    return f"{centre.ra_deg:.5f}_{centre.dec_deg:+.5f}_{query.size_deg:g}deg_{query.n_pixels}px.fits"
