"""An extract over memory twins: what is in it, that it never changes, and what is never in it."""

import hashlib
import io
import json
import re
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pyarrow.parquet as pq
import pytest
from astropy.io import fits
from astropy.table import Table
from astropy.wcs import WCS

from astrid_core.bootstrap import Pipeline
from astrid_core.catalog.context import EntryContext, ObjectClass
from astrid_core.catalog.entities import CatalogEntry, EntryStatus
from astrid_core.catalog.exports.cone_search import ConeQuery
from astrid_core.catalog.exports.config import ExportConfig
from astrid_core.catalog.exports.tables import TABLES
from astrid_core.curation.entities import InjectedSeed, Seed, Verdict
from astrid_core.differencing.inject_config import InjectConfig
from astrid_core.shared.errors import BadConfiguration, InjectedInCatalog, UnknownRecord, Unprocessable
from astrid_core.shared.runs import RunKey
from astrid_core.shared.sky import Region
from astrid_core.stages.compare_exports import compare_exports
from astrid_core.stages.cone_search import search_catalog
from astrid_core.stages.export import run_export
from astrid_core.stages.inject import run_injection
from astrid_core.stages.publish import run_publish
from astrid_core.stages.release import run_release
from tests.stages.exported import exported_files
from tests.stages.injecting import with_injected
from tests.stages.scene import NIGHT, Scene, scene
from tests.stages.searched import searched
from tests.stages.voting import Voting, releasable

PIPELINE = Pipeline(inject=InjectConfig(n_sources=40, separation_fwhm=4.0))


@pytest.fixture(scope="module")
def made() -> tuple[Scene, RunKey]:
    """A night with pixels, searched, published and exported, with an injection run beside it."""
    made = scene()
    difference, model_run, model = searched(made, PIPELINE)
    run_injection(made.services, difference, model.id, PIPELINE.trial())
    run_publish(made.services, "demo", NIGHT, PIPELINE.publish, [model_run])
    return made, run_export(made.services, PIPELINE.export)


@pytest.fixture
def night() -> Voting:
    return releasable()


def test_the_manifest_tells_what_is_there_and_how_to_cite_it(made: tuple[Scene, RunKey]) -> None:
    scene_made, key = made
    files = exported_files(scene_made.services, key)
    manifest = json.loads(files["manifest.json"])
    told = {name: one["sha256"] for name, one in manifest["files"].items()}
    assert told == {
        name: hashlib.sha256(content).hexdigest()
        for name, content in files.items()
        if name not in {"manifest.json", "SHA256SUMS"}
    }
    assert manifest["identifier"] == key
    assert key in manifest["citation"]
    assert manifest["licence"] == "CC-BY-4.0"
    assert manifest["settings"]["min_detections"] == 1
    assert set(manifest["code"]) == {"astrid", "astropy", "pyarrow", "export"}
    assert manifest["counts"] == {
        "entries": len(Table.read(io.BytesIO(files["catalog.ecsv"]), format="ascii.ecsv")),
        "points": len(Table.read(io.BytesIO(files["light_curves.ecsv"]), format="ascii.ecsv")),
        "forced": 0,
    }
    assert not re.search(rb"20\d\d-\d\d-\d\d[T ]\d\d:", files["manifest.json"])
    sums = {line[66:]: line[:64] for line in files["SHA256SUMS"].decode().splitlines()}
    assert sums == told | {"manifest.json": hashlib.sha256(files["manifest.json"]).hexdigest()}


def test_the_archive_holds_a_light_curve_and_the_pixels_of_each_object(made: tuple[Scene, RunKey]) -> None:
    scene_made, key = made
    with scene_made.services.transaction() as records:
        entries = records.catalog.search()
        points = records.catalog.points([entry.id for entry in entries])
    content = exported_files(scene_made.services, key)["objects.zip"]
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        assert {name for name in archive.namelist() if name.startswith("light")} == {
            f"light_curves/{entry.id}.ecsv" for entry in entries
        }
        for point in points:
            table = Table.read(io.BytesIO(archive.read(f"light_curves/{point.entry_id}.ecsv")), format="ascii.ecsv")
            assert list(table["detection_id"]) == [point.detection_id]
            with fits.open(io.BytesIO(archive.read(f"cutouts/{point.entry_id}.fits")), checksum=True) as hdus:
                assert [hdu.name for hdu in hdus[1:]] == ["SCIENCE", "REFERENCE", "DIFFERENCE", "SCORE"]
                x, y = WCS(hdus["SCIENCE"].header).world_to_pixel_values(point.position.ra_deg, point.position.dec_deg)
                assert (float(x), float(y)) == pytest.approx((31.0, 31.0), abs=0.6)
                assert hdus["SCIENCE"].data.shape == (63, 63)
                assert hdus[0].header["DETECTID"] == point.detection_id


def test_nothing_of_an_injection_is_in_any_file(made: tuple[Scene, RunKey]) -> None:
    scene_made, key = made
    with scene_made.services.transaction() as records:
        (run,) = (one for one in records.events.all() if one.name == "injection.recorded")
        injections = records.injection_runs.get(RunKey(run.subject))
        known = {detection_id_of(one) for one in records.catalog.points([e.id for e in records.catalog.search()])}
    assert injections.n_injected > 20
    found = searchable(exported_files(scene_made.services, key))
    assert run.subject.encode() not in found
    assert b"inject" not in found.lower()
    # The same search finds every detection that is in the catalog, in every format that names detections.
    assert known == set(re.findall(rb"detect-[0-9a-f]{32}:\d+", found))


def test_that_a_detection_is_a_seed_is_in_no_file(night: Voting) -> None:
    with night.services.transaction() as records:
        records.seeds.add(Seed(detection_id=night.ids[0], answer=Verdict.REAL, origin="a spectrum"))
    key = run_export(night.services, ExportConfig())
    found = searchable(exported_files(night.services, key))
    assert night.ids[0].encode() in found
    assert b"seed" not in found.lower()
    assert b"spectrum" not in found.lower()


def test_an_injected_source_that_came_into_the_catalog_stops_every_extract() -> None:
    night, _ = with_stranger(InjectedSeed)
    with pytest.raises(InjectedInCatalog, match=night.ids[-1]):
        run_export(night.services, ExportConfig())
    with night.services.transaction() as records:
        anywhere = ConeQuery(centre=records.catalog.search()[0].position, radius_deg=180.0, most=100)
        assert not [one for one in records.events.all() if one.name == "export.recorded"]
    with pytest.raises(InjectedInCatalog, match=night.ids[-1]):
        search_catalog(night.services, anywhere, ExportConfig())


def test_an_injected_source_would_be_found_in_every_format() -> None:
    """Nothing but what is known of it keeps it out: the same object is in every file if its detection is a seed."""
    night, entry = with_stranger(Seed)
    files = exported_files(night.services, run_export(night.services, ExportConfig()))
    kinds = {"csv", "ecsv", "fits", "vot", "reg", "zip", "parquet", "hats"}
    holding = {
        kind
        for kind in kinds
        if str(entry.id).encode() in searchable({name: one for name, one in files.items() if kind_of(name) == kind})
    }
    assert holding == kinds


def with_stranger(kind: type[Seed | InjectedSeed]) -> tuple[Voting, CatalogEntry]:
    """Return a night whose catalog holds one object more, whose only detection is a seed of this kind."""
    night = with_injected(3, 1)
    night.publish()
    with night.services.transaction() as records:
        like = records.catalog.search()[0]
        (point,) = records.catalog.points([like.id])
        entry = replace(like, id=UUID(int=7))
        records.catalog.put(entry)
        detection_id = night.ids[-1] if kind is InjectedSeed else f"{night.key}:77"
        records.catalog.put_points([replace(point, entry_id=entry.id, detection_id=detection_id)])
    return night, entry


def kind_of(name: str) -> str:
    return "hats" if name.startswith("hats/") else name.rpartition(".")[2]


def test_filters_choose_objects_and_their_light_curves(night: Voting) -> None:
    with night.services.transaction() as records:
        entries = list(records.catalog.search())
        records.catalog.put(replace(entries[0], status=EntryStatus.CONFIRMED))
        records.catalog.put(replace(entries[1], n_detections=5))
        for one, told in zip(entries, (ObjectClass.AGN, ObjectClass.STAR), strict=False):
            records.contexts.put(EntryContext(entry_id=one.id, object_class=told, reason="so"))
    for config, region, expected in (
        (ExportConfig(statuses=("confirmed",)), None, {entries[0].id}),
        (ExportConfig(min_detections=5), None, {entries[1].id}),
        (ExportConfig(), Region.cone(entries[2].position, radius_deg=1e-6), {entries[2].id}),
        (ExportConfig(statuses=("rejected",)), None, set()),
        (ExportConfig(classes=("star",)), None, {entries[1].id}),
        (ExportConfig(classes=("star", "agn")), None, {entries[0].id, entries[1].id}),
    ):
        files = exported_files(night.services, run_export(night.services, config, region))
        for name in ("catalog.ecsv", "light_curves.ecsv"):
            table = Table.read(io.BytesIO(files[name]), format="ascii.ecsv")
            assert {str(one) for one in table["entry_id"]} == {str(one) for one in expected}


def test_only_the_formats_that_are_asked_for_are_written(night: Voting) -> None:
    files = exported_files(night.services, run_export(night.services, ExportConfig(formats=("csv",))))
    assert set(files) == {
        *(f"{table.name}.{kind}" for table in TABLES for kind in ("parquet", "csv")),
        "manifest.json", "SHA256SUMS",
    }  # fmt: skip
    with pytest.raises(BadConfiguration, match="no such format"):
        ExportConfig(formats=("xls",))
    with pytest.raises(BadConfiguration, match="no such class"):
        ExportConfig(classes=("comet",))


def test_what_is_released_stays_as_it_was_when_the_catalog_changes(night: Voting) -> None:
    key = run_export(night.services, ExportConfig())
    run_release(night.services, key, login="dan", requested_by="olga", reason="DR 1")
    frozen = exported_files(night.services, key)
    with night.services.transaction() as records:
        entry = records.catalog.search()[0]
        records.catalog.put(replace(entry, status=EntryStatus.CONFIRMED, best_score=0.125))
    later = run_export(night.services, ExportConfig())
    assert later != key
    assert exported_files(night.services, key) == frozen
    run_release(night.services, later, login="dan", requested_by="olga", reason="DR 2")
    with night.services.transaction() as records:
        assert [one.facts["release"] for one in records.events.named("catalog.released")] == [1, 2]


def test_two_extracts_are_compared_column_by_column(night: Voting, tmp_path: Path) -> None:
    before = run_export(night.services, ExportConfig())
    with night.services.transaction() as records:
        entry = records.catalog.search()[0]
        records.catalog.put(replace(entry, status=EntryStatus.CONFIRMED, best_score=0.125))
    after = run_export(night.services, ExportConfig())
    found = compare_exports(night.services, before, after, tmp_path / "changes.csv")
    assert found["catalog"].n_by_change == {"changed": 1}
    assert found["catalog"].n_by_column == {"status": 1, "best_score": 1}
    assert (found["catalog"].n_same, found["light_curves"].n_same) == (2, 3)
    assert sorted((tmp_path / "changes.csv").read_text().splitlines()[1:]) == [
        f"catalog,{entry.id},changed,best_score,{round(entry.best_score, 4)},0.125",
        f"catalog,{entry.id},changed,status,candidate,confirmed",
    ]
    assert all(not one.n_by_change for one in compare_exports(night.services, after, after).values())
    with pytest.raises(UnknownRecord):
        compare_exports(night.services, before, RunKey("export-none"))


def test_an_extract_from_before_parquet_is_not_compared(night: Voting) -> None:
    key = run_export(night.services, ExportConfig())
    with night.services.transaction() as records:
        job = records.exports.find(key)
        assert job is not None
        files = {name: ref for name, ref in job.files.items() if not name.endswith(".parquet")}
        records.exports.add(replace(job, key=RunKey("export-old"), files=files))
    with pytest.raises(Unprocessable, match="not frozen as Parquet"):
        compare_exports(night.services, RunKey("export-old"), key)


def detection_id_of(point: object) -> bytes:
    return str(getattr(point, "detection_id")).encode()  # noqa: B009 - any kind of point


def searchable(files: Mapping[str, bytes]) -> bytes:
    """Return all that is in an extract as one text: archives opened, columns of Parquet written out."""
    texts: list[bytes] = []
    for name, content in files.items():
        if name.endswith(".zip"):
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                texts += [one.encode() + archive.read(one) for one in archive.namelist()]
        elif name.endswith(".parquet"):
            table = pq.read_table(io.BytesIO(content))
            texts.append(repr(table.to_pylist()).encode() + repr(table.schema).encode())
        else:
            texts.append(content)
    return b"\n".join(texts)
