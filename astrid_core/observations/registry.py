"""What is known about missions, their instruments and bands before any file of theirs is opened."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from astrid_core.observations.cards import Headers, text

Pattern = re.Pattern[str]


class Level(StrEnum):
    """How far an archive has processed an image."""

    RAW = "raw"
    """Counts of the detector: bias, dark and flat are still in them."""
    CALIBRATED = "archive-calibrated"
    """Bias, dark and flat are done by the archive and must not be done again."""
    UNKNOWN = "unknown"
    """Nobody says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """The cards in which an instrument tells what FITS has other or no names for; the first that is there counts.

    They go before the common names, and cards under ``ignore`` are taken for absent.
    """

    exposure: tuple[str, ...] = ()
    exposure_unit: str = "s"
    """``s``, ``min`` or ``ms``."""
    repeats: str = ""
    """Card with the number of integrations, where ``exposure`` is that of one."""
    begin: tuple[str, ...] = ()
    """Day number (MJD or JD) of the beginning."""
    middle: tuple[str, ...] = ()
    """Day number (MJD or JD) of the middle."""
    date: tuple[str, ...] = ()
    """Date of the beginning, with or without the time of day."""
    clock: tuple[str, ...] = ()
    """Time of day of the beginning."""
    time_scale: str = ""
    """``utc``, ``tai``, ``tt`` or ``tdb`` where no TIMESYS says so."""
    band: tuple[str, ...] = ()
    """Filter wheels: the first that is not clear counts."""
    gain: tuple[str, ...] = ()
    """Electrons per count."""
    n_inputs: str = ""
    """Card with the number of inputs of a stack, each multiplied by ``input_scale`` and then averaged."""
    input_scale: str = ""
    """Cards of the factors, for example ``SCL_{:04d}``, counted from 0."""
    read_noise: tuple[str, ...] = ()
    """Electrons."""
    saturation: tuple[str, ...] = ()
    """Counts."""
    zero_point: tuple[str, ...] = ()
    """Magnitude of one count."""
    zero_point_system: str = "AB"
    """``AB`` or ``Vega``; what is not AB is not used."""
    zero_point_per: str = "exposure"
    """``exposure`` or ``second``: the time of that one count."""
    pixel_unit: tuple[str, ...] = ()
    ra: tuple[str, ...] = ()
    """Pointing: degrees, or hours as hh:mm:ss."""
    dec: tuple[str, ...] = ()
    pixel_scale: tuple[str, ...] = ()
    """Arcsec per pixel."""
    instrument: tuple[str, ...] = ()
    object: tuple[str, ...] = ()
    kind: tuple[str, ...] = ()
    """Whether it is an exposure of the sky or a calibration frame."""
    ignore: tuple[str, ...] = ()
    """Cards that mean something else here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BitTable:
    """Which bits (0 is the lowest) of an archive's masks mean which of our planes; other bits are harmless."""

    NO_DATA: tuple[int, ...] = ()
    BAD: tuple[int, ...] = ()
    SATURATED: tuple[int, ...] = ()
    COSMIC_RAY: tuple[int, ...] = ()
    TRAIL: tuple[int, ...] = ()
    BRIGHT: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Mission:
    """A space telescope, survey or observatory: images of one mission may be subtracted from each other."""

    name: str
    description: str = ""
    match: Mapping[str, Pattern] = field(default_factory=dict)
    """Cards by which a header is recognised, and what they must be."""
    cutouts: tuple[Pattern, ...] = ()
    """What makers of cutouts (SkyView) call its images."""
    level: Level = Level.UNKNOWN
    """Of its images, where ``level_cards`` do not decide."""
    level_cards: Mapping[str, Pattern] = field(default_factory=dict)
    """Cards that make an image an archive-calibrated one: one that fits is enough."""
    dialect: Dialect = field(default_factory=Dialect)
    mask: BitTable | None = None
    """None: every bit forbids a pixel, unless the mask names its bits itself."""
    weight: str = "inverse variance"
    """What its weight maps hold: ``inverse variance`` or ``variance``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """A camera of a mission; numbers count where a header has none."""

    name: str
    mission: str
    description: str = ""
    match: Mapping[str, Pattern] = field(default_factory=dict)
    dialect: Dialect = field(default_factory=Dialect)
    band: str = ""
    """Of a camera without filters."""
    gain_e_adu: float | None = None
    read_noise_e: float | None = None
    saturation_adu: float | None = None
    pixel_scale_arcsec: float | None = None
    """Typical, unbinned."""
    grid_scale_arcsec: float | None = None
    """Of the pixels of its references, where another than its own serves it better."""
    fwhm_arcsec: float | None = None
    """Typical width of its stars."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogBand:
    """The magnitude of a reference catalog that a band is tied to, and the colour of its term."""

    band: str
    blue: str
    red: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """A filter under its one name."""

    name: str
    aliases: tuple[str, ...] = ()
    """Other spellings, upper or lower case."""
    wavelength_nm: float | None = None
    catalogs: Mapping[str, CatalogBand] = field(default_factory=dict)
    """By catalog: ``gaia``, ``ps1``, ``2mass``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairing:
    """Which images of another mission may be subtracted, flagged as class B; a later line does not overrule one."""

    science: str
    """Mission, or ``*``."""
    reference: str
    """Mission, or ``*``."""
    allowed: bool = True
    reason: str
    """Why, for whoever reads a refusal or a flag."""
    bands: tuple[tuple[str, str], ...] = ()
    """Bands (science, reference) that pass for each other; the same band always does."""
    max_scale_ratio: float = 4.0
    """Of the larger pixel to the smaller one."""
    max_fwhm_ratio: float = 4.0
    """Of the broader PSF to the sharper one, on the sky."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """Everything that instruments.toml says; empty, it knows nobody and common rules hold."""

    missions: Mapping[str, Mission] = field(default_factory=dict)
    instruments: Mapping[str, Instrument] = field(default_factory=dict)
    bands: Mapping[str, Band] = field(default_factory=dict)
    pairings: tuple[Pairing, ...] = ()

    def mission_of(self, headers: Headers) -> Mission | None:
        """Return whose image a header describes; None for a stranger."""
        instrument = self.instrument_of(headers)
        if instrument is not None:
            return self.missions[instrument.mission]
        known = [one for one in self.missions.values() if one.match and _fits(one.match, headers)]
        return max(known, key=lambda one: len(one.match), default=None)

    def instrument_of(self, headers: Headers) -> Instrument | None:
        """Return the instrument whose cards, with those of its mission, all fit: the one with most of them."""

        def cards(one: Instrument) -> dict[str, Pattern]:
            return {**self.missions[one.mission].match, **one.match}

        known = [one for one in self.instruments.values() if _fits(cards(one), headers)]
        return max(known, key=lambda one: len(cards(one)), default=None)

    def named(self, instrument: str) -> Instrument | None:
        """Return the instrument that records call so; None for a stranger, or for a name that several have."""
        known = [one for one in self.instruments.values() if _is_name(one.match, instrument)]
        return known[0] if len(known) == 1 else None

    def mission_named(self, instrument: str) -> str:
        """Return the mission of the instrument that records call so; empty for a stranger."""
        known = {one.mission for one in self.instruments.values() if _is_name(one.match, instrument)}
        return known.pop() if len(known) == 1 else ""

    def mission_of_cutout(self, survey: str) -> Mission | None:
        """Return whose images a maker of cutouts calls so; None for a stranger."""
        found = (one for one in self.missions.values() if any(name.fullmatch(survey) for name in one.cutouts))
        return next(found, None)

    def band_name(self, name: str) -> str:
        """Return the one name of a band; an unknown one keeps its own."""
        for band in self.bands.values():
            if name == band.name or name.lower() in (alias.lower() for alias in band.aliases):
                return band.name
        return name


_NAMES = ("INSTRUME", "FPA.INSTRUMENT", "DETECTOR", "CAMERA")
"""Cards that name an instrument."""


def _is_name(cards: Mapping[str, Pattern], instrument: str) -> bool:
    return any(pattern.fullmatch(instrument) for card, pattern in cards.items() if card in _NAMES)


def _fits(cards: Mapping[str, Pattern], headers: Headers) -> bool:
    return bool(cards) and all(pattern.fullmatch(text(headers, [name])) for name, pattern in cards.items())
