"""What the parts of a registry may not say, or not together."""

import string
from collections.abc import Iterator, Mapping

from astrid_core.observations.registry import BitTable, Dialect, Pattern, Registry
from astrid_core.shared.errors import BadConfiguration

_ANY = "*"
_CHOICES = {
    "exposure_unit": ("s", "min", "ms"),
    "time_scale": ("", "utc", "tai", "tt", "tdb"),
    "zero_point_system": ("AB", "Vega"),
    "zero_point_per": ("exposure", "second"),
}
_WEIGHTS = ("inverse variance", "variance")
_POSITIVE = ("gain_e_adu", "read_noise_e", "saturation_adu", "pixel_scale_arcsec", "fwhm_arcsec")
_HIGHEST_BIT = 62


def require_sense(registry: Registry) -> None:
    """Raise BadConfiguration with table and key for the first thing that makes no sense or contradicts another."""
    for name, mission in registry.missions.items():
        where = f"missions.{name}"
        _require_dialect(mission.dialect, f"{where}.dialect")
        _require_choice(mission.weight, _WEIGHTS, where, "weight")
        if mission.mask is not None:
            _require_bits(mission.mask, f"{where}.mask")
    for name, instrument in registry.instruments.items():
        where = f"instruments.{name}"
        if instrument.mission not in registry.missions:
            known = ", ".join(sorted(registry.missions))
            raise BadConfiguration("no such mission", table=where, key="mission", got=instrument.mission, known=known)
        if not instrument.match:
            raise BadConfiguration("an instrument needs a card by which it is recognised", table=where, key="match")
        _require_dialect(instrument.dialect, f"{where}.dialect")
        for key in _POSITIVE:
            number = getattr(instrument, key)
            if number is not None and number <= 0.0:
                raise BadConfiguration("must be positive", table=where, key=key, got=number)
    _require_apart({f"missions.{name}": one.match for name, one in registry.missions.items() if one.match})
    _require_apart(
        {
            f"instruments.{name}": {**registry.missions[one.mission].match, **one.match}
            for name, one in registry.instruments.items()
        }
    )
    _require_bands(registry)
    _require_pairings(registry)


def _require_dialect(dialect: Dialect, where: str) -> None:
    for key, choices in _CHOICES.items():
        _require_choice(getattr(dialect, key), choices, where, key)
    if bool(dialect.n_inputs) != bool(dialect.input_scale):
        missing = "input_scale" if dialect.n_inputs else "n_inputs"
        raise BadConfiguration("n_inputs and input_scale belong together", table=where, key=missing)
    if dialect.input_scale and sum(part[1] is not None for part in _parts(dialect.input_scale, where)) != 1:
        raise BadConfiguration("needs one place for the number, like SCL_{:04d}", table=where, key="input_scale")
    if bool(dialect.ra) != bool(dialect.dec):
        raise BadConfiguration("ra and dec belong together", table=where, key="dec" if dialect.ra else "ra")
    lists = [getattr(dialect, key) for key in Dialect.__dataclass_fields__ if key != "ignore"]
    used = {card for cards in lists if isinstance(cards, tuple) for card in cards}
    if both := sorted(used & set(dialect.ignore)):
        raise BadConfiguration("a card cannot be read and ignored", table=where, key="ignore", got=both[0])


def _parts(template: str, where: str) -> Iterator[tuple[str, str | None]]:
    try:
        for literal, name, _, _ in string.Formatter().parse(template):
            yield literal, name
    except ValueError as error:
        raise BadConfiguration(
            "not a name with a number in it", table=where, key="input_scale", got=template
        ) from error


def _require_choice(got: str, choices: tuple[str, ...], where: str, key: str) -> None:
    if got not in choices:
        raise BadConfiguration("no such choice", table=where, key=key, got=got, known=", ".join(filter(None, choices)))


def _require_bits(table: BitTable, where: str) -> None:
    planes: dict[int, str] = {}
    for plane in BitTable.__dataclass_fields__:
        for bit in getattr(table, plane):
            if not 0 <= bit <= _HIGHEST_BIT:
                raise BadConfiguration("no such bit", table=where, key=plane, got=bit, highest=_HIGHEST_BIT)
            if bit in planes:
                raise BadConfiguration("a bit means two things", table=where, key=plane, bit=bit, other=planes[bit])
            planes[bit] = plane


def _require_apart(matches: dict[str, Mapping[str, Pattern]]) -> None:
    seen: dict[tuple[tuple[str, str], ...], str] = {}
    for where, cards in matches.items():
        written = tuple(sorted((name, pattern.pattern.lower()) for name, pattern in cards.items()))
        if written in seen:
            raise BadConfiguration(
                "two are recognised by the same cards", table=where, key="match", other=seen[written]
            )
        seen[written] = where


def _require_bands(registry: Registry) -> None:
    owners: dict[str, str] = {name: name for name in registry.bands}
    for name, band in registry.bands.items():
        for alias in band.aliases:
            owner = owners.setdefault(alias.lower() if alias.lower() != name.lower() else alias, name)
            if owner != name:
                raise BadConfiguration(
                    "two bands have one name", table=f"bands.{name}", key="aliases", got=alias, other=owner
                )
    for name, instrument in registry.instruments.items():
        if instrument.band and instrument.band not in registry.bands:
            raise BadConfiguration("no such band", table=f"instruments.{name}", key="band", got=instrument.band)


def _require_pairings(registry: Registry) -> None:
    seen: dict[tuple[str, str], int] = {}
    for index, one in enumerate(registry.pairings, 1):
        where = f"pairings[{index}]"
        for key in ("science", "reference"):
            mission = getattr(one, key)
            if mission != _ANY and mission not in registry.missions:
                raise BadConfiguration("no such mission", table=where, key=key, got=mission)
        if one.science == one.reference != _ANY:
            raise BadConfiguration("images of one mission need no pairing", table=where, key="reference")
        for key in ("max_scale_ratio", "max_fwhm_ratio"):
            if getattr(one, key) < 1.0:
                raise BadConfiguration("a ratio of larger to smaller is at least 1", table=where, key=key)
        if unknown := [band for pair in one.bands for band in pair if band not in registry.bands]:
            raise BadConfiguration("no such band", table=where, key="bands", got=unknown[0])
        first = seen.setdefault((one.science, one.reference), index)
        if first != index:
            raise BadConfiguration(
                "a pairing stands there twice", table=where, key="science", other=f"pairings[{first}]"
            )
