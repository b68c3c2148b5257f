"""Planted misses, each through the real chain over memory twins: does the explanation name the right reason?"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import numpy as np
import pytest

from astrid_core.catalog.config import PublishConfig
from astrid_core.catalog.entities import Motion
from astrid_core.catalog.explain import Answer, Why, explained
from astrid_core.curation.access import Role
from astrid_core.curation.entities import Verdict
from astrid_core.detection.config import DetectConfig
from astrid_core.differencing.config import ActivationConfig, DifferenceConfig, ReferenceConfig
from astrid_core.differencing.entities import Quality, QualityLevel
from astrid_core.differencing.leave_out import LeaveOut
from astrid_core.shared.runs import RunKey
from astrid_core.shared.sky import SkyPosition
from astrid_core.stages.access import grant_role
from astrid_core.stages.build_reference import run_build_reference
from astrid_core.stages.detect import run_detect
from astrid_core.stages.difference import run_difference
from astrid_core.stages.explain import run_explain
from astrid_core.stages.ingest import run_ingest
from astrid_core.stages.lifecycle import quarantine_observation
from astrid_core.stages.preprocess import Preparation, run_preprocess
from astrid_core.stages.publish import run_publish
from astrid_core.stages.references import plan_references
from astrid_core.stages.review import record_verdict
from astrid_core.stages.services import Services
from tests.fakes.models import with_champion
from tests.fakes.records import MemoryDatabase
from tests.stages.scene import NEW, NIGHT, SHAPE, exposure, scene
from tests.synthetic.fields import Source, stars, wcs

CENTRE = (149.77, 2.39)
FAINT = Source(x_pix=60.2, y_pix=80.4, flux=120.0)
SATURATED = Source(x_pix=250.0, y_pix=240.0, flux=4.0e6)
EXPOSURE = f"demo:{NIGHT}/a.fits"
DIFFERENCE = DifferenceConfig()


@dataclass(frozen=True, slots=True)
class Searched:
    """An exposure that was searched and not published."""

    services: Services
    database: MemoryDatabase
    run: RunKey

    def ask(self, where: SkyPosition, *, band: str = "") -> Answer:
        answers = run_explain(
            self.services, where, publish=PublishConfig(), difference=DIFFERENCE, mjd=60329.9, band=band
        )
        best = explained(answers)
        assert best is not None
        return best

    def but(self, **changed: dict[Any, Any]) -> "Searched":
        other = self.database.but(**changed)
        return Searched(replace(self.services, transaction=other.transaction), other, self.run)


def at(source: Source) -> SkyPosition:
    ra, dec = wcs(SHAPE, centre=CENTRE).wcs_pix2world([source.x_pix], [source.y_pix], 0)
    return SkyPosition(ra_deg=float(ra[0]), dec_deg=float(dec[0]))


@pytest.fixture(scope="module")
def made() -> Searched:
    night = exposure(NIGHT, seed=10, extra=[NEW, FAINT, SATURATED], fwhm=3.3)
    made = scene(**{f"{NIGHT}/a.fits": night})
    services = made.services
    run_ingest(services, "demo")
    (group,) = plan_references(
        services, survey="demo", config=ReferenceConfig(), leave_out=LeaveOut(nights=frozenset({NIGHT}))
    )
    keys = [run_preprocess(services, one, Preparation()) for one in group.observation_ids]
    run_build_reference(
        services, keys, ReferenceConfig(), ActivationConfig(),
        cells=group.cells, band=group.band, leaves_out=group.leaves_out,
    )  # fmt: skip
    difference = run_difference(services, run_preprocess(services, EXPOSURE, Preparation()), DIFFERENCE)
    return Searched(
        services, made.database, run_detect(services, difference, with_champion(made.models).id, DetectConfig())
    )


@pytest.fixture
def searched(made: Searched) -> Searched:
    """What a test changes does not outlive it."""
    return made.but()


def test_nobody_looked_there(searched: Searched) -> None:
    far = SkyPosition(ra_deg=10.0, dec_deg=-30.0)
    assert run_explain(searched.services, far, publish=PublishConfig(), difference=DIFFERENCE) == ()


def test_in_the_circle_around_a_frame_but_beside_its_pixels(searched: Searched) -> None:
    corner = Source(x_pix=SHAPE[1] + 12.0, y_pix=SHAPE[0] / 2.0, flux=1.0)
    assert searched.ask(at(corner)).why is Why.OFF_FOOTPRINT


def test_wrong_band(searched: Searched) -> None:
    assert searched.ask(at(NEW), band="g").why is Why.WRONG_BAND


def test_not_processed_so_far() -> None:
    made = scene()
    run_ingest(made.services, "demo")
    assert Searched(made.services, made.database, RunKey("none")).ask(at(NEW)).why is Why.NOT_PROCESSED


def test_set_aside_by_the_breaker(searched: Searched) -> None:
    quarantine_observation(searched.services, EXPOSURE, reason="breaker: 900 candidates, 20 are usual")
    answer = searched.ask(at(NEW))
    assert answer.why is Why.SET_ASIDE
    assert "900 candidates" in answer.text


def test_a_red_exposure(searched: Searched) -> None:
    with searched.services.transaction() as records:
        (run,) = records.difference_runs.of_observation(EXPOSURE)
    red = Quality(level=QualityLevel.RED, reasons=("seeing 9.0 pix, at most 5",))
    answer = searched.but(difference_runs={run.key: replace(run, quality=red)}).ask(at(NEW))
    assert (answer.why, "seeing 9.0" in answer.text) == (Why.RED_EXPOSURE, True)


def test_too_faint(searched: Searched) -> None:
    answer = searched.ask(at(FAINT))
    assert answer.why is Why.TOO_FAINT
    assert 0.0 < float(str(answer.facts["significance"])) < DIFFERENCE.threshold_sigma


def test_in_the_reference(searched: Searched) -> None:
    field = stars(SHAPE, seed=77, density=1 / 1200)
    well_inside = [
        one for one in field if 40 < one.x_pix < SHAPE[1] - 40 and 40 < one.y_pix < SHAPE[0] - 40
        and np.hypot(one.x_pix - SATURATED.x_pix, one.y_pix - SATURATED.y_pix) > 60
    ]  # fmt: skip
    bright = sorted(well_inside, key=lambda one: -one.flux)[3]
    assert searched.ask(at(bright)).why is Why.IN_REFERENCE


def test_a_saturated_neighbour(searched: Searched) -> None:
    beside = replace(SATURATED, x_pix=SATURATED.x_pix + 4.0)
    assert searched.ask(at(beside)).why is Why.SATURATED_NEIGHBOUR


def test_masked(searched: Searched) -> None:
    edge = Source(x_pix=1.0, y_pix=SHAPE[0] / 2.0, flux=1.0)
    answer = searched.ask(at(edge))
    assert answer.why is Why.MASKED
    assert "EDGE" in answer.text or "NO_DATA" in answer.text


def test_rejected_by_the_network(searched: Searched) -> None:
    with searched.services.transaction() as records:
        run = records.model_runs.get(searched.run)
    doubted = replace(run, detections=tuple(replace(one, score=0.2) for one in run.detections))
    answer = searched.but(model_runs={run.key: doubted}).ask(at(NEW))
    assert answer.why is Why.REJECTED_BY_MODEL
    assert (answer.facts["score"], answer.facts["min_score"]) == (0.2, 0.5)


def _detection(searched: Searched) -> str:
    return str(searched.ask(at(NEW)).facts["detection"])


def test_rejected_by_people(searched: Searched) -> None:
    for number, login in enumerate(("ada", "ben")):
        grant_role(searched.services, login=login, role=Role.REVIEWER)
        record_verdict(
            searched.services, event_id=UUID(int=number), detection_id=_detection(searched), login=login,
            verdict=Verdict.BOGUS, at=datetime(2026, 1, 1, tzinfo=UTC),
        )  # fmt: skip
    answer = searched.ask(at(NEW))
    assert answer.why is Why.REJECTED_BY_PERSON
    assert str(answer.facts["verdicts"]).count("bogus (reviewer") == 2


def test_not_published_then_published(searched: Searched) -> None:
    assert searched.ask(at(NEW)).why is Why.NOT_PUBLISHED
    run_publish(searched.services, "demo", NIGHT, PublishConfig(), [searched.run])
    assert searched.ask(at(NEW)).why is Why.PUBLISHED


def test_of_a_moving_object(searched: Searched) -> None:
    run_publish(searched.services, "demo", NIGHT, PublishConfig(), [searched.run])
    identity = UUID(str(searched.ask(at(NEW)).facts["entry"]))
    with searched.services.transaction() as records:
        entry = records.catalog.get(identity)
        records.catalog.put(replace(entry, motion=Motion(rate_arcsec_h=31.0, angle_deg=280.0)))
    answer = searched.ask(at(NEW))
    assert answer.why is Why.MOVING
    assert "31.0 arcsec per hour" in answer.text
