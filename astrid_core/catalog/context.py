"""What is known at the place of an entry, and what the entry therefore is."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from astrid_core.catalog.known_sources import SourceKind
from astrid_core.shared.sky import SkyPosition


class ObjectClass(StrEnum):
    """What an entry is taken for."""

    ARTEFACT = "artefact"
    MINOR_PLANET = "minor_planet"
    KNOWN_TRANSIENT = "known_transient"
    AGN = "agn"
    VARIABLE_STAR = "variable_star"
    STAR = "star"
    NUCLEAR_TRANSIENT = "nuclear_transient"
    HOSTED_TRANSIENT = "hosted_transient"
    HOSTLESS_TRANSIENT = "hostless_transient"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownMatch:
    """A known object that may be the entry, or hold it."""

    kind: SourceKind
    catalog: str
    source_id: str
    source_type: str = ""
    """As its catalog classes it."""
    position: SkyPosition
    """At the time of the comparison."""
    separation_arcsec: float
    err_arcsec: float
    """Of the separation, per axis: of the entry and of the known object."""
    chance: float
    """Probability that something like it lies as near by chance."""
    reliability: float | None = None
    """Probability of being the same, where before looking it was even; None for hosts, which need not coincide."""
    mag: float | None = None
    redshift: float | None = None
    observation_id: str = ""
    """The exposure of a minor planet; empty for what stays in its place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryContext:
    """What is known about an entry from elsewhere; identity entry."""

    entry_id: UUID
    object_class: ObjectClass
    reason: str
    """The rule that gave the class, in words."""
    matches: tuple[KnownMatch, ...] = ()
    """By kind, then likeliest first."""
    looked_in: tuple[str, ...] = ()
    """Catalogs that know the place, ordered: none of them holds more than ``matches``."""

    def nearest(self, kind: SourceKind) -> KnownMatch | None:
        """Return the nearest known object of a kind, or None."""
        return min(
            (one for one in self.matches if one.kind is kind), key=lambda one: one.separation_arcsec, default=None
        )


def likeliest_first(matches: Sequence[KnownMatch]) -> tuple[KnownMatch, ...]:
    """Return matches by kind, then chance, distance and name: whatever order they were found in."""
    order = list(SourceKind)
    return tuple(
        sorted(
            matches,
            key=lambda one: (
                order.index(one.kind),
                one.chance,
                one.separation_arcsec,
                one.catalog,
                one.source_id,
                one.observation_id,
            ),
        )
    )
