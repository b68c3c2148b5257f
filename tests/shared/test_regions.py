"""What lies in a region, against dot products of vectors: at poles, over RA 0, from milliarcseconds to all the sky."""

import numpy as np
import pytest

from astrid_core.shared.sky import Region, SkyPosition, hpx29_of
from tests.shared.brute_force import Known, anywhere, known_regions, positions, vectors

ANYWHERE = anywhere(5000)
REGIONS = known_regions()


@pytest.mark.parametrize("known", REGIONS, ids=[one.text[:60] for one in REGIONS])
def test_a_region_holds_what_brute_force_finds_and_its_cells_hold_all_of_that(known: Known) -> None:
    region = Region.parse(known.text)
    ra_deg, dec_deg = positions(np.concatenate([ANYWHERE, known.near]))
    expected = known.holds(vectors(ra_deg, dec_deg))
    wrong = np.flatnonzero(region.holds(ra_deg, dec_deg) != expected)
    assert wrong.size == 0, list(zip(ra_deg[wrong], dec_deg[wrong], expected[wrong], strict=True))[:5]
    assert expected.any()
    first, behind = np.array(region.hpx29_ranges).T
    inside = [SkyPosition(ra_deg=float(ra_deg[one]), dec_deg=float(dec_deg[one])) for one in np.flatnonzero(expected)]
    numbers = np.array(hpx29_of(inside))
    where = np.searchsorted(first, numbers, side="right") - 1
    assert (where >= 0).all()
    assert (numbers < behind[where]).all()
    assert region.contains(inside[0])
