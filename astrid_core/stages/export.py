"""Freeze an extract of the catalog."""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

import structlog

from astrid_core.catalog.config import ForcedConfig
from astrid_core.catalog.entities import ExportJob
from astrid_core.catalog.exports.config import ExportConfig, Format
from astrid_core.catalog.exports.frozen import FrozenTable, FrozenWriter
from astrid_core.catalog.exports.manifest import CHECKSUMS, MANIFEST, checksum_bytes, manifest_bytes
from astrid_core.catalog.exports.tables import ENTRIES, FORCED, POINTS
from astrid_core.catalog.exports.write import media_type, write_formats
from astrid_core.shared.artifacts import ArtifactRef, chunks, describe_file
from astrid_core.shared.errors import UnknownRecord
from astrid_core.shared.runs import RunKey, run_key
from astrid_core.shared.sky import Region
from astrid_core.stages.export_archive import write_archive
from astrid_core.stages.export_rows import pages_that_may_leave
from astrid_core.stages.services import Services

VERSION = 3
"""Raise when the same catalog should give other files."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Frozen:
    entries: FrozenTable
    points: FrozenTable
    forced: FrozenTable

    @property
    def tables(self) -> tuple[FrozenTable, FrozenTable, FrozenTable]:
        return self.entries, self.points, self.forced


def run_export(
    services: Services, config: ExportConfig, region: Region | None = None, *, forced: ForcedConfig | None = None
) -> RunKey:
    """Write the catalog (or its part in ``region``) into files and name them by their content. Safe to repeat.

    However large the catalog is, some thousand rows are in memory at a time; on disk there are the tables once, as
    Parquet, and besides them one other file after the other.
    """
    place = region.text if region else ""
    limit_sigma = (forced or ForcedConfig()).limit_sigma
    with TemporaryDirectory(prefix="astrid-export-") as name:
        work = Path(name)
        frozen = _freeze(services, config, region, work, limit_sigma)
        inputs = [describe_file(table.path, media_type="").digest for table in frozen.tables]
        key = run_key("export", VERSION, config, [place, *inputs])
        with services.transaction() as records:
            done = records.exports.find(key)
        if done is not None:
            return done.key
        files = _store(services, config, frozen, work)
        counts = {"entries": frozen.entries.n_rows, "points": frozen.points.n_rows, "forced": frozen.forced.n_rows}
        code = {name: version(name) for name in ("astrid", "astropy", "pyarrow")} | {"export": str(VERSION)}
        manifest = manifest_bytes(
            key, config, region=place, limit_sigma=limit_sigma, code=code, counts=counts, files=files
        )
        files[MANIFEST] = services.artifacts.put(manifest, media_type=media_type(MANIFEST))
        files[CHECKSUMS] = services.artifacts.put(checksum_bytes(files), media_type="text/plain")
    job = ExportJob(key=key, files=files, n_entries=frozen.entries.n_rows, n_points=frozen.points.n_rows)
    facts = {"n_entries": job.n_entries, "n_points": job.n_points}
    with services.transaction() as records:
        if records.exports.add(job):
            records.events.append("export.recorded", subject=key, facts=facts)
    log.info("export.recorded", run=key, **facts)
    return key


def save_export(services: Services, key: RunKey, folder: Path) -> Iterator[Path]:
    """Write the files of an extract into a folder and yield each; raise UnknownRecord if there is no such extract."""
    with services.transaction() as records:
        job = records.exports.find(key)
    if job is None:
        raise UnknownRecord("no such export", run=key)
    for name, ref in sorted(job.files.items()):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as out:
            out.writelines(chunks(services.artifacts, ref.digest))
        yield path


def _freeze(
    services: Services, config: ExportConfig, region: Region | None, folder: Path, limit_sigma: float
) -> _Frozen:
    with (
        services.transaction() as records,
        FrozenWriter(ENTRIES, folder / "catalog.parquet") as entries,
        FrozenWriter(POINTS, folder / "light_curves.parquet") as points,
        FrozenWriter(FORCED, folder / "forced_photometry.parquet") as forced,
    ):
        records.catalog.hold_still()
        for page in pages_that_may_leave(records, config, region, limit_sigma=limit_sigma):
            entries.write(page.entries)
            points.write(page.points)
            forced.write(page.forced)
    return _Frozen(entries=entries.table, points=points.table, forced=forced.table)


def _store(services: Services, config: ExportConfig, frozen: _Frozen, folder: Path) -> dict[str, ArtifactRef]:
    files = {}
    for path in _written(services, config, frozen, folder):
        name = path.relative_to(folder).as_posix()
        files[name] = services.artifacts.put_file(path, media_type=media_type(name))
        if path not in {table.path for table in frozen.tables}:
            path.unlink()
    return files


def _written(services: Services, config: ExportConfig, frozen: _Frozen, folder: Path) -> Iterator[Path]:
    yield from (table.path for table in frozen.tables)
    yield from write_formats(folder, frozen.tables, config)
    if Format.ARCHIVE in config.formats:
        path = folder / "objects.zip"
        write_archive(services, path, frozen.tables, config)
        yield path
