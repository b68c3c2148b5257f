"""The work behind the tasks that build references."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import chain

import structlog

from astrid_core.bootstrap import Pipeline, load_pipeline
from astrid_core.differencing.config import ActivationConfig
from astrid_core.differencing.entities import ReferenceStatus
from astrid_core.differencing.leave_out import LeaveOut
from astrid_core.settings import Settings
from astrid_core.shared.errors import Unprocessable
from astrid_core.stages.batch import run_each
from astrid_core.stages.build_reference import run_build_reference
from astrid_core.stages.ingest import run_ingest
from astrid_core.stages.preprocess import run_preprocess
from astrid_core.stages.references import ReferenceGroup, plan_references
from astrid_core.stages.services import Services
from include.batches import MAX_BATCHES, batches
from include.messages import Batch, BuiltBatch, Group, GroupBatch, ReferenceRequest
from include.quality.places import docs_of
from include.request import read_night, read_region
from include.surveys import asked_for, at_least_one

log = structlog.get_logger(__name__)


def plan_inputs(services: Services, wanted: ReferenceRequest, *, n_slots: int) -> list[Batch]:
    """Record what the surveys hold and return the exposures that references can be built from, in batches."""
    config = load_pipeline().ingest
    at_least_one(asked_for(services, wanted["survey"] or None), lambda survey: run_ingest(services, survey, config))
    inputs = chain.from_iterable(group.observation_ids for group in _groups(services, wanted))
    return batches([*inputs], n_slots=n_slots, name="exposures")


def plan_coadds(services: Services, wanted: ReferenceRequest) -> list[GroupBatch]:
    """Return the references that can be built, each a batch of its own unless they are many."""
    groups = _groups(services, wanted)
    n_batches = min(MAX_BATCHES, len(groups))
    shares = [groups[number::n_batches] for number in range(n_batches)]
    return [
        GroupBatch(
            label=share[0].label if len(share) == 1 else f"{share[0].label} and {len(share) - 1} more",
            groups=[
                Group(cells=list(one.cells), band=one.band, leaves_out=one.leaves_out, items=list(one.observation_ids))
                for one in share
            ],
        )
        for share in shares
    ]


def _groups(services: Services, wanted: ReferenceRequest) -> list[ReferenceGroup]:
    night = wanted["exclude_night"]
    left_out = LeaveOut(
        nights=frozenset({read_night(night).isoformat()} if night else ()),
        observation_ids=frozenset(wanted["exclude"]),
        before_mjd=wanted["before_mjd"],
    )
    region, config = read_region(wanted["region"]), load_pipeline().reference
    return [
        group
        for survey in asked_for(services, wanted["survey"] or None)
        for group in plan_references(services, survey=survey, config=config, region=region, leave_out=left_out)
    ]


def prepare_inputs(services: Services, batch: Batch) -> int:
    """Prepare the exposures of a batch; count those that can be used."""
    config = load_pipeline().preparation
    watch = services.watch("preprocess")
    return len(run_each(lambda item: run_preprocess(services, item, config), batch["items"], watch=watch).keys)


def coadd_groups(services: Services, batch: GroupBatch, *, ask: bool = False) -> BuiltBatch:
    """Build the references of a batch; return the digests of those that could be built.

    With ``ask`` no rule brings them into use: each waits for a person.
    """
    pipeline = load_pipeline()
    activation = _activation(pipeline, ask=ask)
    done, watch = BuiltBatch(built=[], in_use=[]), services.watch("preprocess")
    for group in batch["groups"]:
        prepared = run_each(
            lambda item: run_preprocess(services, item, pipeline.preparation), group["items"], watch=watch
        )
        try:
            with services.watch("reference").item(f"{group['band']} {' '.join(map(str, group['cells']))}"):
                built = run_build_reference(
                    services, prepared.keys, pipeline.reference, activation,
                    cells=group["cells"], band=group["band"], leaves_out=group["leaves_out"],
                )  # fmt: skip
        except Unprocessable as error:
            log.warning("reference.skipped", cells=group["cells"], band=group["band"], reason=str(error))
            continue
        done["built"] += [one.digest for one in built]
        done["in_use"] += [one.digest for one in built if one.is_active]
    if not done["built"]:
        raise Unprocessable("no reference could be built", n_groups=len(batch["groups"]))
    return done


def check_built(services: Services, batches: Sequence[BuiltBatch], *, ask: bool = False) -> BuiltBatch:
    """Pass the references that were built through their gate; return all digests, and of those in use."""
    from include.quality.references import check_references

    pipeline = load_pipeline()
    digests = sorted({digest for batch in batches for digest in batch["built"]})
    with services.transaction() as records:
        built = [records.references.get(digest) for digest in digests]
        active = {
            one.digest: one
            for cell, band in {(reference.cell, reference.band) for reference in built}
            for one in records.references.search(cell=cell, band=band, status=ReferenceStatus.ACTIVE)
        }
    check_references(
        built,
        Counter(one.key for one in active.values()),
        pipeline.reference,
        is_automatic=_activation(pipeline, ask=ask).decision == "automatic",
        about="+".join(sorted({one.survey for one in built})),
        docs=docs_of(Settings().home),
    )
    return BuiltBatch(built=digests, in_use=sorted(digest for batch in batches for digest in batch["in_use"]))


def _activation(pipeline: Pipeline, *, ask: bool) -> ActivationConfig:
    return replace(pipeline.activation, decision="by people") if ask else pipeline.activation


def require_in_use(checked: BuiltBatch) -> list[str]:
    """Return the digests of references in use; Unprocessable where there are none."""
    if not checked["in_use"]:
        raise Unprocessable("no reference that was built is in use")
    return checked["in_use"]
