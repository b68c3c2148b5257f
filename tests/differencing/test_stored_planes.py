"""Parts of a stored difference equal the whole, and north is up whichever way the camera hung."""

import io

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS

from astrid_core.differencing.stored_planes import PLANES, Turn, read_layout, read_stamp, turn_at, turned
from astrid_core.shared.errors import CorruptArtifact

SHAPE = (40, 50)


def _wcs(angle_deg: float, *, is_mirrored: bool) -> WCS:
    """Return a sky whose north is turned from the direction of the lines, in a mirror or not."""
    made = WCS(naxis=2)
    made.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    made.wcs.crval, made.wcs.crpix = [359.99, 60.0], [25.0, 20.0]
    turn = np.radians(angle_deg)
    east = 1.0 if is_mirrored else -1.0
    made.wcs.cd = 1e-4 * np.array([[east * np.cos(turn), east * np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    return made


def _stored(planes: dict[str, np.ndarray], wcs: WCS | None = None) -> bytes:
    header = fits.Header() if wcs is None else wcs.to_header()
    images = [fits.ImageHDU(data=plane.astype(">f4"), header=header, name=name) for name, plane in planes.items()]
    psf = fits.ImageHDU(data=np.ones((7, 7), dtype=">f4"), name="PSF")
    mask = fits.ImageHDU(data=np.zeros(SHAPE, dtype=np.int32), header=header, name="MASK")
    buffer = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), psf, *images, mask]).writeto(buffer)
    return buffer.getvalue()


def _planes() -> dict[str, np.ndarray]:
    random = np.random.default_rng(3)
    return {name.upper(): random.normal(size=SHAPE).astype(np.float32) for name in PLANES}


class _File:
    """Bytes that are read in parts, and how many of them were."""

    def __init__(self, content: bytes) -> None:
        self.content, self.n_read = content, 0

    def __call__(self, start: int, n_bytes: int) -> bytes:
        part = self.content[start : start + n_bytes]
        self.n_read += len(part)
        return part


@pytest.mark.parametrize(("x", "y", "half"), [(20.2, 15.4, 3), (0.0, 0.0, 4), (49.0, 39.4, 6), (25.0, 20.0, 60)])
def test_a_stamp_is_the_part_of_the_plane_around_its_place(x: float, y: float, half: int) -> None:
    planes = _planes()
    file = _File(_stored(planes))
    stamp = read_stamp(file, read_layout(file), ["difference", "score"], x_pix=x, y_pix=y, half_pix=half)
    column, line = int(np.floor(x + 0.5)), int(np.floor(y + 0.5))
    for number, name in enumerate(("DIFFERENCE", "SCORE")):
        wide = np.pad(planes[name], half, constant_values=np.nan)
        expected = wide[line : line + 2 * half + 1, column : column + 2 * half + 1]
        assert np.array_equal(stamp[number], expected, equal_nan=True)


def test_a_place_beside_the_frame_has_no_pixels() -> None:
    file = _File(_stored(_planes()))

    assert np.isnan(read_stamp(file, read_layout(file), ["score"], x_pix=-90.0, y_pix=5.0, half_pix=5)).all()


@pytest.mark.parametrize("is_mirrored", [False, True])
@pytest.mark.parametrize("angle", [0.0, 30.0, 44.0, 46.0, 90.0, 135.1, 180.0, -90.0, -100.0, 271.0])
def test_north_ends_up_within_half_a_right_angle_of_the_top_and_east_left(angle: float, is_mirrored: bool) -> None:
    wcs = _wcs(angle, is_mirrored=is_mirrored)
    middle, half = (25, 20), 12
    lines, columns = np.mgrid[: SHAPE[0], : SHAPE[1]]
    sky = wcs.pixel_to_world(columns, lines)
    centre = wcs.pixel_to_world(*middle)
    east, north = centre.spherical_offsets_to(sky)
    box = (slice(middle[1] - half, middle[1] + half + 1), slice(middle[0] - half, middle[0] + half + 1))
    turn = turn_at(wcs, x_pix=middle[0], y_pix=middle[1])
    east_shown, north_shown = turned(np.stack([east.arcsec[box], north.arcsec[box]]).astype(np.float32), turn)

    # One step up and one to the left: seen from there, north and east.
    up, left = north_shown[half - 1, half], east_shown[half, half - 1]
    north_to_right = north_shown[half, half + 1]
    assert turn.off_deg is not None
    assert abs(turn.off_deg) <= 45.001
    assert up > 0.0
    assert left > 0.0
    assert turn.off_deg == pytest.approx(np.degrees(np.arctan2(-north_to_right, up)), abs=0.01)


def test_without_sky_the_lines_run_upwards() -> None:
    assert turn_at(None, x_pix=0.0, y_pix=0.0) == Turn(off_deg=None)
    assert turned(np.arange(6, dtype=np.float32).reshape(1, 3, 2), Turn()).tolist() == [[[4, 5], [2, 3], [0, 1]]]


def test_the_sky_of_the_file_is_found_and_little_else_is_read() -> None:
    file = _File(_stored(_planes(), _wcs(30.0, is_mirrored=False)))
    layout = read_layout(file)

    assert layout.shape == SHAPE
    assert layout.wcs is not None
    assert layout.wcs.wcs.crval[0] == pytest.approx(359.99)


@pytest.mark.parametrize("content", [b"", b"SIMPLE  =", b"x" * 5000, b"END" + b" " * 2877])
def test_something_else_is_corrupt(content: bytes) -> None:
    with pytest.raises(CorruptArtifact):
        read_layout(_File(content))


def test_a_file_that_ends_early_is_corrupt() -> None:
    whole = _stored(_planes())
    layout = read_layout(_File(whole))

    with pytest.raises(CorruptArtifact):
        read_stamp(_File(whole[: layout.starts["score"]]), layout, ["score"], x_pix=9.0, y_pix=9.0, half_pix=3)
