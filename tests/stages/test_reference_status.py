"""Which reference is used: by rule, by people, and what follows for what was compared with another."""

from dataclasses import replace

import pytest

from astrid_core.detection.config import DetectConfig
from astrid_core.detection.entities import Model
from astrid_core.differencing.config import ActivationConfig, DifferenceConfig, ReferenceConfig
from astrid_core.differencing.entities import ReferenceStatus
from astrid_core.differencing.leave_out import LeaveOut
from astrid_core.shared.errors import NoReference, NotAllowed
from astrid_core.stages.build_reference import Built, run_build_reference
from astrid_core.stages.chain import Recipe
from astrid_core.stages.difference import find_references, run_difference
from astrid_core.stages.ingest import run_ingest
from astrid_core.stages.plan import plan_night
from astrid_core.stages.preprocess import Preparation, run_preprocess
from astrid_core.stages.reference_status import (
    activate_reference,
    list_references,
    list_stale,
    quarantine_reference,
    retire_reference,
)
from astrid_core.stages.references import plan_references
from tests.stages.scene import NIGHT, Scene, exposure, scene

PREPARATION, DIFFERENCE = Preparation(), DifferenceConfig()
SCIENCE = f"demo:{NIGHT}/a.fits"
THIRD = "2024-01-12"
RECIPE = Recipe(
    model=Model(name="unet", version=1, digest="0" * 64),
    preparation=PREPARATION,
    difference=DIFFERENCE,
    detect=DetectConfig(),
)


@pytest.fixture
def made() -> Scene:
    """A survey of which nothing is built."""
    found = scene()
    run_ingest(found.services, "demo")
    return found


def _build(made: Scene, activation: ActivationConfig | None = None, *, leave_out: LeaveOut | None = None) -> Built:
    config = ReferenceConfig()
    asked = leave_out or LeaveOut(nights=frozenset({NIGHT}))
    (group,) = plan_references(made.services, survey="demo", config=config, leave_out=asked)
    keys = [run_preprocess(made.services, one, PREPARATION) for one in group.observation_ids]
    (built,) = run_build_reference(
        made.services, keys, config, activation or ActivationConfig(),
        cells=group.cells, band=group.band, leaves_out=group.leaves_out,
    )  # fmt: skip
    return built


def _another_night(made: Scene, *, fwhm: float = 3.0) -> None:
    made.survey.files[f"{THIRD}/a.fits"] = exposure(THIRD, seed=5, fwhm=fwhm)
    run_ingest(made.services, "demo")


def _statuses(made: Scene) -> list[ReferenceStatus]:
    return [one.status for one in list_references(made.services)]


def _found(made: Scene) -> str:
    with made.services.transaction() as records:
        (found,) = find_references(records, records.observations.get(SCIENCE), DIFFERENCE)
        return found.digest


def _events(made: Scene) -> list[tuple[str, str]]:
    with made.services.transaction() as records:
        return [(one.name, one.subject) for one in records.events.all() if one.name.startswith("reference.")]


def test_a_deeper_reference_takes_over_and_what_was_compared_with_the_old_one_is_stale(made: Scene) -> None:
    old = _build(made)
    run = run_difference(made.services, run_preprocess(made.services, SCIENCE, PREPARATION), DIFFERENCE)
    assert list_stale(made.services) == ()
    _another_night(made)
    new = _build(made)
    assert old.is_active
    assert new.is_active
    first, second = list_references(made.services)
    assert (first.status, second.status) == (ReferenceStatus.RETIRED, ReferenceStatus.ACTIVE)
    assert (first.is_thin, second.is_thin, second.version) == (True, False, 2)
    assert first.key == second.key
    (stale,) = list_stale(made.services)
    assert (stale.observation_id, stale.run, stale.reference_digest) == (SCIENCE, run, old.digest)
    assert plan_night(made.services, RECIPE, survey="demo", night=NIGHT).pending == (SCIENCE,)
    assert run_difference(made.services, run_preprocess(made.services, SCIENCE, PREPARATION), DIFFERENCE) != run
    assert list_stale(made.services) == ()
    assert _events(made)[-2:] == [("reference.retired", old.digest), ("reference.activated", new.digest)]


def test_a_blurred_reference_waits_as_a_draft_until_somebody_takes_it(made: Scene) -> None:
    old = _build(made)
    for night, name in enumerate(("2024-01-10", "2024-01-11")):
        made.survey.files[f"{name}/a.fits"] = exposure(name, seed=20 + night, fwhm=4.5)
    run_ingest(made.services, "demo")
    new = _build(made)
    assert not new.is_active
    assert _found(made) == old.digest
    assert activate_reference(made.services, new.digest, reason="looked at")
    assert not activate_reference(made.services, new.digest, reason="again")
    assert _found(made) == new.digest
    assert _statuses(made) == [ReferenceStatus.RETIRED, ReferenceStatus.ACTIVE]


def test_where_people_decide_nothing_is_used_before_they_did(made: Scene) -> None:
    built = _build(made, ActivationConfig(decision="by people"))
    with pytest.raises(NoReference):
        _found(made)
    activate_reference(made.services, built.digest, reason="looked at")
    assert _found(made) == built.digest
    assert _build(made).is_active


def test_a_quarantined_reference_is_out_at_once_and_comes_back_only_by_two_acts(made: Scene) -> None:
    built = _build(made)
    run_difference(made.services, run_preprocess(made.services, SCIENCE, PREPARATION), DIFFERENCE)
    assert quarantine_reference(made.services, built.digest, reason="ghost of a bright star")
    with pytest.raises(NoReference):
        _found(made)
    assert [one.observation_id for one in list_stale(made.services)] == [SCIENCE]
    assert not _build(made).is_active
    with pytest.raises(NotAllowed, match="must be retired"):
        activate_reference(made.services, built.digest, reason="never mind")
    retire_reference(made.services, built.digest, reason="it was a reflection in the other frame")
    activate_reference(made.services, built.digest, reason="looked at")
    assert _found(made) == built.digest
    names = [name for name, _ in _events(made)]
    assert names[-3:] == ["reference.quarantined", "reference.retired", "reference.activated"]


def test_references_that_leave_out_other_nights_do_not_compete(made: Scene) -> None:
    _build(made)
    other = _build(made, leave_out=LeaveOut(nights=frozenset({"2024-01-10"})))
    assert other.is_active
    assert _statuses(made) == [ReferenceStatus.ACTIVE, ReferenceStatus.ACTIVE]


def test_exposures_and_times_can_be_left_out(made: Scene) -> None:
    asked = LeaveOut(observation_ids=frozenset({"demo:2024-01-10/a.fits"}), before_mjd=60325.0)
    (group,) = plan_references(made.services, survey="demo", config=ReferenceConfig(), leave_out=asked)
    assert group.observation_ids == ("demo:2024-01-11/a.fits",)
    assert group.leaves_out == "exposure demo:2024-01-10/a.fits; from MJD 60325.0 on"


def test_a_thin_reference_is_used_only_where_no_full_one_is(made: Scene) -> None:
    _build(made)
    with made.services.transaction() as records:
        (thin,) = records.references.search()
        full = replace(
            thin, image=replace(thin.image, digest="f" * 64), is_thin=False, leaves_out="x", position=thin.position
        )
        records.references.add(full)
    assert thin.is_thin
    assert _found(made) == "f" * 64
