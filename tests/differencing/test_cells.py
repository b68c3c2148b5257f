"""Which exposures and cells are coadded together."""

from dataclasses import replace

import pytest

from astrid_core.differencing.cells import CellGroup, group_cells
from astrid_core.differencing.grids import GridFamily
from astrid_core.observations.entities import Observation
from astrid_core.shared.sky import SkyPosition
from tests.catalog.night import observation

FAMILY = GridFamily(name="test", scale_arcsec=1.0, order=6, margin_pix=64)
MEET = (151.875, 2.38801546)
"""Four cells of one plane meet here."""


def _seen(number: int, ra_deg: float, dec_deg: float, radius_deg: float = 0.05) -> Observation:
    return replace(
        observation(number), position=SkyPosition(ra_deg=ra_deg, dec_deg=dec_deg), radius_deg=radius_deg,
        pixel_scale_arcsec=1.0,
    )  # fmt: skip


def _groups(*seen: Observation, max_side_pix: int = 6000, wanted: set[str] | None = None) -> tuple[CellGroup, ...]:
    ids = {one.id for one in seen} if wanted is None else wanted
    return group_cells(seen, FAMILY, wanted=ids, max_side_pix=max_side_pix)


def test_all_cells_of_an_isolated_field_are_coadded_in_one_go() -> None:
    (group,) = _groups(_seen(1, *MEET), _seen(2, MEET[0] + 0.005, MEET[1]))
    assert len(group.cells) == 4
    assert len(group.observations) == 2


def test_an_exposure_is_an_input_of_every_cell_that_it_touches() -> None:
    left, middle, right = _seen(1, MEET[0] - 0.3, MEET[1]), _seen(2, *MEET), _seen(3, MEET[0] + 0.3, MEET[1])
    groups = _groups(left, middle, right)
    of_middle = [group for group in groups if middle in group.observations]
    assert {cell for group in of_middle for cell in group.cells} == set(FAMILY.cells_near(middle.position, 0.05))
    assert all({left, right}.isdisjoint(group.observations) or middle in group.observations for group in groups)


def test_cells_that_would_not_fit_into_the_largest_field_stay_apart() -> None:
    assert len(_groups(_seen(1, *MEET), max_side_pix=200)) == 4


def test_no_cell_is_in_two_groups() -> None:
    seen = [_seen(n, MEET[0] + 0.2 * (n % 5), MEET[1] + 0.2 * (n // 5), 0.2) for n in range(25)]
    cells = [cell for group in _groups(*seen) for cell in group.cells]
    assert len(cells) == len(set(cells))


@pytest.mark.parametrize("order", [1, -1])
def test_the_order_of_the_exposures_is_irrelevant(order: int) -> None:
    seen = [_seen(n, MEET[0] + 0.1 * n, MEET[1], 0.2) for n in range(6)]
    assert _groups(*seen[::order]) == _groups(*seen)


def test_cells_of_what_is_wanted_are_built_from_all_their_exposures() -> None:
    inside, beside = _seen(1, MEET[0] + 0.2, MEET[1]), _seen(2, MEET[0] + 0.23, MEET[1])
    elsewhere = _seen(3, MEET[0] + 5.0, MEET[1])
    (group,) = _groups(inside, beside, elsewhere, wanted={inside.id})
    assert group.observations == (inside, beside)
