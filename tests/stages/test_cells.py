"""Fields where four cells of the sky meet: four references, one difference, nothing found twice."""

from dataclasses import replace

import numpy as np
import pytest

from astrid_core.differencing.config import ActivationConfig, DifferenceConfig, ReferenceConfig
from astrid_core.differencing.entities import Candidate, DifferenceRun, ReferenceImage, ReferenceStatus
from astrid_core.differencing.leave_out import LeaveOut
from astrid_core.differencing.template import Part, assemble, owner_of
from astrid_core.shared.errors import NoReference
from astrid_core.shared.images import SkyImage
from astrid_core.shared.runs import RunKey
from astrid_core.stages.build_reference import run_build_reference
from astrid_core.stages.difference import find_references, run_difference
from astrid_core.stages.images import load_image, load_template
from astrid_core.stages.ingest import run_ingest
from astrid_core.stages.preprocess import Preparation, run_preprocess
from astrid_core.stages.reference_status import list_references, list_stale, retire_reference
from astrid_core.stages.references import plan_references
from tests.stages.scene import NEW, NIGHT, REFERENCE_NIGHTS, SHAPE, Scene, exposure, scene
from tests.synthetic.fields import Source, wcs

CORNER = (151.875, 2.38801546)
"""Four cells of order 6 meet in the middle of a cell of order 4, whose tangent plane they share."""
BORDER = (149.765625, 1.79078)
"""Here four of them meet on the edge of that plane."""
SCIENCE = f"demo:{NIGHT}/a.fits"
REFERENCE, DIFFERENCE = ReferenceConfig(), DifferenceConfig()


@pytest.fixture(scope="module")
def made() -> Scene:
    """The field at the corner with its references in use."""
    return _field(CORNER)


def _field(centre: tuple[float, float]) -> Scene:
    files = {f"{night}/a.fits": exposure(night, seed=n, centre=centre) for n, night in enumerate(REFERENCE_NIGHTS)}
    files[f"{NIGHT}/a.fits"] = exposure(NIGHT, seed=10, extra=[NEW], fwhm=3.3, centre=centre)
    found = scene(**files)
    run_ingest(found.services, "demo")
    _build(found)
    return found


def _build(made: Scene) -> list[str]:
    digests = []
    leave_out = LeaveOut(nights=frozenset({NIGHT}))
    for group in plan_references(made.services, survey="demo", config=REFERENCE, leave_out=leave_out):
        keys = [run_preprocess(made.services, one, Preparation()) for one in group.observation_ids]
        built = run_build_reference(
            made.services, keys, REFERENCE, ActivationConfig(),
            cells=group.cells, band=group.band, leaves_out=group.leaves_out,
        )  # fmt: skip
        digests += [one.digest for one in built]
    return digests


def _found(made: Scene) -> tuple[ReferenceImage, ...]:
    with made.services.transaction() as records:
        return find_references(records, records.observations.get(SCIENCE), DIFFERENCE)


def _only_one_near(run: DifferenceRun, star: Source) -> Candidate:
    (found,) = [one for one in run.candidates if np.hypot(one.x_pix - star.x_pix, one.y_pix - star.y_pix) < 6.0]
    return found


def _parts(made: Scene) -> list[Part]:
    return [Part(reference=one, image=load_image(made.artifacts, one.image)) for one in _found(made)]


def test_every_cell_that_the_field_touches_has_a_reference_on_the_same_grid(made: Scene) -> None:
    built = list_references(made.services)
    assert len({one.cell for one in built}) == len(built) == 4
    assert {one.cell.order for one in built} == {6}
    assert len({one.family for one in built}) == len({one.recipe for one in built}) == 1
    assert all(one.status is ReferenceStatus.ACTIVE for one in built)


def test_building_them_again_builds_nothing(made: Scene) -> None:
    before = [one.digest for one in list_references(made.services)]
    assert sorted(_build(made)) == sorted(before)
    assert [one.digest for one in list_references(made.services)] == before


def test_an_exposure_is_compared_with_all_of_them_that_of_its_middle_first(made: Scene) -> None:
    found = _found(made)
    with made.services.transaction() as records:
        middle = records.observations.get(SCIENCE).position
    assert len(found) == 4
    assert found[0].cell.holds(middle)


def test_the_pieces_laid_side_by_side_have_no_seam(made: Scene) -> None:
    parts = _parts(made)
    whole = assemble(parts)
    assert whole.usable.mean() > 0.4
    for part in parts:
        assert part.image.wcs is not None
        assert whole.wcs is not None
        corner = whole.wcs.world_to_pixel(part.image.wcs.pixel_to_world(0, 0))
        x, y = (round(float(one)) for one in corner)
        ny, nx = part.image.shape
        both = part.image.usable & whole.usable[y : y + ny, x : x + nx]
        # Pieces of one coadd: margins show what the neighbour owns, to the bit.
        np.testing.assert_array_equal(whole.pixels[y : y + ny, x : x + nx][both], part.image.pixels[both])


def test_a_new_star_at_the_corner_is_found_once_and_belongs_to_the_cell_that_owns_it(made: Scene) -> None:
    key = run_difference(made.services, run_preprocess(made.services, SCIENCE, Preparation()), DIFFERENCE)
    with made.services.transaction() as records:
        run = records.difference_runs.get(key)
        references = [records.references.get(digest) for digest in run.reference_digests]
    assert len(run.reference_digests) == 4
    sky = wcs(SHAPE, centre=CORNER).pixel_to_world(NEW.x_pix, NEW.y_pix)
    strongest = run.candidates[0]
    assert strongest.position is not None
    assert abs(strongest.position.ra_deg - sky.ra.deg) * 3600.0 < 0.5
    assert abs(strongest.position.dec_deg - sky.dec.deg) * 3600.0 < 0.5
    assert strongest == _only_one_near(run, NEW)
    owner = owner_of(strongest.position, references)
    assert owner.cell.holds(strongest.position)
    assert sum(one.cell.holds(strongest.position) for one in references) == 1


def test_where_tangent_planes_meet_a_new_star_is_found_once_too() -> None:
    made = _field(BORDER)
    assert len({one.recipe for one in list_references(made.services)}) > 1
    key = run_difference(made.services, run_preprocess(made.services, SCIENCE, Preparation()), DIFFERENCE)
    with made.services.transaction() as records:
        run = records.difference_runs.get(key)
    assert len(run.reference_digests) == 4
    assert run.candidates[0] == _only_one_near(run, NEW)
    assert run.n_usable_pix > 0.9 * np.prod(SHAPE)


def test_what_was_compared_with_any_retired_cell_is_stale(made: Scene) -> None:
    key = run_difference(made.services, run_preprocess(made.services, SCIENCE, Preparation()), DIFFERENCE)
    assert list_stale(made.services) == ()
    beside = _found(made)[-1]
    retire_reference(made.services, beside.digest, reason="test")
    try:
        (stale,) = list_stale(made.services)
        assert (stale.run, stale.reference_digest) == (key, beside.digest)
        assert len(_found(made)) == 3
    finally:
        with made.services.transaction() as records:
            records.references.set_status(beside.digest, ReferenceStatus.ACTIVE)


def test_cells_of_other_builds_are_joined_by_their_zero_points(made: Scene) -> None:
    first, *others = _parts(made)
    whole = assemble([first, *others])
    dimmer = [
        Part(
            reference=replace(one.reference, recipe=RunKey("other"), zero_point_mag=24.0),
            image=replace(one.image, pixels=one.image.pixels * np.float32(10.0**-0.4), variance=one.image.variance),
        )
        for one in others
    ]
    bright = Part(reference=replace(first.reference, zero_point_mag=25.0), image=first.image)
    joined = assemble([bright, *dimmer])
    usable = whole.usable & joined.usable
    np.testing.assert_allclose(joined.pixels[usable], whole.pixels[usable], rtol=1e-4, atol=1e-3)


def test_what_lies_far_from_the_exposure_is_left_out(made: Scene) -> None:
    references = _found(made)
    with made.services.transaction() as records:
        (run,) = records.preprocess_runs.of_observation(SCIENCE)
    assert run.image is not None
    science = load_image(made.artifacts, run.image)
    corner = SkyImage(
        pixels=science.pixels[:80, :80], variance=science.variance[:80, :80], mask=science.mask[:80, :80],
        wcs=science.wcs,
    )  # fmt: skip
    whole = load_template(made.artifacts, references, science)
    assert np.prod(load_template(made.artifacts, references, corner).shape) < 0.2 * np.prod(whole.shape)


def test_an_exposure_is_not_compared_with_references_that_hold_its_night(made: Scene) -> None:
    with made.services.transaction() as records:
        seen = records.observations.get(SCIENCE)
        own = replace(seen, mid_mjd=seen.mid_mjd - 10.0)
        assert all(own.night in one.nights for one in records.references.search())
        with pytest.raises(NoReference):
            find_references(records, own, DIFFERENCE)
