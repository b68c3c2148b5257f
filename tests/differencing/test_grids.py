"""Every place on the sky has one owner, and its pixels are the same whoever asks."""

from dataclasses import replace

import numpy as np
import pytest
from astropy_healpix import HEALPix
from hypothesis import given, settings
from hypothesis import strategies as st

from astrid_core.differencing.grids import LARGEST_SIDE_PIX, GridFamily, family_of, owners
from astrid_core.differencing.pixel_grid import Box, wcs_of
from astrid_core.shared.sky import SkyCell, SkyPosition
from tests.catalog.night import observation

FAMILY = GridFamily(name="test", scale_arcsec=0.5, order=7, margin_pix=64)
PLACES = st.one_of(
    st.tuples(st.floats(0.0, 360.0, exclude_max=True), st.floats(-90.0, 90.0)),
    # Around the poles and where right ascension starts anew.
    st.tuples(
        st.floats(0.0, 360.0, exclude_max=True), st.sampled_from([-90.0, -89.99, 89.99, 90.0, 41.8103, -41.8103])
    ),
    st.tuples(st.sampled_from([0.0, 1e-9, 359.9999999, 45.0, 90.0, 315.0]), st.floats(-90.0, 90.0)),
)


def _seen(scale_arcsec: float, instrument: str = "") -> GridFamily:
    return family_of(replace(observation(1), pixel_scale_arcsec=scale_arcsec, instrument=instrument))


@given(PLACES, st.floats(0.001, 0.3))
@settings(max_examples=150, deadline=None)
def test_a_place_has_one_owner_in_whose_box_it_lies_well_inside(place: tuple[float, float], radius_deg: float) -> None:
    position = SkyPosition(ra_deg=place[0], dec_deg=place[1])
    near = FAMILY.cells_near(position, radius_deg)
    (owner,) = [cell for cell in near if cell.holds(position)]
    x, y = FAMILY.plane_of(owner).pixels_of(np.array([position.ra_deg]), np.array([position.dec_deg]))[0]
    box = FAMILY.box_of(owner)
    # Cells have curved edges; the boundary is sampled so that the box misses less than the margin allows.
    reach = FAMILY.margin_pix - 3
    assert box.x + reach <= x <= box.x + box.nx - 1 - reach
    assert box.y + reach <= y <= box.y + box.ny - 1 - reach


@given(PLACES)
@settings(max_examples=25, deadline=None)
def test_every_pixel_of_a_frame_has_the_owner_that_healpix_names(place: tuple[float, float]) -> None:
    position = SkyPosition(ra_deg=place[0], dec_deg=place[1])
    plane = FAMILY.plane_of(SkyCell.containing(position, order=FAMILY.order))
    middle = plane.pixels_of(np.array([position.ra_deg]), np.array([position.dec_deg]))[0]
    box = Box(x=round(middle[0]) - 90, y=round(middle[1]) - 110, nx=181, ny=221)
    wcs = wcs_of(plane.wcs, box)
    sky = wcs.pixel_to_world(*np.meshgrid(np.arange(box.nx), np.arange(box.ny))).icrs
    expected = HEALPix(nside=2**FAMILY.order, order="nested").lonlat_to_healpix(sky.ra, sky.dec)
    np.testing.assert_array_equal(owners(wcs, box.shape, FAMILY.order), expected)


@given(st.integers(0, 12 * 4**7 - 1))
@settings(max_examples=60, deadline=None)
def test_cells_of_one_plane_share_pixels_and_none_is_larger_than_a_long_polar_one(number: int) -> None:
    cell = SkyCell(order=7, number=number)
    sibling = SkyCell(order=7, number=number ^ 1)
    assert FAMILY.plane_of(cell) == FAMILY.plane_of(sibling)
    assert not FAMILY.box_of(cell).overlap(FAMILY.box_of(sibling)).is_empty
    assert max(FAMILY.box_of(cell).shape) < 2 * LARGEST_SIDE_PIX


@pytest.mark.parametrize("scale_arcsec", [0.01, 0.05, 0.25, 0.396, 1.0, 1.01, 5.0, 21.0])
def test_a_stranger_is_coadded_on_pixels_no_coarser_than_its_own(scale_arcsec: float) -> None:
    family = _seen(scale_arcsec)
    assert scale_arcsec / 1.45 < family.scale_arcsec <= scale_arcsec * 1.021
    # A little noise in the header does not change the grid.
    assert _seen(scale_arcsec * 1.001) == family


def test_an_instrument_of_the_registry_has_its_own_grid_unless_it_is_binned() -> None:
    uvot = _seen(0.5, "UVOTA")
    assert (uvot.name, uvot.scale_arcsec) == ("uvot", 0.502)
    assert _seen(0.51, "UVOTA") == uvot
    assert _seen(1.004, "UVOTA").name == "scale"
