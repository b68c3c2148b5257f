"""Decide which references can be built."""

from dataclasses import dataclass

from astrid_core.differencing.cells import group_cells
from astrid_core.differencing.config import ReferenceConfig
from astrid_core.differencing.grids import GridFamily, family_of
from astrid_core.differencing.leave_out import LeaveOut
from astrid_core.observations.entities import Observation
from astrid_core.shared.sky import Region
from astrid_core.stages.services import Services


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceGroup:
    """Exposures of one instrument and band, and the cells of the sky for which they are coadded in one go."""

    cells: tuple[str, ...]
    band: str
    observation_ids: tuple[str, ...]
    leaves_out: str = ""

    @property
    def label(self) -> str:
        """What an operator sees."""
        more = f" and {len(self.cells) - 1} more" if len(self.cells) > 1 else ""
        return f"hpx-{self.cells[0].replace('/', '-')}{more} {self.band} ({len(self.observation_ids)})"


def plan_references(
    services: Services,
    *,
    survey: str,
    config: ReferenceConfig,
    region: Region | None = None,
    leave_out: LeaveOut | None = None,
) -> tuple[ReferenceGroup, ...]:
    """Return the groups of exposures that references can be built from: none that is left out or in quarantine.

    Bands, instruments and grids are kept apart. Every exposure is in the groups of all cells that it touches; those
    that an exposure in ``region`` touches are built from all of theirs, in the region or not.
    """
    left_out = leave_out or LeaveOut()
    with services.transaction() as records:
        found = records.observations.search(survey=survey)
        observations = [one for one in found if records.quarantines.of(one) is None]
    wanted = {one.id for one in observations if region is None or region.contains(one.position)}
    by_kind: dict[tuple[str, str, str], list[Observation]] = {}
    families: dict[str, GridFamily] = {}
    for observation in observations:
        if left_out.allows(observation):
            family = family_of(observation)
            families[str(family)] = family
            by_kind.setdefault((observation.band, observation.instrument, str(family)), []).append(observation)
    return tuple(
        ReferenceGroup(
            cells=tuple(str(cell) for cell in group.cells),
            band=band,
            observation_ids=tuple(one.id for one in group.observations),
            leaves_out=left_out.text,
        )
        for (band, instrument, name) in sorted(by_kind)
        for group in group_cells(
            by_kind[band, instrument, name], families[name], wanted=wanted, max_side_pix=config.max_side_pix
        )
    )
