"""What the daily housekeeping does with the store."""

from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from astrid_core.bootstrap import Pipeline
    from astrid_core.stages.services import Services


def scrub_store(services: "Services", pipeline: "Pipeline") -> dict[str, int]:
    """Read today's part of the store; CorruptArtifact where a record has lost its bytes: a person must look."""
    from astrid_core.settings import Settings
    from astrid_core.shared.errors import CorruptArtifact
    from astrid_core.stages.scrub import scrub

    home = Settings().home
    home.mkdir(parents=True, exist_ok=True)
    found = scrub(services, every_days=pipeline.retention.scrub_days, state=home / "scrub.json")
    if not found.is_sound:
        named = [*found.corrupt, *found.missing]
        raise CorruptArtifact(
            "store is not sound: nothing is deleted; see astrid store scrub",
            n_corrupt=len(found.corrupt),
            n_missing=len(found.missing),
            first=named[0],
        )
    return {"n_there": found.n_there, "n_read": found.n_read, "n_unreferenced": found.n_unreferenced}


def collect_store(services: "Services", pipeline: "Pipeline") -> dict[str, int]:
    """Delete what no record names, or count it only, as ``[retention]`` says."""
    from astrid_core.stages.collect import collect, find_unreferenced

    config = pipeline.retention
    grace = timedelta(hours=config.grace_h)
    if not config.delete_unreferenced:
        return {"n_found": len(find_unreferenced(services, grace=grace)), "n_deleted": 0}
    done = collect(services, grace=grace)
    return {"n_found": len(done.digests) + done.n_spared, "n_deleted": len(done.digests)}


def drop_old_images(services: "Services", pipeline: "Pipeline") -> dict[str, int]:
    """Drop difference images that are old, that nothing needs and that can be made again, as ``[retention]`` says."""
    from astrid_core.stages.retention import drop_images

    done = drop_images(services, pipeline.retention, dry_run=False)
    return {
        "n_dropped": len(done.runs),
        "n_bytes": done.n_bytes,
        "n_without_recipe": done.n_without_recipe,
        "n_unproven": done.n_unproven,
    }
