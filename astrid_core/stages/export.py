"""Freeze an extract of the catalog."""

from collections.abc import Mapping

import structlog

from astrid_core.catalog.config import ExportConfig
from astrid_core.catalog.entities import ExportJob
from astrid_core.catalog.export import export_bytes, select
from astrid_core.shared.artifacts import describe
from astrid_core.shared.errors import UnknownRecord
from astrid_core.shared.runs import RunKey, run_key
from astrid_core.shared.sky import Region
from astrid_core.stages.services import Services

VERSION = 1
"""Raise when the same catalog should give other files."""

_MEDIA_TYPES = {"ecsv": "text/x-ecsv", "csv": "text/csv"}

log = structlog.get_logger(__name__)


def run_export(services: Services, config: ExportConfig, region: Region | None = None) -> RunKey:
    """Write the catalog (or its part in ``region``) into tables and name them by their content. Safe to repeat."""
    with services.transaction() as records:
        entries = select(records.catalog.search(region=region), config)
        points = records.catalog.points([entry.id for entry in entries])
    contents = export_bytes(entries, points)
    types = {name: _MEDIA_TYPES[name.rpartition(".")[2]] for name in contents}
    inputs = [f"{name}:{describe(contents[name], media_type=types[name]).digest}" for name in sorted(contents)]
    key = run_key("export", VERSION, config, [region.text if region else "", *inputs])
    with services.transaction() as records:
        done = records.exports.find(key)
    if done is not None:
        return done.key
    files = {name: services.artifacts.put(content, media_type=types[name]) for name, content in contents.items()}
    with services.transaction() as records:
        job = ExportJob(key=key, files=files, n_entries=len(entries), n_points=len(points))
        if records.exports.add(job):
            facts = {"n_entries": job.n_entries, "n_points": job.n_points}
            records.events.append("export.recorded", subject=key, facts=facts)
    log.info("export.recorded", run=key, n_entries=len(entries), n_points=len(points))
    return key


def exported_files(services: Services, key: RunKey) -> Mapping[str, bytes]:
    """Return the bytes of an extract by file name; raise UnknownRecord if there is no such extract."""
    with services.transaction() as records:
        job = records.exports.find(key)
    if job is None:
        raise UnknownRecord("no such export", run=key)
    return {name: services.artifacts.get(ref.digest) for name, ref in sorted(job.files.items())}
