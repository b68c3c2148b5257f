from dataclasses import replace

import pytest

from astrid_core.differencing.config import ActivationConfig, DifferenceConfig, ReferenceConfig
from astrid_core.differencing.entities import QualityLevel, ReferenceImage
from astrid_core.differencing.leave_out import LeaveOut
from astrid_core.observations.compatibility import ReferenceClass
from astrid_core.observations.entities import Observation
from astrid_core.shared.errors import NoReference
from astrid_core.stages.build_reference import run_build_reference
from astrid_core.stages.difference import run_difference
from astrid_core.stages.ingest import run_ingest
from astrid_core.stages.preprocess import Preparation, run_preprocess
from astrid_core.stages.references import plan_references
from astrid_core.stages.suitability import choose_suitable, judge_reference
from tests.adapters.invented import observation, reference
from tests.stages.scene import NIGHT, scene

CONFIG = DifferenceConfig()
FORS2 = replace(observation(), instrument="FORS2", band="B", survey="vlt", pixel_scale_arcsec=0.25)


def other(number: int, **changes: object) -> ReferenceImage:
    made = replace(
        reference(number, at=FORS2.position), survey="vlt", mission="eso", band="B", reference_class=ReferenceClass.A
    )
    return replace(made, **changes)  # type: ignore[arg-type]


OWN = other(1)
STACK = other(2, survey="stacks", mission="ps1", band="g")
PLATE = other(3, survey="plates", mission="dss")


def test_a_reference_of_the_mission_goes_before_one_of_another_survey() -> None:
    assert choose_suitable(FORS2, [PLATE, STACK, OWN], CONFIG) == (OWN,)


def test_another_survey_is_taken_where_there_is_no_other() -> None:
    assert choose_suitable(FORS2, [PLATE, STACK], CONFIG) == (STACK,)
    found = judge_reference(FORS2, STACK, CONFIG)
    assert found.reference_class is ReferenceClass.B
    assert "another survey" in found.reason


def test_what_is_refused_is_not_taken_and_the_reason_is_told() -> None:
    with pytest.raises(NoReference, match="no reference from another night") as missing:
        choose_suitable(FORS2, [PLATE], CONFIG)
    assert "density, not flux" in str(missing.value.facts["refused"])
    assert missing.value.facts["n_references_near"] == 1


def test_an_imported_image_of_the_own_mission_is_class_b() -> None:
    found = judge_reference(FORS2, replace(OWN, reference_class=ReferenceClass.B), CONFIG)
    assert found.reference_class is ReferenceClass.B
    assert "made by others" in found.reason


def test_strangers_are_one_family_within_their_survey() -> None:
    stranger: Observation = replace(FORS2, instrument="Homemade")
    assert judge_reference(stranger, other(1, mission=""), CONFIG).reference_class is ReferenceClass.A
    assert (
        judge_reference(stranger, other(1, mission="", survey="elsewhere"), CONFIG).reference_class is ReferenceClass.B
    )


def test_pixels_that_are_too_different_are_refused() -> None:
    assert judge_reference(FORS2, other(1, pixel_scale_arcsec=10.0), CONFIG).reference_class is None


def test_a_difference_from_a_class_b_reference_says_so_on_its_record_and_event() -> None:
    made = scene()
    run_ingest(made.services, "demo")
    (group,) = plan_references(
        made.services, survey="demo", config=ReferenceConfig(), leave_out=LeaveOut(nights=frozenset({NIGHT}))
    )
    keys = [run_preprocess(made.services, one, Preparation()) for one in group.observation_ids]
    (reference,) = run_build_reference(
        made.services, keys, ReferenceConfig(), ActivationConfig(), cells=group.cells, band=group.band
    )
    with made.services.transaction() as records:
        built = records.references.get(reference.digest)
    assert built.reference_class is ReferenceClass.A
    assert built.pixel_scale_arcsec == pytest.approx(1.0, rel=0.2)
    foreign = scene()
    foreign.artifacts.stored.update(made.artifacts.stored)
    run_ingest(foreign.services, "demo")
    with foreign.services.transaction() as records:
        records.references.add(replace(built, reference_class=ReferenceClass.B))
    prepared = run_preprocess(foreign.services, f"demo:{NIGHT}/a.fits", Preparation())
    key = run_difference(foreign.services, prepared, CONFIG)
    with foreign.services.transaction() as records:
        quality = records.difference_runs.get(key).quality
        (event,) = [one for one in records.events.all() if one.name == "difference.recorded"]
    assert quality is not None
    assert quality.level is QualityLevel.ORANGE
    assert "made by others" in quality.reasons[0]
    assert event.facts["reference_class"] == "B"
