"""Which files of an observation are taken: its image by the rule of its mission, and the maps that belong to it."""

import dataclasses
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files

from astrid_core.shared.errors import BadConfiguration

_MAPS = ("weight", "mask", "exposure")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductRule:
    """How the files of a mission are named: the end of the science file's name, and what its maps have instead."""

    science: str
    weight: str = ""
    mask: str = ""
    exposure: str = ""
    also: bool = False
    """Whether it holds beside the rule before it, and not only where that one fits nothing."""

    def __post_init__(self) -> None:
        if not self.science:
            raise BadConfiguration("a product rule needs the end of a name", rule=self)

    @property
    def maps(self) -> tuple[str, ...]:
        """Ends of the names of the maps that exist."""
        return tuple(end for end in (getattr(self, name) for name in _MAPS) if end)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """Name of a science file and of the maps that the archive has for it."""

    science: str
    maps: tuple[str, ...]


Rules = Mapping[str, tuple[ProductRule, ...]]


def load_rules() -> Rules:
    """Read the rules that come with the library."""
    return read_rules(files(__package__).joinpath("product_rules.toml").read_text())


def read_rules(text: str) -> Rules:
    """Read rules; BadConfiguration names an unknown key."""
    known = {one.name for one in dataclasses.fields(ProductRule)}
    rules = {}
    for mission, tables in tomllib.loads(text).items():
        for table in tables:
            if unknown := sorted(set(table) - known):
                raise BadConfiguration("unknown key in a product rule", mission=mission, key=unknown[0])
        rules[mission] = tuple(ProductRule(**table) for table in tables)
    return rules


def choose(names: Sequence[str], rules: Sequence[ProductRule]) -> tuple[Chosen, ...]:
    """Return which of the files of one observation are taken; empty if no rule fits any."""
    there = set(names)
    chosen: dict[str, Chosen] = {}
    for rule in rules:
        if chosen and not rule.also:
            break
        for name in sorted(there):
            if name.endswith(rule.science):
                stem = name.removesuffix(rule.science)
                maps = tuple(stem + end for end in rule.maps if stem + end in there)
                chosen[name] = Chosen(science=name, maps=maps)
    return tuple(chosen.values())
