"""What an entry is: the rules, in the order in which they are asked. The first that applies decides.

Three speak: people (verdicts, as the entry's status), context (known objects at the place) and the network (score).
People's word on what is an artefact stands above all. Otherwise what moves comes before what stays, what is known by
name before what is only of a kind, and a point that coincides before a host that need not. The status of an entry is
people's alone, and is not changed here.

A match decides only where chance brings it rarely (``max_chance``); a point has to be likelier the same than not.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from astrid_core.catalog.context import KnownMatch, ObjectClass, likeliest_first
from astrid_core.catalog.context_config import ContextConfig
from astrid_core.catalog.entities import EntryStatus
from astrid_core.catalog.known_sources import SourceKind

_ACTIVE = ("agn", "qso", "quasar", "seyfert", "blazar", "bl lac", "bllac", "liner")
"""In the type that a catalog of galaxies gives."""
_NUCLEAR_SIGMA = 3.0
_EVEN = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """All that the rules may ask for."""

    status: EntryStatus
    best_score: float
    """Of its detections, by the network."""
    n_detections: int
    """In different exposures."""
    matches: Sequence[KnownMatch]


@dataclass(frozen=True, slots=True, kw_only=True)
class Classification:
    """The class of an entry and the rule that gave it."""

    object_class: ObjectClass
    reason: str


Rule = Callable[[Evidence, ContextConfig], Classification | None]


def classify(evidence: Evidence, config: ContextConfig) -> Classification:
    """Return the class that the first rule gives that applies."""
    return next(said for rule in RULES if (said := rule(evidence, config)) is not None)


def _people_say_artefact(evidence: Evidence, _: ContextConfig) -> Classification | None:
    if evidence.status is not EntryStatus.REJECTED:
        return None
    return Classification(object_class=ObjectClass.ARTEFACT, reason="people rejected it")


def _moves_through(evidence: Evidence, config: ContextConfig) -> Classification | None:
    """A body must be there in every exposure that shows the entry: one that passes a variable star explains one."""
    bodies = _decisive(evidence, SourceKind.MINOR_PLANET, config)
    explained = {one.observation_id for one in bodies}
    if not bodies or len(explained) < evidence.n_detections:
        return None
    return Classification(object_class=ObjectClass.MINOR_PLANET, reason=_told("is", bodies[0]))


def _is_reported(evidence: Evidence, config: ContextConfig) -> Classification | None:
    return _point(evidence, config, SourceKind.TRANSIENT, ObjectClass.KNOWN_TRANSIENT)


def _is_active_nucleus(evidence: Evidence, config: ContextConfig) -> Classification | None:
    if (said := _point(evidence, config, SourceKind.AGN, ObjectClass.AGN)) is not None:
        return said
    for host in _decisive(evidence, SourceKind.GALAXY, config):
        if _is_nuclear(host) and any(word in host.source_type.lower() for word in _ACTIVE):
            return Classification(object_class=ObjectClass.AGN, reason=_told("lies on the nucleus of", host))
    return None


def _is_variable(evidence: Evidence, config: ContextConfig) -> Classification | None:
    return _point(evidence, config, SourceKind.VARIABLE, ObjectClass.VARIABLE_STAR)


def _is_star(evidence: Evidence, config: ContextConfig) -> Classification | None:
    """Stars come after galaxies' nuclei: catalogs of stars hold these as well, and those have a distance."""
    star = _point(evidence, config, SourceKind.STAR, ObjectClass.STAR)
    nuclear = [host for host in _decisive(evidence, SourceKind.GALAXY, config) if _is_nuclear(host)]
    return None if nuclear else star


def _nobody_vouches(evidence: Evidence, config: ContextConfig) -> Classification | None:
    if evidence.status is EntryStatus.CONFIRMED or evidence.best_score >= config.min_score:
        return None
    reason = f"nothing known is there, nobody confirmed it, and its score is {evidence.best_score:.3g}"
    return Classification(object_class=ObjectClass.UNKNOWN, reason=reason)


def _has_host(evidence: Evidence, config: ContextConfig) -> Classification | None:
    hosts = _decisive(evidence, SourceKind.GALAXY, config)
    if not hosts:
        return None
    if _is_nuclear(hosts[0]):
        reason = _told("lies on the nucleus of", hosts[0])
        return Classification(object_class=ObjectClass.NUCLEAR_TRANSIENT, reason=reason)
    return Classification(object_class=ObjectClass.HOSTED_TRANSIENT, reason=_told("lies in", hosts[0]))


def _stands_alone(_: Evidence, __: ContextConfig) -> Classification | None:
    return Classification(object_class=ObjectClass.HOSTLESS_TRANSIENT, reason="nothing known is there")


RULES: tuple[Rule, ...] = (
    _people_say_artefact,
    _moves_through,
    _is_reported,
    _is_active_nucleus,
    _is_variable,
    _is_star,
    _nobody_vouches,
    _has_host,
    _stands_alone,
)
"""In order."""


def _point(evidence: Evidence, config: ContextConfig, kind: SourceKind, becomes: ObjectClass) -> Classification | None:
    found = _decisive(evidence, kind, config)
    return Classification(object_class=becomes, reason=_told("coincides with", found[0])) if found else None


def _decisive(evidence: Evidence, kind: SourceKind, config: ContextConfig) -> tuple[KnownMatch, ...]:
    """Return the matches of a kind that chance brings rarely and that are likelier the same than not."""
    return likeliest_first(
        [
            one
            for one in evidence.matches
            if one.kind is kind
            and one.chance <= config.max_chance
            and (one.reliability is None or one.reliability > _EVEN)
        ]
    )


def _is_nuclear(host: KnownMatch) -> bool:
    return host.separation_arcsec <= _NUCLEAR_SIGMA * host.err_arcsec


def _told(how: str, one: KnownMatch) -> str:
    redshift = "" if one.redshift is None else f", z = {one.redshift:.4g}"
    kind = one.source_type or one.kind.value.replace("_", " ")
    return (
        f"{how} {one.source_id} ({kind}{redshift}) of {one.catalog}, {one.separation_arcsec:.2f} arcsec away; "
        f"by chance {one.chance:.2g}"
    )
