"""The work behind the tasks that let an extract of the catalog go out."""

from astrid_core.bootstrap import Pipeline
from astrid_core.shared.errors import Unprocessable
from astrid_core.shared.runs import RunKey
from astrid_core.stages.export import run_export
from astrid_core.stages.release import extract, is_released, require_requester, run_release
from astrid_core.stages.services import Services
from include.answers import Answer, acting, person_of, reason_of
from include.messages import Extract
from include.request import read_region


def freeze(services: Services, pipeline: Pipeline, *, region: str | None, requested_by: str) -> Extract:
    """Freeze the catalog, or its part in a region; return the extract for a second person.

    NotAllowed where it is not known who asks, or they may not operate; Unprocessable where it is public already.
    """
    require_requester(services, requested_by)
    key = run_export(services, pipeline.export, read_region(region))
    if is_released(services, key):
        raise Unprocessable("this extract is public already", run=key)
    with services.transaction() as records:
        job = extract(records, key)
    size = f"{job.n_entries} objects with {job.n_points} measurements"
    lines = [
        f"{requested_by} asks for the release of {size}, as `{key}`. It needs somebody else.\n",
        "| File | Bytes | SHA-256 |",
        "|---|---|---|",
        *(f"| {name} | {ref.n_bytes} | {ref.digest} |" for name, ref in sorted(job.files.items())),
    ]
    return Extract(key=key, requested_by=requested_by, text="\n".join(lines))


def release(services: Services, wanted: Extract, answer: Answer) -> bool:
    """Make public what a second person approved, in their name; tell whether it was not yet."""
    return run_release(
        acting(services, answer),
        RunKey(wanted["key"]),
        login=person_of(answer),
        requested_by=wanted["requested_by"],
        reason=reason_of(answer),
    )
