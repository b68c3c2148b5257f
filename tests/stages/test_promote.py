from collections.abc import Callable
from typing import Any

import pytest

from astrid_core.curation.access import Role
from astrid_core.detection.config import MODEL_NAME
from astrid_core.detection.entities import Model, ModelAlias
from astrid_core.detection.gate import GateResult, at_most
from astrid_core.shared.errors import NotAllowed, RejectedModel, UnknownModel
from astrid_core.shared.runs import RunKey
from astrid_core.stages.access import grant_role
from astrid_core.stages.gate import GATED
from astrid_core.stages.promote import offer_model, run_promote, run_quarantine, run_rollback
from astrid_core.stages.services import Services
from tests.fakes.artifacts import MemoryArtifacts
from tests.fakes.models import MemoryModels, MemoryNetwork
from tests.fakes.records import MemoryDatabase

BY = {"login": "vera", "reason": "looked at"}


class KilledError(Exception):
    """Stands for a process that ended here."""


class Mortal(MemoryModels):
    """A registry whose client is killed before its change number ``dies_at``, or right after it."""

    dies_at: float = float("inf")
    n_changes: int = 0

    def assign(self, alias: ModelAlias, model: Model) -> None:
        self._change(lambda: MemoryModels.assign(self, alias, model))

    def withdraw(self, alias: ModelAlias, name: str) -> None:
        self._change(lambda: MemoryModels.withdraw(self, alias, name))

    def note(self, model: Model, notes: Any) -> None:
        self._change(lambda: MemoryModels.note(self, model, notes))

    def _change(self, change: Callable[[], None]) -> None:
        self.n_changes += 1
        if self.n_changes == self.dies_at:
            raise KilledError
        change()
        if self.n_changes == self.dies_at - 0.5:
            raise KilledError


class Bench:
    """Three versions: champion 1, challenger 2, and 3 without an alias; vera may judge."""

    def __init__(self) -> None:
        self.database, self.models = MemoryDatabase(), Mortal()
        self.services = Services(
            artifacts=MemoryArtifacts(), models=self.models, surveys={}, transaction=self.database.transaction
        )
        grant_role(self.services, login="vera", role=Role.OPERATOR)
        self.first, self.second, self.third = (self._registered(number) for number in (1, 2, 3))
        offer_model(self.services, self.first)
        offer_model(self.services, self.second)
        self.gate(self.second, against=self.first)
        self.gate(self.third, against=self.second)

    def gate(self, model: Model, *, against: Model, passed: bool = True) -> None:
        check = at_most("calibration error", 0.25, 0.5 if passed else 0.125)
        result = GateResult(key="gate-1", challenger=model.id, champion=against.id, checks=(check,))
        with self.database.transaction() as records:
            records.events.append(GATED, subject=model.id, facts=result.facts())

    def _registered(self, number: int) -> Model:
        network = MemoryNetwork(threshold=float(number))
        return self.models.register(
            MODEL_NAME, network, recipe=RunKey(f"train-{number}"), parameters={}, metrics={}, manifest={}
        )

    def held(self) -> dict[str, int]:
        return {alias.value: model.version for alias, model in self.models.aliases(MODEL_NAME).items()}

    def acts(self) -> list[tuple[str, str]]:
        with self.database.transaction() as records:
            found = [(event.name, event.subject) for event in records.events.all()]
        acts = [(name.removeprefix("model."), subject[-1]) for name, subject in found if name != GATED]
        return [act for act in acts if act[0] != "roles.changed"]


def test_the_challenger_becomes_champion_and_the_champion_the_one_to_go_back_to() -> None:
    bench = Bench()
    assert bench.held() == {"champion": 1, "challenger": 2}
    for _ in range(2):
        assert run_promote(bench.services, bench.second.id, **BY) == bench.second
        assert bench.held() == {"champion": 2, "rollback": 1}
    assert bench.acts() == [("promoted", "1"), ("challenged", "2"), ("promoted", "2")]
    with bench.database.transaction() as records:
        facts = records.events.of(bench.second.id)[-1].facts
    assert facts == {"curator": "vera", "reason": "looked at", "former": bench.first.id, "digest": bench.second.digest}


def test_nothing_is_promoted_that_did_not_pass_the_gate_against_the_champion_of_today() -> None:
    bench = Bench()
    with pytest.raises(RejectedModel, match=r"another champion.*compared_with=\S+/2, champion=\S+/1"):
        run_promote(bench.services, bench.third.id, **BY)
    bench.gate(bench.second, against=bench.first, passed=False)
    with pytest.raises(RejectedModel, match=r"calibration error: 0\.25; must be at most 0\.125"):
        run_promote(bench.services, bench.second.id, **BY)
    with pytest.raises(RejectedModel, match="never passed"):
        run_promote(bench.services, bench._registered(4).id, **BY)
    assert bench.held() == {"champion": 1, "challenger": 2}


def test_roll_back_is_one_act_and_not_done_twice() -> None:
    bench = Bench()
    run_promote(bench.services, bench.second.id, **BY)
    for _ in range(2):
        assert run_rollback(bench.services, bench.second.id, **BY) == bench.first
        assert bench.held() == {"champion": 1}
    assert bench.acts()[-2:] == [("promoted", "2"), ("rolled_back", "2")]
    run_promote(bench.services, bench.second.id, **BY)
    assert bench.held() == {"champion": 2, "rollback": 1}


def test_there_is_nothing_before_the_first_champion() -> None:
    bench = Bench()
    with pytest.raises(NotAllowed, match="promote another one first"):
        run_rollback(bench.services, bench.first.id, **BY)
    with pytest.raises(NotAllowed, match="promote another one first"):
        run_quarantine(bench.services, bench.first.id, **BY)
    with pytest.raises(NotAllowed, match="only the champion"):
        run_rollback(bench.services, bench.third.id, **BY)
    assert bench.held() == {"champion": 1, "challenger": 2}
    assert bench.models.noted == {}


def test_a_version_in_quarantine_is_neither_champion_nor_challenger() -> None:
    bench = Bench()
    assert run_quarantine(bench.services, bench.second.id, **BY)
    assert not run_quarantine(bench.services, bench.second.id, **BY)
    assert bench.held() == {"champion": 1}
    assert bench.acts()[-1] == ("quarantined", "2")
    with pytest.raises(RejectedModel, match="looked at"):
        run_promote(bench.services, bench.second.id, **BY)
    with pytest.raises(RejectedModel, match="quarantine"):
        offer_model(bench.services, bench.second)


def test_quarantine_of_the_champion_rolls_back_in_the_same_act() -> None:
    bench = Bench()
    run_promote(bench.services, bench.second.id, **BY)
    assert run_quarantine(bench.services, bench.second.id, login=None, reason="drift")
    assert not run_quarantine(bench.services, bench.second.id, login=None, reason="drift")
    assert bench.held() == {"champion": 1}
    assert bench.acts()[-2:] == [("rolled_back", "2"), ("quarantined", "2")]


def test_what_was_gone_back_to_from_quarantine_is_forgotten() -> None:
    bench = Bench()
    run_promote(bench.services, bench.second.id, **BY)
    run_quarantine(bench.services, bench.first.id, **BY)
    assert bench.held() == {"champion": 2}


@pytest.mark.parametrize("act", [run_promote, run_rollback, run_quarantine])
def test_only_curators_decide(act: Callable[..., object]) -> None:
    bench = Bench()
    run_promote(bench.services, bench.second.id, **BY)
    grant_role(bench.services, login="otto", role=Role.VIEWER)
    before = bench.held(), bench.acts()
    for login in ("otto", "nobody"):
        with pytest.raises(NotAllowed, match=login):
            act(bench.services, bench.second.id, login=login, reason="because")
    with pytest.raises(UnknownModel):
        act(bench.services, f"{MODEL_NAME}/9", **BY)
    assert (bench.held(), bench.acts()) == before


@pytest.mark.parametrize("act", [run_promote, run_rollback, run_quarantine])
def test_wherever_it_is_killed_there_is_a_champion_and_repeating_finishes(act: Callable[..., object]) -> None:
    whole = _acted_on(act, dies_at=float("inf"))
    n_changes = whole.models.n_changes
    assert n_changes >= 2
    for step in range(2, 2 * n_changes + 2):
        bench = _acted_on(act, dies_at=step / 2)
        assert "champion" in bench.held()
        bench.models.dies_at = float("inf")
        act(bench.services, _target(bench, act).id, **BY)
        assert (bench.held(), bench.acts()) == (whole.held(), whole.acts()), step / 2
        assert bench.models.noted == whole.models.noted


def _target(bench: Bench, act: Callable[..., object]) -> Model:
    return bench.third if act is run_promote else bench.second


def _acted_on(act: Callable[..., object], *, dies_at: float) -> Bench:
    bench = Bench()
    run_promote(bench.services, bench.second.id, **BY)
    bench.models.n_changes, bench.models.dies_at = 0, dies_at
    try:
        act(bench.services, _target(bench, act).id, **BY)
    except KilledError:
        assert dies_at < float("inf")
    return bench
