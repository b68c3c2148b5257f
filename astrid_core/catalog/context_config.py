"""What looking up known objects and classing entries may choose."""

from dataclasses import dataclass

from astrid_core.observations.airmass import Site
from astrid_core.shared.errors import BadConfiguration


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextConfig:
    """Settings of what is known at the place of an entry, and of the class that follows from it."""

    position_err_arcsec: float = 0.3
    """Of an entry, per axis, at least: what ties of exposures leave."""
    max_sigma: float = 4.0
    """A known object this many errors away may be the same one."""
    min_radius_arcsec: float = 1.0
    """Nearer than this it always may."""
    host_radius_arcsec: float = 30.0
    """Galaxies are hosts up to here, or up to five times their size if that is more."""
    density_radius_arcsec: float = 300.0
    """Around entries in which objects are counted, for the probability of a chance coincidence."""
    max_chance: float = 0.1
    """A match that chance brings more often than this decides nothing."""
    minor_planet_err_arcsec: float = 20.0
    """Bodies whose place is known worse are left out."""
    max_matches: int = 5
    """Kept of each kind, likeliest first."""
    min_score: float = 0.5
    """With a score below, and nobody's word for it, a class is not given."""
    sites: tuple[str, ...] = ()
    """Where surveys look from, ``"survey latitude longitude"`` in degrees, east positive; others look from the Earth's
    centre, and the errors of minor planets grow by their parallax.
    """

    def __post_init__(self) -> None:
        for name in (
            "position_err_arcsec", "max_sigma", "min_radius_arcsec", "host_radius_arcsec", "density_radius_arcsec",
            "minor_planet_err_arcsec",
        ):  # fmt: skip
            if not getattr(self, name) > 0.0:
                raise BadConfiguration(f"{name} must be positive", got=getattr(self, name))
        for name in ("max_chance", "min_score"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise BadConfiguration(f"{name} must lie in [0, 1]", got=getattr(self, name))
        if self.density_radius_arcsec < self.host_radius_arcsec:
            raise BadConfiguration(
                "density_radius_arcsec must not be below host_radius_arcsec",
                density_radius_arcsec=self.density_radius_arcsec,
                host_radius_arcsec=self.host_radius_arcsec,
            )
        if self.max_matches < 1:
            raise BadConfiguration("max_matches must be positive", got=self.max_matches)
        for text in self.sites:
            _read_site(text)

    def site_of(self, survey: str) -> Site | None:
        """Return where a survey looks from; None where nobody has said so."""
        return dict(_read_site(text) for text in self.sites).get(survey)


def _read_site(text: str) -> tuple[str, Site]:
    try:
        survey, lat, lon = text.split()
        site = Site(lat_deg=float(lat), lon_deg=float(lon))
    except ValueError as error:
        raise BadConfiguration('a site is written "survey latitude longitude"', got=text) from error
    if not (abs(site.lat_deg) <= 90.0 and abs(site.lon_deg) <= 360.0):
        raise BadConfiguration("a site's latitude and longitude must be angles on Earth", got=text)
    return survey, site
