"""What is known of objects besides their detections leaves with them: classes, and brightnesses everywhere."""

import io
import json
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pyarrow.parquet as pq
import pytest
from astropy.table import Table

from astrid_core.catalog.config import ForcedConfig
from astrid_core.catalog.context import EntryContext, ObjectClass
from astrid_core.catalog.entities import CatalogEntry, ForcedPoint, ReferenceFlux, Unmeasured
from astrid_core.catalog.exports.config import ExportConfig
from astrid_core.shared.runs import RunKey
from astrid_core.stages.compare_exports import compare_exports
from astrid_core.stages.export import run_export
from astrid_core.stages.lifecycle import quarantine_observation
from astrid_core.stages.light_curves import read_light_curve
from astrid_core.stages.services import Services
from tests.catalog.night import REFERENCE_DIGEST, observation
from tests.stages.exported import exported_files
from tests.stages.voting import Voting, releasable


@pytest.fixture
def night() -> Voting:
    """A night of three objects, two of which were measured in two exposures each; one of these is classed."""
    night = releasable()
    with night.services.transaction() as records:
        records.observations.add(observation(2))
        for number, entry in enumerate(records.catalog.search()[:2]):
            records.forced.add([measured(entry, 1, flux=900.0 + number), measured(entry, 2, flux=-20.0)])
            flux = ReferenceFlux(entry_id=entry.id, reference_digest=REFERENCE_DIGEST, flux=500.0, flux_err=5.0)
            records.forced.add_reference_fluxes([flux])
        records.contexts.put(EntryContext(entry_id=entry.id, object_class=ObjectClass.AGN, reason="coincides with Q"))
    return night


def measured(entry: CatalogEntry, number: int, *, flux: float | None) -> ForcedPoint:
    seen = observation(number)
    return ForcedPoint(
        entry_id=entry.id, difference_key=RunKey(f"difference-{seen.archive_id}"), observation_id=seen.id,
        reference_digest=REFERENCE_DIGEST, position=entry.position, band=seen.band, mid_mjd=seen.mid_mjd,
        zero_point_mag=25.0, reference_scale=1.0, flux=flux, flux_err=None if flux is None else 30.0,
        masked_fraction=0.0, unmeasured=Unmeasured.MASKED if flux is None else None,
    )  # fmt: skip


def rows(services: Services, key: RunKey, table: str) -> list[dict[str, Any]]:
    content = exported_files(services, key)[f"{table}.parquet"]
    found: list[dict[str, Any]] = pq.read_table(io.BytesIO(content)).to_pylist()
    return found


def test_what_an_object_is_taken_for_is_in_its_row(night: Voting) -> None:
    found = rows(night.services, run_export(night.services, ExportConfig()), "catalog")
    classes = [(one["object_class"], one["class_reason"]) for one in found]
    assert sorted(classes, key=str) == [("agn", "coincides with Q"), (None, None), (None, None)]


@pytest.mark.parametrize("limit_sigma", [5.0, 10.0])
def test_brightnesses_are_those_of_the_light_curve_that_is_read(night: Voting, limit_sigma: float) -> None:
    config = ForcedConfig(limit_sigma=limit_sigma)
    key = run_export(night.services, ExportConfig(), forced=config)
    found = rows(night.services, key, "forced_photometry")
    assert len(found) == 4
    catalog = [one["entry_id"] for one in rows(night.services, key, "catalog")]
    assert [one["entry_id"] for one in found] == [name for name in catalog for _ in range(2)][: len(found)]
    for row in found:
        curve = read_light_curve(night.services, UUID(row["entry_id"]), config)
        (told,) = (one for one in curve.points if one.observation_id == row["observation_id"])
        for name in ("flux_njy", "mag_ab", "limit_mag_ab", "total_flux_njy", "total_mag_ab", "masked_fraction"):
            expected = getattr(told, name)
            assert row[name] == (None if expected is None else pytest.approx(expected, rel=1e-5)), name
    assert [one["limit_mag_ab"] is None for one in found] == [True, False] * 2
    manifest = json.loads(exported_files(night.services, key)["manifest.json"])
    assert manifest["counts"]["forced"] == 4
    assert manifest["settings"]["limit_sigma"] == limit_sigma
    assert "limit_mag_ab" in {one["name"] for one in manifest["columns"]["forced_photometry"]}


def test_what_was_measured_in_an_exposure_that_is_set_aside_stays(night: Voting) -> None:
    quarantine_observation(night.services, observation(2).id, reason="a satellite")
    found = rows(night.services, run_export(night.services, ExportConfig()), "forced_photometry")
    assert {one["observation_id"] for one in found} == {observation(1).id}


def test_the_archive_holds_it_object_by_object(night: Voting) -> None:
    content = exported_files(night.services, run_export(night.services, ExportConfig()))["objects.zip"]
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        names = [name for name in archive.namelist() if name.startswith("forced_photometry/")]
        assert len(names) == 2
        for name in names:
            table = Table.read(io.BytesIO(archive.read(name)), format="ascii.ecsv")
            assert set(table["entry_id"]) == {Path(name).stem}
            assert len(table) == 2
            assert str(table["flux_njy"].unit) == "nJy"


def test_what_changed_of_it_is_told_by_object_and_exposure(night: Voting, tmp_path: Path) -> None:
    before = run_export(night.services, ExportConfig())
    with night.services.transaction() as records:
        entry = records.catalog.search()[2]
        records.forced.add([measured(entry, 2, flux=None)])
    after = run_export(night.services, ExportConfig())
    found = compare_exports(night.services, before, after, tmp_path / "changes.csv")
    assert found["forced_photometry"].n_by_change == {"gained": 1}
    assert found["forced_photometry"].n_same == 4
    told = (tmp_path / "changes.csv").read_text().splitlines()[1:]
    assert told == [f"forced_photometry,{entry.id}:{observation(2).id},gained,,,"]


def test_an_extract_from_before_there_was_such_a_table_is_compared_by_the_others(night: Voting) -> None:
    key = run_export(night.services, ExportConfig())
    with night.services.transaction() as records:
        job = records.exports.find(key)
        assert job is not None
        files = {name: ref for name, ref in job.files.items() if not name.startswith("forced_photometry")}
        records.exports.add(replace(job, key=RunKey("export-old"), files=files))
    found = compare_exports(night.services, RunKey("export-old"), key)
    assert "flux_njy" in found["forced_photometry"].columns_gained
    assert not found["forced_photometry"].n_by_change
    assert found["catalog"].n_same == 3
    assert "flux_njy" in compare_exports(night.services, key, RunKey("export-old"))["forced_photometry"].columns_lost
