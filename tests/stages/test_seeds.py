import pytest

from astrid_core.curation.entities import Verdict
from astrid_core.shared.errors import Conflict, NotAllowed, UnknownRecord
from astrid_core.stages.review_agreement import agreement_of
from astrid_core.stages.review_queue import claim_next
from astrid_core.stages.seeds import plant_seed
from tests.stages.voting import ARBITER, Voting, names, voting

REAL, BOGUS = Verdict.REAL, Verdict.BOGUS


def plant(night: Voting, number: int, answer: Verdict = REAL, *, login: str = ARBITER) -> bool:
    return plant_seed(
        night.services, detection_id=night.ids[number], answer=answer, origin="SN 2026abc", login=login
    )  # fmt: skip


def test_a_known_object_is_given_among_the_others_and_measures_who_judges_it() -> None:
    night = voting(40)
    assert plant(night, 30)
    assert not plant(night, 30)
    got = [
        night.ids.index(claim.detection_id)
        for claim in claim_next(night.services, login="ana", n=20, seed_fraction=0.3, at=night.now)
    ]
    assert got.count(30) == 1
    before = night.item(30)
    assert night.say("ana", 30, BOGUS).is_seed
    assert night.say("bo", 30, REAL).is_seed
    assert night.item(30) == before
    found = agreement_of(night.services)
    assert {login: counted.counts for login, counted in found.against_seeds.items()} == {
        "ana": {(REAL, BOGUS): 1},
        "bo": {(REAL, REAL): 1},
    }
    assert names(night.services).count("seed.planted") == 1


def test_without_seeds_a_planted_one_is_not_given_at_all() -> None:
    night = voting(3)
    plant(night, 1)
    claims = claim_next(night.services, login="ana", n=3, seed_fraction=0.0, at=night.now)
    assert [night.ids.index(claim.detection_id) for claim in claims] == [0, 2]


def test_what_people_are_judging_becomes_no_seed_and_an_answer_stays() -> None:
    night = voting()
    night.say("ana", 0, REAL)
    with pytest.raises(Conflict, match="have begun"):
        plant(night, 0)
    plant(night, 1)
    with pytest.raises(Conflict, match="another answer"):
        plant(night, 1, BOGUS)


def test_only_an_arbiter_plants_what_is_there_and_known() -> None:
    night = voting()
    with pytest.raises(NotAllowed, match="permission=arbitrate"):
        plant(night, 0, login="ana")
    with pytest.raises(UnknownRecord):
        plant_seed(night.services, detection_id=f"{night.key}:99", answer=REAL, origin="x", login=ARBITER)
    with pytest.raises(ValueError, match="real or bogus"):
        plant(night, 0, Verdict.UNSURE)
