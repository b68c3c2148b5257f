"""What an entry is: every rule, and which goes before which."""

import pytest

from astrid_core.catalog.classify import RULES, Evidence, classify
from astrid_core.catalog.context import KnownMatch, ObjectClass
from astrid_core.catalog.context_config import ContextConfig
from astrid_core.catalog.entities import EntryStatus
from astrid_core.catalog.known_sources import SourceKind
from tests.catalog.known import HERE

CONFIG = ContextConfig()


def _match(kind: SourceKind, **other: object) -> KnownMatch:
    usual: dict[str, object] = {
        "catalog": "made up 1", "source_id": f"a {kind}", "position": HERE, "separation_arcsec": 0.2,
        "err_arcsec": 0.3, "chance": 0.001, "reliability": None if kind is SourceKind.GALAXY else 0.99,
    }  # fmt: skip
    return KnownMatch(kind=kind, **{**usual, **other})  # type: ignore[arg-type]


STAR = _match(SourceKind.STAR)
VARIABLE = _match(SourceKind.VARIABLE, source_type="RRab")
AGN = _match(SourceKind.AGN, redshift=1.234)
REPORTED = _match(SourceKind.TRANSIENT, source_id="SN 2023ixf")
NUCLEUS = _match(SourceKind.GALAXY)
HOST = _match(SourceKind.GALAXY, separation_arcsec=6.0, redshift=0.01)
SEYFERT = _match(SourceKind.GALAXY, source_type="Seyfert 1")
CERES = _match(SourceKind.MINOR_PLANET, source_id="(1) Ceres", observation_id="s:1")


def _classified(
    *matches: KnownMatch, status: EntryStatus = EntryStatus.CANDIDATE, best_score: float = 0.9, n_detections: int = 1
) -> ObjectClass:
    evidence = Evidence(status=status, best_score=best_score, n_detections=n_detections, matches=matches)
    return classify(evidence, CONFIG).object_class


@pytest.mark.parametrize(
    ("matches", "expected"),
    [
        ((), ObjectClass.HOSTLESS_TRANSIENT),
        ((STAR,), ObjectClass.STAR),
        ((VARIABLE,), ObjectClass.VARIABLE_STAR),
        ((AGN,), ObjectClass.AGN),
        ((REPORTED,), ObjectClass.KNOWN_TRANSIENT),
        ((CERES,), ObjectClass.MINOR_PLANET),
        ((HOST,), ObjectClass.HOSTED_TRANSIENT),
        ((NUCLEUS,), ObjectClass.NUCLEAR_TRANSIENT),
        ((SEYFERT,), ObjectClass.AGN),
    ],
)
def test_each_kind_of_known_object_has_its_class(matches: tuple[KnownMatch, ...], expected: ObjectClass) -> None:
    assert _classified(*matches) is expected


@pytest.mark.parametrize(
    ("matches", "expected"),
    [
        ((STAR, VARIABLE), ObjectClass.VARIABLE_STAR),
        ((VARIABLE, AGN), ObjectClass.AGN),
        ((AGN, REPORTED), ObjectClass.KNOWN_TRANSIENT),
        ((REPORTED, CERES), ObjectClass.MINOR_PLANET),
        ((HOST, STAR), ObjectClass.STAR),
        ((NUCLEUS, STAR), ObjectClass.NUCLEAR_TRANSIENT),
        ((HOST, REPORTED), ObjectClass.KNOWN_TRANSIENT),
    ],
)
def test_rules_are_asked_in_their_order(matches: tuple[KnownMatch, ...], expected: ObjectClass) -> None:
    assert _classified(*matches) is expected
    assert _classified(*reversed(matches)) is expected


@pytest.mark.parametrize("matches", [(), (STAR,), (CERES,), (REPORTED,)])
def test_what_people_reject_is_an_artefact_whatever_is_there(matches: tuple[KnownMatch, ...]) -> None:
    assert _classified(*matches, status=EntryStatus.REJECTED) is ObjectClass.ARTEFACT


def test_what_people_confirm_is_not_doubted_for_its_score() -> None:
    assert _classified(best_score=0.1) is ObjectClass.UNKNOWN
    assert _classified(HOST, best_score=0.1) is ObjectClass.UNKNOWN
    assert _classified(best_score=0.1, status=EntryStatus.CONFIRMED) is ObjectClass.HOSTLESS_TRANSIENT
    assert _classified(HOST, best_score=0.1, status=EntryStatus.CONFIRMED) is ObjectClass.HOSTED_TRANSIENT
    assert _classified(STAR, best_score=0.1) is ObjectClass.STAR


def test_a_minor_planet_explains_an_entry_only_if_it_is_in_every_exposure() -> None:
    again = _match(SourceKind.MINOR_PLANET, source_id="(1) Ceres", observation_id="s:2")
    assert _classified(CERES, n_detections=2) is ObjectClass.HOSTLESS_TRANSIENT
    assert _classified(CERES, again, n_detections=2) is ObjectClass.MINOR_PLANET


@pytest.mark.parametrize("weak", [{"chance": 0.3}, {"reliability": 0.4}])
def test_what_may_well_be_chance_decides_nothing(weak: dict[str, object]) -> None:
    for kind in (SourceKind.STAR, SourceKind.AGN, SourceKind.TRANSIENT, SourceKind.MINOR_PLANET):
        assert _classified(_match(kind, **weak)) is ObjectClass.HOSTLESS_TRANSIENT
    assert _classified(_match(SourceKind.GALAXY, chance=0.3)) is ObjectClass.HOSTLESS_TRANSIENT


def test_a_class_tells_its_reason() -> None:
    evidence = Evidence(status=EntryStatus.CANDIDATE, best_score=0.9, n_detections=1, matches=(HOST,))
    reason = classify(evidence, CONFIG).reason
    assert reason == "lies in a galaxy (galaxy, z = 0.01) of made up 1, 6.00 arcsec away; by chance 0.001"


def test_every_rule_is_asked_once() -> None:
    assert len(RULES) == len(set(RULES)) == 9
