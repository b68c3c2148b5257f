"""The stages of one night over memory twins: outcome, repeat, skip."""

from dataclasses import replace

import pytest

from astrid_core.detection.config import DetectConfig
from astrid_core.detection.entities import Model
from astrid_core.differencing.config import ActivationConfig, DifferenceConfig, ReferenceConfig
from astrid_core.differencing.leave_out import LeaveOut
from astrid_core.preprocessing.config import PreprocessConfig
from astrid_core.shared.errors import BadConfiguration, CorruptArtifact, NoReference, Unprocessable
from astrid_core.shared.events import verify_chain
from astrid_core.shared.runs import RunKey, RunStatus
from astrid_core.shared.sky import Region, SkyPosition, separation_arcsec
from astrid_core.stages.build_reference import run_build_reference
from astrid_core.stages.chain import Recipe
from astrid_core.stages.difference import run_difference
from astrid_core.stages.ingest import run_ingest
from astrid_core.stages.plan import plan_night
from astrid_core.stages.preprocess import Preparation, run_preprocess
from astrid_core.stages.references import plan_references
from tests.stages.scene import CENTRE, NEW, NIGHT, REFERENCE_NIGHTS, SHAPE, Scene, exposure, scene
from tests.synthetic.fields import wcs

PREPARATION, REFERENCE, DIFFERENCE = Preparation(), ReferenceConfig(), DifferenceConfig()
ACTIVATION = ActivationConfig()
RECIPE = Recipe(
    model=Model(name="unet", version=1, digest="0" * 64),
    preparation=PREPARATION,
    difference=DIFFERENCE,
    detect=DetectConfig(),
)
SCIENCE = f"demo:{NIGHT}/a.fits"


@pytest.fixture(scope="module")
def subtracted() -> tuple[Scene, RunKey, str]:
    """A scene in which the night was subtracted; tests must not change it."""
    made = scene()
    run_ingest(made.services, "demo")
    digest = _build(made)
    prepared = run_preprocess(made.services, SCIENCE, PREPARATION)
    return made, run_difference(made.services, prepared, DIFFERENCE), digest


def _build(made: Scene) -> str:
    (group,) = plan_references(
        made.services, survey="demo", config=REFERENCE, leave_out=LeaveOut(nights=frozenset({NIGHT}))
    )
    keys = [run_preprocess(made.services, one, PREPARATION) for one in group.observation_ids]
    (built,) = run_build_reference(
        made.services, keys, REFERENCE, ACTIVATION, cells=group.cells, band=group.band, leaves_out=group.leaves_out
    )
    return built.digest


def test_the_new_star_is_the_strongest_candidate_at_its_place(subtracted: tuple[Scene, RunKey, str]) -> None:
    made, key, _ = subtracted
    with made.services.transaction() as records:
        run = records.difference_runs.get(key)
    best = run.candidates[0]
    assert (best.x_pix, best.y_pix) == pytest.approx((NEW.x_pix, NEW.y_pix), abs=0.3)
    assert best.flux == pytest.approx(NEW.flux, rel=0.1)
    assert best.score > 15.0
    assert best.position is not None
    sky = wcs(SHAPE, centre=CENTRE).pixel_to_world(NEW.x_pix, NEW.y_pix)
    truth = SkyPosition(ra_deg=float(sky.ra.deg), dec_deg=float(sky.dec.deg))
    assert separation_arcsec(best.position, truth) < 0.5


def test_the_reference_holds_the_other_nights_only(subtracted: tuple[Scene, RunKey, str]) -> None:
    made, key, digest = subtracted
    with made.services.transaction() as records:
        reference = records.references.get(digest)
        assert records.difference_runs.get(key).reference_digests == (digest,)
    assert reference.nights == REFERENCE_NIGHTS
    assert reference.version == 1
    assert made.artifacts.contains(digest)


def test_doing_everything_again_is_doing_nothing(
    subtracted: tuple[Scene, RunKey, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    made, key, digest = subtracted
    n_stored = len(made.artifacts.stored)
    monkeypatch.setattr("astrid_core.stages.preprocess.prepare", _not_again)
    monkeypatch.setattr("astrid_core.stages.difference.difference_pair", _not_again)
    monkeypatch.setattr("astrid_core.stages.build_reference.coadd", _not_again)
    assert _build(made) == digest
    assert run_difference(made.services, run_preprocess(made.services, SCIENCE, PREPARATION), DIFFERENCE) == key
    assert len(made.artifacts.stored) == n_stored
    with made.services.transaction() as records:
        names = [event.name for event in records.events.all()]
        assert verify_chain(records.events.all()) == len(names)
    assert names.count("preprocess.recorded") == 3
    assert names.count("difference.recorded") == names.count("reference.recorded") == 1


def _not_again(*_: object, **__: object) -> None:
    raise AssertionError("computed twice")


def test_a_plan_knows_what_is_left_of_a_night(subtracted: tuple[Scene, RunKey, str]) -> None:
    made, _, _ = subtracted
    plan = plan_night(made.services, RECIPE, survey="demo", night=NIGHT)
    assert plan.pending == (SCIENCE,)  # subtracted, but not scored yet
    assert plan.scored == ()
    elsewhere = Region.parse("cone(10, 10, 1deg)")
    assert plan_night(made.services, RECIPE, survey="demo", night=NIGHT, region=elsewhere).pending == ()


def test_without_reference_the_exposure_is_skipped_with_the_reason_until_there_is_one() -> None:
    made = scene()
    run_ingest(made.services, "demo")
    prepared = run_preprocess(made.services, SCIENCE, PREPARATION)
    with pytest.raises(NoReference, match="no reference from another night"):
        run_difference(made.services, prepared, DIFFERENCE)
    with pytest.raises(Unprocessable, match="no reference from another night"):
        run_difference(made.services, prepared, DIFFERENCE)
    plan = plan_night(made.services, RECIPE, survey="demo", night=NIGHT)
    assert (plan.pending, plan.n_skipped) == ((), 1)
    _build(made)
    assert plan_night(made.services, RECIPE, survey="demo", night=NIGHT).pending == (SCIENCE,)


def test_a_changed_setting_makes_an_exposure_pending_again(subtracted: tuple[Scene, RunKey, str]) -> None:
    made, _, _ = subtracted
    changed = replace(RECIPE, preparation=Preparation(preprocess=PreprocessConfig(detect_sigma=7.0)))
    assert plan_night(made.services, changed, survey="demo", night=NIGHT).pending == (SCIENCE,)


def test_a_file_that_changed_after_ingest_is_a_skipped_run() -> None:
    made = scene()
    run_ingest(made.services, "demo")
    made.survey.files[f"{NIGHT}/a.fits"] = exposure(NIGHT, seed=11)
    with pytest.raises(Unprocessable, match="changed since ingest"):
        run_preprocess(made.services, SCIENCE, PREPARATION)
    with made.services.transaction() as records:
        (run,) = records.preprocess_runs.of_observation(SCIENCE)
    assert run.status is RunStatus.SKIPPED
    run_ingest(made.services, "demo")
    assert run_preprocess(made.services, SCIENCE, PREPARATION) != run.key


def test_a_corrupt_image_stops_the_exposure_and_names_the_bytes() -> None:
    made = scene()
    run_ingest(made.services, "demo")
    _build(made)
    prepared = run_preprocess(made.services, SCIENCE, PREPARATION)
    with made.services.transaction() as records:
        image = records.preprocess_runs.get(prepared).image
    assert image is not None
    made.artifacts.stored[image.digest] = b"rot"
    with pytest.raises(CorruptArtifact, match=image.digest):
        run_difference(made.services, prepared, DIFFERENCE)
    with made.services.transaction() as records:
        assert records.difference_runs.of_observation(SCIENCE) == ()


def test_an_unknown_survey_is_a_matter_of_configuration() -> None:
    with pytest.raises(BadConfiguration, match="nowhere"):
        run_ingest(scene().services, "nowhere")


def test_nothing_can_be_coadded_from_nothing() -> None:
    with pytest.raises(NoReference, match="no prepared exposure"):
        run_build_reference(scene().services, [], REFERENCE, ACTIVATION, cells=("6/1",), band="r")
