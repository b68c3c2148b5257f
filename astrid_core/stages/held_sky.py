"""Publishers of different parts of the sky work at once; those of the same part take turns."""

from collections.abc import Callable, Collection, Sequence
from typing import TypeVar

from astrid_core.catalog.associate import REACH
from astrid_core.catalog.config import PublishConfig
from astrid_core.catalog.sphere import cells_near
from astrid_core.shared.sky import OPERATIONS_ORDER, SkyCell, SkyPosition
from astrid_core.stages.services import Records, Services

MOVING_ORDER = 4
"""Of the cells in which what moves is linked, 3.7 degrees wide: about as far as it gets between two nights."""

MAX_CELLS = 256
"""Whoever needs more holds all of the catalog: a server has room for some thousand locks."""

_T = TypeVar("_T")


class BeyondHeld(Exception):
    """More of the sky may change, or be decisive, than is held."""

    def __init__(self, cells: frozenset[SkyCell]) -> None:
        super().__init__(f"{len(cells)} cells are needed")
        self.cells = cells


class HeldSky:
    """The night and the cells of the sky that a transaction holds.

    Cells of two orders are different locks. Objects at rest are decided in the finer ones: whoever adds one, changes
    it, or lets it decide about another holds the cells around it. Moving objects are decided in the coarser ones.
    """

    def __init__(self, config: PublishConfig, cells: frozenset[SkyCell] | None = None) -> None:
        self._config = config
        self._cells = cells
        """None for all of the sky."""

    @property
    def rest_arcsec(self) -> float:
        """How far from a detection or an object the mean position of one at rest may be that has a say in it."""
        return REACH * self._config.match_radius_arcsec

    def near_moving(self, places: Sequence[SkyPosition]) -> frozenset[SkyCell]:
        """Return the cells that hold a detection of every tracklet that may continue one with detections there."""
        motion = self._config.motion
        # From the place of the one to the place of the other, and from there to a detection of it.
        hours = 24.0 * motion.max_gap_days + motion.max_arc_h
        return cells_near(places, radius_deg=motion.max_rate_arcsec_h * hours / 3600.0, order=MOVING_ORDER)

    def need(self, *, rest: Sequence[SkyPosition] = (), moving: Sequence[SkyPosition] = ()) -> None:
        """Raise BeyondHeld unless all is held that has a say in what is, or is to be, at these places."""
        if self._cells is None:
            return
        at_rest = cells_near(rest, radius_deg=self.rest_arcsec / 3600.0, order=OPERATIONS_ORDER)
        needed = at_rest | self.near_moving(moving)
        if not needed <= self._cells:
            raise BeyondHeld(needed)


def hold_sky(
    services: Services, survey: str, nights: Collection[str], config: PublishConfig,
    change: Callable[[Records, HeldSky], _T],
) -> _T:  # fmt: skip
    """Return what ``change`` returns in a transaction that holds these nights, and all cells that it says it needs.

    What is needed shows while it works: it is rolled back and starts over with the larger part, so that all locks are
    taken at once, in one order, and nobody waits in a circle.
    """
    cells: frozenset[SkyCell] = frozenset()
    while True:
        is_all = len(cells) > MAX_CELLS
        try:
            with services.transaction() as records:
                if is_all:
                    records.catalog.lock()
                else:
                    records.catalog.lock_parts([*(f"{survey}:{night}" for night in nights), *map(str, cells)])
                return change(records, HeldSky(config, None if is_all else cells))
        except BeyondHeld as beyond:
            cells |= beyond.cells
