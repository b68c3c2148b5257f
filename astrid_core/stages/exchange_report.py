"""Draw what an exchange of measurements changes in the catalog."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import UUID

from astrid_core.catalog.exchange_page import Exchanged, Group, Sight, exchange_page
from astrid_core.catalog.portraits import take_picture
from astrid_core.differencing.entities import Candidate
from astrid_core.differencing.products import DifferenceProduct, read_difference
from astrid_core.shared.artifacts import ArtifactRef
from astrid_core.stages.backfill import Backfill, counts_of
from astrid_core.stages.remeasure import Remeasured
from astrid_core.stages.services import Records, Services

MOST_SHOWN = 24
"""Objects of each kind with pictures: the most significant. The rest is counted."""
_SIDE_PIX = 51
DRAWN = "backfill.drawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sitting:
    """A detection that gets its picture taken; ``image`` is None where it is not kept."""

    sight: Sight
    candidate: Candidate
    image: ArtifactRef | None


def draw_exchange(
    services: Services, backfill: Backfill, found: Remeasured, *, is_done: bool, out: Path | None = None
) -> ArtifactRef:
    """Keep a page with the most significant objects of each kind, written to the file ``out``, too, if given.

    Images that were dropped are not made again for it. The same comparison is the same page.
    """
    groups = _groups(found)
    before, after = dict(found.seen_before), dict(found.seen_after)
    wanted = {name for group in groups for one in group.shown for name in _names(one, before, after)}
    with services.transaction() as records:
        sittings = {name: _sitting(records, name) for name in sorted(wanted)}
    sights = _pictures(services, sittings)
    drawn = [
        replace(group, shown=tuple(_with_sights(one, before, after, sights) for one in group.shown)) for group in groups
    ]
    content = exchange_page(
        drawn, survey=backfill.survey, nights=backfill.nights, counts=counts_of(found), is_done=is_done
    )
    page = services.artifacts.put(content.encode(), media_type="text/html")
    with services.transaction() as records:
        told = [event.facts["page"] for event in records.events.of(backfill.survey) if event.name == DRAWN]
        # Named by the log it is kept when the store is cleared out.
        if told[-1:] != [page.digest]:
            records.events.append(DRAWN, subject=backfill.survey, facts={"page": page.digest, "is_done": is_done})
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(content, encoding="utf-8")
    return page


def page_of(home: Path, backfill: Backfill) -> Path:
    """Return the file in which people find the page of a backfill, beside those of the nights."""
    nights = "-to-".join(dict.fromkeys((*backfill.nights[:1], *backfill.nights[-1:]))) or "no-night"
    return home / "results" / f"{backfill.survey}-{nights}-backfill.html"


def _groups(found: Remeasured) -> list[Group]:
    kinds: Mapping[str, Sequence[Exchanged]] = {
        "gained": [Exchanged(before=None, after=one) for one in found.gained],
        "lost": [Exchanged(before=one, after=None) for one in found.lost],
        "changed": [Exchanged(before=before, after=after) for before, after in found.changed],
    }
    return [
        Group(
            kind=kind,
            n=len(objects),
            shown=tuple(sorted(objects, key=lambda one: (-one.peak, one.entry.id))[:MOST_SHOWN]),
        )
        for kind, objects in kinds.items()
    ]


def _names(one: Exchanged, before: Mapping[UUID, str], after: Mapping[UUID, str]) -> list[str]:
    told = ((one.before, before), (one.after, after))
    return [seen[entry.id] for entry, seen in told if entry is not None and entry.id in seen]


def _with_sights(
    one: Exchanged, before: Mapping[UUID, str], after: Mapping[UUID, str], sights: Mapping[str, Sight]
) -> Exchanged:
    return replace(
        one,
        sight_before=None if one.before is None else sights.get(before.get(one.before.id, "")),
        sight_after=None if one.after is None else sights.get(after.get(one.after.id, "")),
    )


def _sitting(records: Records, name: str) -> _Sitting:
    detection = records.model_runs.detection(name)
    candidate = detection.candidate
    difference = records.difference_runs.get(candidate.run)
    observation = records.observations.get(difference.observation_id)
    image = difference.image
    if image is not None and records.dropped_images.find(image.digest):
        image = None
    sight = Sight(
        exposure=observation.archive_id, band=observation.band, mid_mjd=observation.mid_mjd,
        significance=candidate.score, score=detection.score, cutouts=None,
    )  # fmt: skip
    return _Sitting(sight=sight, candidate=candidate, image=image)


def _pictures(services: Services, sittings: Mapping[str, _Sitting]) -> dict[str, Sight]:
    """Read one difference after the other, each once, and keep none."""
    sights = {name: one.sight for name, one in sittings.items()}
    product: tuple[str, DifferenceProduct] | None = None
    kept = [(one.image.digest, name) for name, one in sittings.items() if one.image is not None]
    for digest, name in sorted(kept):
        one = sittings[name]
        if product is None or product[0] != digest:
            product = digest, read_difference(services.artifacts.get(digest))
        sights[name] = replace(one.sight, cutouts=take_picture(product[1], one.candidate, size=_SIDE_PIX))
    return sights
