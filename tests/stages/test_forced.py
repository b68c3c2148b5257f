"""Objects measured in every exposure that covers them, over memory twins: the real chain, then the records."""

from dataclasses import dataclass, replace
from typing import Any

import pytest

from astrid_core.bootstrap import Pipeline
from astrid_core.catalog.config import ForcedConfig, PublishConfig
from astrid_core.catalog.entities import CatalogEntry, EntryStatus, ForcedPoint, Motion
from astrid_core.catalog.light_curve import LightCurve
from astrid_core.shared.runs import RunKey
from astrid_core.stages.difference import run_difference
from astrid_core.stages.forced import ForcedSummary, run_forced, run_forced_entries
from astrid_core.stages.lifecycle import quarantine_observation
from astrid_core.stages.light_curves import read_light_curve
from astrid_core.stages.preprocess import run_preprocess
from astrid_core.stages.publish import run_publish
from astrid_core.stages.services import Services
from tests.fakes.records import MemoryDatabase
from tests.stages.scene import NEW, NIGHT, exposure, scene
from tests.stages.searched import SCIENCE, searched

CONFIG = ForcedConfig()
EARLIER, LATER = "2024-01-16", "2024-01-22"
FAINT = replace(NEW, flux=NEW.flux / 2.0)


@dataclass(frozen=True, slots=True)
class Night:
    """A night that is in the catalog, between two that were compared with the reference only."""

    services: Services
    database: MemoryDatabase
    run: RunKey
    before: RunKey
    """The difference of the night before."""
    entry: CatalogEntry

    def but(self, **changed: dict[Any, Any]) -> "Night":
        other = self.database.but(**changed)
        return replace(self, services=replace(self.services, transaction=other.transaction), database=other)

    def measure(self) -> ForcedSummary:
        return run_forced(self.services, "demo", NIGHT, CONFIG, [self.run])

    def curve(self) -> LightCurve:
        return read_light_curve(self.services, self.entry.id, CONFIG)

    def points(self) -> dict[str, ForcedPoint]:
        with self.services.transaction() as records:
            return {one.observation_id: one for one in records.forced.of_entries([self.entry.id])}


@pytest.fixture(scope="module")
def made() -> Night:
    made = scene(
        **{
            f"{EARLIER}/b.fits": exposure(EARLIER, seed=11),
            f"{LATER}/c.fits": exposure(LATER, seed=12, extra=[FAINT], fwhm=2.9),
        }
    )
    pipeline = Pipeline()
    _, run, _ = searched(made, pipeline, leave_out=(EARLIER, LATER))
    services = made.services
    keys = [
        run_difference(services, run_preprocess(services, name, pipeline.preparation), pipeline.difference)
        for name in (f"demo:{EARLIER}/b.fits", f"demo:{LATER}/c.fits")
    ]
    run_publish(services, "demo", NIGHT, PublishConfig(), [run])
    with services.transaction() as records:
        entry = max(records.catalog.search(), key=lambda one: one.peak_significance)
    return Night(services, made.database, run, keys[0], entry)


@pytest.fixture
def night(made: Night) -> Night:
    """What a test changes does not outlive it."""
    return made.but()


def test_a_new_object_is_measured_before_and_after_it_was_found(night: Night) -> None:
    summary = night.measure()
    before, found, after = night.curve().points
    with night.services.transaction() as records:
        (detected,) = records.catalog.points([night.entry.id])

    assert [one.observation_id[5:15] for one in (before, found, after)] == [EARLIER, NIGHT, LATER]
    assert summary.n_files == 3
    assert found.flux == pytest.approx(detected.flux, rel=2e-3)
    assert found.flux_err == pytest.approx(detected.flux_err, rel=0.1)
    assert found.mag_ab == pytest.approx(detected.mag_ab, abs=3e-3)
    assert found.flux_njy == pytest.approx(NEW.flux * 10.0 ** (0.4 * 6.4), rel=0.05)
    assert before.flux is not None
    assert before.flux_err is not None
    assert abs(before.flux) < 4.0 * before.flux_err
    assert before.mag_ab is None
    assert before.limit_mag_ab is not None
    assert found.mag_ab is not None
    assert before.limit_mag_ab > found.mag_ab
    assert after.flux == pytest.approx(FAINT.flux, rel=0.08)


def test_every_point_names_its_reference_its_run_and_its_zero_point(night: Night) -> None:
    night.measure()
    points = night.points()
    with night.services.transaction() as records:
        for point in points.values():
            run = records.difference_runs.get(point.difference_key)
            assert run.observation_id == point.observation_id
            assert point.reference_digest in run.reference_digests
            assert point.zero_point_mag == pytest.approx(25.0, abs=0.5)


def test_measuring_again_adds_nothing_and_reads_no_file(night: Night) -> None:
    night.measure()
    first = night.points()

    assert night.measure() == ForcedSummary(n_left_out=night.measure().n_left_out)
    assert night.points() == first


def test_what_a_killed_run_has_left_is_made_good(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = night.but()
    whole.measure()
    real, calls = night.services.artifacts.get, []

    def killed(digest: str) -> bytes:
        calls.append(digest)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return real(digest)

    with monkeypatch.context() as patch:
        patch.setattr(night.services.artifacts, "get", killed)
        with pytest.raises(KeyboardInterrupt):
            night.measure()
    assert 0 < len(night.points()) < 3
    night.measure()

    assert night.points() == whole.points()
    assert night.curve() == whole.curve()


def test_exposures_long_before_the_first_detection_are_left_out(night: Night) -> None:
    run_forced(night.services, "demo", NIGHT, ForcedConfig(history_days=3.0), [night.run])

    assert [name[5:15] for name in night.points()] == [NIGHT, LATER]


def test_what_moves_is_left_out_and_so_is_an_exposure_that_is_set_aside(night: Night) -> None:
    moving = replace(night.entry, motion=Motion(rate_arcsec_h=20.0, angle_deg=10.0))
    mover = night.but(entries={moving.id: moving})
    mover.measure()
    quarantine_observation(night.services, SCIENCE, reason="clouds")
    night.measure()

    assert mover.points() == {}
    assert [name[5:15] for name in night.points()] == [EARLIER, LATER]


def test_a_measurement_of_an_exposure_that_is_set_aside_later_is_not_read(night: Night) -> None:
    night.measure()
    quarantine_observation(night.services, SCIENCE, reason="clouds")

    assert [one.observation_id[5:15] for one in night.curve().points] == [EARLIER, LATER]


def test_a_withdrawn_object_leads_to_its_successor(night: Night) -> None:
    first = replace(night.entry, id=type(night.entry.id)(int=7))
    withdrawn = replace(night.entry, status=EntryStatus.WITHDRAWN, successor=first.id)
    night.measure()
    merged = night.but(entries={first.id: first, withdrawn.id: withdrawn})
    run_forced_entries(merged.services, [first.id, withdrawn.id], CONFIG)
    curve = merged.curve()

    assert (curve.asked, curve.entry) == (withdrawn.id, first)
    assert [one.flux for one in curve.points] == [one.flux for one in night.curve().points]


def test_another_reference_gives_another_measurement_with_the_same_total(made: Night) -> None:
    night = made.but()
    night.measure()
    with night.services.transaction() as records:
        (flux,) = records.forced.reference_fluxes([night.entry.id])
        old = records.references.get(flux.reference_digest)
    newer = replace(old, image=replace(old.image, digest="f" * 64), version=old.version + 1)
    (point,) = [one for name, one in night.points().items() if NIGHT in name]
    assert point.flux is not None
    assert point.reference_scale is not None
    # The newer reference holds 100 counts more of the object; the difference as much less.
    shown = replace(flux, reference_digest=newer.digest, flux=(flux.flux or 0.0) + 100.0)
    again = replace(
        point, difference_key=RunKey("difference-again"), reference_digest=newer.digest,
        flux=point.flux - 100.0 * point.reference_scale,
    )  # fmt: skip
    before = {one.observation_id: one for one in night.curve().points}[point.observation_id]
    changed = night.but(
        references={newer.digest: newer},
        reference_fluxes={(shown.entry_id, shown.reference_digest): shown},
        forced={(again.entry_id, again.difference_key): again},
    )
    after = {one.observation_id: one for one in changed.curve().points}[point.observation_id]

    assert (after.reference_digest, after.difference_key) == (newer.digest, again.difference_key)
    assert after.flux_njy != before.flux_njy
    assert after.total_flux_njy == pytest.approx(before.total_flux_njy)
