"""The work behind the tasks that let an extract of the catalog go out."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from astrid_core.bootstrap import Pipeline
from astrid_core.catalog.entities import ExportJob
from astrid_core.catalog.exports.compare import Change, Difference
from astrid_core.shared.errors import Unprocessable
from astrid_core.shared.runs import RunKey
from astrid_core.stages.compare_exports import compare_exports
from astrid_core.stages.export import run_export
from astrid_core.stages.release import extract, is_released, last_release, require_requester, run_release
from astrid_core.stages.services import Services
from include.answers import Answer, acting, person_of, reason_of
from include.messages import Extract
from include.request import read_region


def freeze(services: Services, pipeline: Pipeline, *, requested_by: str, region: str | None, **chosen: Any) -> Extract:
    """Freeze the catalog, or its part in a region; return the extract for a second person.

    ``chosen`` are ``statuses``, ``classes``, ``min_detections`` and ``formats`` in the place of the settings; None is
    as they say.
    NotAllowed where it is not known who asks, or they may not operate; Unprocessable where it is public already.
    """
    require_requester(services, requested_by)
    wanted: dict[str, Any] = {name: value for name, value in chosen.items() if value}
    for name in ("statuses", "classes", "formats"):
        if name in wanted:
            wanted[name] = tuple(wanted[name])
    key = run_export(services, replace(pipeline.export, **wanted), read_region(region), forced=pipeline.forced)
    if is_released(services, key):
        raise Unprocessable("this extract is public already", run=key)
    with services.transaction() as records:
        job = extract(records, key)
    size = f"{job.n_entries} objects with {job.n_points} measurements"
    lines = [
        f"{requested_by} asks for the release of {size}, as `{key}`. It needs somebody else.\n",
        *_changes(services, key),
        *_files(job),
    ]
    return Extract(key=key, requested_by=requested_by, text="\n".join(lines))


def _changes(services: Services, key: RunKey) -> Sequence[str]:
    """Return what a second person wants to know: what is different from what is public now."""
    last = last_release(services)
    if last is None:
        return ["It would be the first release.\n"]
    number, before = last
    try:
        found: Mapping[str, Difference] = compare_exports(services, before, key)
    except Unprocessable as error:
        return [f"It cannot be compared with release {number}, `{before}`: {error}\n"]
    head = ["| Table | " + " | ".join(Change) + " | the same | columns that changed |", "|---|---|---|---|---|---|"]
    rows = [
        f"| {table} | {' | '.join(str(one.n_by_change[change]) for change in Change)} | {one.n_same} | "
        f"{', '.join(f'{name} ({n_rows})' for name, n_rows in sorted(one.n_by_column.items()))} |"
        for table, one in found.items()
    ]
    return [f"Since release {number}, `{before}`:\n", *head, *rows, ""]


def _files(job: ExportJob) -> Sequence[str]:
    """Return a table of the files, and of the HATS catalog, which has one for every part of the sky, their number."""
    inside = [ref for name, ref in job.files.items() if "/" in name]
    told = [f"| {name} | {ref.n_bytes} | {ref.digest} |" for name, ref in sorted(job.files.items()) if "/" not in name]
    more = [f"| hats: {len(inside)} files | {sum(ref.n_bytes for ref in inside)} | |"] if inside else []
    return ["| File | Bytes | SHA-256 |", "|---|---|---|", *told, *more]


def release(services: Services, wanted: Extract, answer: Answer) -> bool:
    """Make public what a second person approved, in their name; tell whether it was not yet."""
    return run_release(
        acting(services, answer),
        RunKey(wanted["key"]),
        login=person_of(answer),
        requested_by=wanted["requested_by"],
        reason=reason_of(answer),
    )
