"""Search exposures anew under today's settings, see what that would change in the catalog, and exchange it by cell."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from astrid_core.catalog.config import ForcedConfig, PublishConfig
from astrid_core.catalog.entities import CatalogEntry
from astrid_core.catalog.sphere import cells_near
from astrid_core.shared.runs import RunKey
from astrid_core.shared.sky import OPERATIONS_ORDER, Region, SkyCell
from astrid_core.stages.chain import Recipe
from astrid_core.stages.current_runs import let_count
from astrid_core.stages.forced import ForcedSummary, run_forced
from astrid_core.stages.plan import plan_night
from astrid_core.stages.remeasure import Remeasured, run_remeasure
from astrid_core.stages.services import Services


@dataclass(frozen=True, slots=True, kw_only=True)
class Backfill:
    """Exposures of one survey that are to be as today's settings would have them."""

    survey: str
    nights: tuple[str, ...]
    pending: tuple[str, ...]
    """Exposures without a settled chain of runs, oldest first."""
    scored: tuple[RunKey, ...]
    """Model runs of the others that succeeded, oldest first."""


def nights_in_range(services: Services, survey: str, *, first: str, last: str) -> tuple[str, ...]:
    """Return the nights of a survey from first to last that hold exposures; ValueError for what is no date."""
    begin, end = date.fromisoformat(first), date.fromisoformat(last)
    with services.transaction() as records:
        known = records.observations.nights(survey=survey)
    return tuple(one for one in known if begin <= date.fromisoformat(one) < end + timedelta(days=1))


def plan_backfill(
    services: Services, recipe: Recipe, *, survey: str, nights: Sequence[str], region: Region | None = None
) -> Backfill:
    """Look up what is done under today's settings; with a region only exposures whose centre lies in it."""
    plans = [plan_night(services, recipe, survey=survey, night=night, region=region) for night in nights]
    return Backfill(
        survey=survey,
        nights=tuple(nights),
        pending=tuple(one for plan in plans for one in plan.pending),
        scored=tuple(key for plan in plans for key in plan.scored),
    )


def compare_backfill(services: Services, backfill: Backfill, config: PublishConfig) -> Remeasured:
    """Return what the exchange would change in the catalog; nothing is written."""
    if not backfill.scored:
        return Remeasured()
    return run_remeasure(services, backfill.survey, config, backfill.scored, dry=True)


def commit_backfill(
    services: Services, backfill: Backfill, config: PublishConfig, *, progress: Callable[[str], None] = lambda _: None
) -> Remeasured:
    """Exchange what the exposures have measured, each cell of the sky in one transaction. Safe to repeat.

    What is interrupted is right in each cell: as it was, or as it shall be. At the end these runs are those that count
    of their exposures, where there are others.
    """
    done = Remeasured()
    cells = _cells(services, backfill, config)
    for number, (cell, keys) in enumerate(sorted(cells.items()), start=1):
        here = run_remeasure(services, backfill.survey, config, keys, region=Region.parse(f"cells({cell})"))
        progress(f"cell {cell} ({number} of {len(cells)}): {counts_of(here)}")
        done = done + here
    with services.transaction() as records:
        let_count(records, backfill.scored)
    return done


def measure_exchanged(services: Services, backfill: Backfill, config: ForcedConfig) -> ForcedSummary:
    """Measure the objects of these exposures in the differences that count now, too. Safe to repeat."""
    done = ForcedSummary()
    for night in backfill.nights:
        done = done + run_forced(services, backfill.survey, night, config, backfill.scored)
    return done


def _cells(services: Services, backfill: Backfill, config: PublishConfig) -> dict[SkyCell, list[RunKey]]:
    """Return the cells in which the exposures may have measured something, each with the runs of those exposures."""
    with services.transaction() as records:
        seen = {key: records.observations.get(records.model_runs.get(key).observation_id) for key in backfill.scored}
    found: dict[SkyCell, list[RunKey]] = {}
    for key, one in seen.items():
        # A measurement belongs to the cell of the one that it continues, which may lie just beyond the frame.
        radius_deg = one.radius_deg + config.match_radius_arcsec / 3600.0
        for cell in cells_near([one.position], radius_deg=radius_deg, order=OPERATIONS_ORDER):
            found.setdefault(cell, []).append(key)
    return found


def counts_of(found: Remeasured) -> str:
    """Return the numbers of a comparison in a line."""
    return (
        f"{len(found.gained)} gained, {len(found.lost)} lost, {len(found.changed)} changed; "
        f"{found.n_taken_out} measurements out, {found.n_put_in} in ({found.n_continued} of the same sources)"
    )


def comparison_lines(found: Remeasured) -> Iterator[str]:
    """Return every object that differs, as lines for people: what comes, what goes, what changes."""
    yield counts_of(found)
    for word, entries in (("gained", found.gained), ("lost", found.lost)):
        for one in entries:
            seen = f"{one.n_detections} detections, {one.peak_significance:+.1f} sigma"
            yield f"{word:<8} {_place(one)}  {seen}  {one.id}"
    for before, after in found.changed:
        yield (
            f"changed  {_place(after)}  {before.n_detections} -> {after.n_detections} detections, "
            f"{before.peak_significance:+.1f} -> {after.peak_significance:+.1f} sigma, "
            f"{before.status.value} -> {after.status.value}  {after.id}"
        )


def _place(entry: CatalogEntry) -> str:
    return f"{entry.position.ra_deg:11.6f} {entry.position.dec_deg:+11.6f}"
