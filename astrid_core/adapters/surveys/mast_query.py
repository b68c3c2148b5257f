"""What to ask MAST for, in the words of its Common Archive Observation Model (CAOM)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from astrid_core.adapters.surveys.footprints import bounding_cone
from astrid_core.shared.errors import BadConfiguration
from astrid_core.shared.sky import Region

_LARGEST_RADIUS_DEG = 30.0

_LISTS = frozenset({"obs_collection", "filters"})
"""Columns that hold several words, as the service's own description of its columns says."""

Filter = dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class MastQuery:
    """Which observations are wanted. An empty tuple leaves a criterion open."""

    region: Region
    """Exposures whose footprint overlaps it."""
    missions: tuple[str, ...]
    """As MAST spells ``obs_collection``: HST, JWST, TESS, SWIFT, GALEX, PS1."""
    begin_mjd: float | None = None
    """Exposures that end later."""
    end_mjd: float | None = None
    """Exposures that begin earlier."""
    instruments: tuple[str, ...] = ()
    """``instrument_name``, for example WFC3/UVIS; a star stands for anything."""
    bands: tuple[str, ...] = ()
    """``filters``, for example F814W; a star stands for anything."""
    product_types: tuple[str, ...] = ("image",)
    """``dataproduct_type``."""
    calibration_levels: tuple[int, ...] = (2, 3)
    """2: calibrated exposures, 3: drizzled or stacked images; 4: contributed products."""
    only_public: bool = True
    """Leave out what only its proposers may see."""

    def __post_init__(self) -> None:
        if not self.missions:
            raise BadConfiguration("a query of MAST needs at least one mission")
        for value in (self.begin_mjd, self.end_mjd):
            if value is not None and not math.isfinite(value):
                raise BadConfiguration("times must be numbers", begin_mjd=self.begin_mjd, end_mjd=self.end_mjd)
        if self.begin_mjd is not None and self.end_mjd is not None and self.begin_mjd >= self.end_mjd:
            raise BadConfiguration("the time must begin before it ends", begin_mjd=self.begin_mjd, end_mjd=self.end_mjd)
        for name in ("instruments", "bands"):
            if sum("*" in one for one in getattr(self, name)) > 1:
                raise BadConfiguration(f"only one of the {name} may have a star", got=", ".join(getattr(self, name)))
        radius_deg = bounding_cone(self.region)[1]
        if radius_deg > _LARGEST_RADIUS_DEG:
            raise BadConfiguration(
                "region is too large for one query", radius_deg=radius_deg, allowed_deg=_LARGEST_RADIUS_DEG
            )

    @property
    def position(self) -> str:
        """Cone around the region: right ascension, declination and radius, all in degrees."""
        centre, radius_deg = bounding_cone(self.region)
        return f"{centre.ra_deg!r}, {centre.dec_deg!r}, {radius_deg!r}"

    @property
    def filters(self) -> list[Filter]:
        """The other criteria as the service takes them."""
        chosen: list[tuple[str, Sequence[object]]] = [
            ("obs_collection", self.missions),
            ("intentType", ("science",)),
            ("dataproduct_type", self.product_types),
            ("calib_level", self.calibration_levels),
            ("instrument_name", self.instruments),
            ("filters", self.bands),
            ("dataRights", ("PUBLIC",) if self.only_public else ()),
        ]
        found = [_filter(name, values) for name, values in chosen if values]
        if self.begin_mjd is not None:
            found.append({"paramName": "t_max", "values": [{"min": self.begin_mjd, "max": 1e6}]})
        if self.end_mjd is not None:
            found.append({"paramName": "t_min", "values": [{"min": -1e6, "max": self.end_mjd}]})
        return found


def _filter(name: str, values: Sequence[object]) -> Filter:
    """Return a filter on a column of words; also numbers are written as such."""
    words = [str(value) for value in values]
    made: Filter = {"paramName": name, "values": [word for word in words if "*" not in word]}
    if name in _LISTS:
        made["separator"] = ";"
    for word in words:
        if "*" in word:
            made["freeText"] = word.replace("*", "%")
    return made
