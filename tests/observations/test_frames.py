import contextlib
import gzip

import numpy as np
import pytest
from astropy.io import fits

from astrid_core.observations.entities import WcsOrigin
from astrid_core.observations.frames import read_frame
from astrid_core.observations.places import place_of
from astrid_core.shared.errors import UnusableFile
from astrid_core.shared.images import MaskPlane
from tests.synthetic.broken import as_bytes, exposure

SHAPE = (48, 64)
BAD = np.uint16(MaskPlane.BAD)


def counts(seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(1000.0, 30.0, SHAPE).astype(np.float32)


def science(data: np.ndarray, **cards: object) -> fits.PrimaryHDU:
    return fits.PrimaryHDU(data, header=exposure(**cards).header)  # type: ignore[arg-type]


def test_pixels_come_back_as_float_counts() -> None:
    frame = read_frame(as_bytes(science(counts())), extension=0, name="f")
    assert frame.pixels.dtype == np.float32
    assert frame.pixels.dtype.isnative
    np.testing.assert_array_equal(frame.pixels, counts())
    assert (frame.mask, frame.variance) == (None, None)
    assert frame.wcs_origin is WcsOrigin.HEADER


def test_scaled_and_blank_integers_are_counts_and_nan() -> None:
    stored = np.arange(SHAPE[0] * SHAPE[1]).reshape(SHAPE)
    hdu = science(100.0 + 2.0 * stored)
    hdu.scale("int16", bscale=2.0, bzero=100.0)
    hdu.header["BLANK"] = 5
    frame = read_frame(as_bytes(hdu), extension=0, name="f")
    assert np.isnan(frame.pixels[0, 5])
    assert frame.pixels[0, 6] == 112.0


def test_unsigned_integers_keep_their_sign() -> None:
    frame = read_frame(as_bytes(science(np.full(SHAPE, 65535, np.uint16))), extension=0, name="f")
    assert frame.pixels.max() == 65535.0


@pytest.mark.parametrize("shape", [(1, *SHAPE), (1, 1, *SHAPE)])
def test_axes_of_length_one_are_dropped(shape: tuple[int, ...]) -> None:
    frame = read_frame(as_bytes(science(counts().reshape(shape))), extension=0, name="f")
    np.testing.assert_array_equal(frame.pixels, counts())
    assert frame.wcs is not None
    assert frame.wcs.naxis == 2


@pytest.mark.parametrize("kind", ["RICE_1", "GZIP_2", "HCOMPRESS_1", "PLIO_1"])
def test_tile_compressed_pixels_are_unpacked(kind: str) -> None:
    data = counts().astype(np.int32)
    packed = fits.CompImageHDU(data, header=exposure().header, compression_type=kind)
    frame = read_frame(gzip.compress(as_bytes(fits.PrimaryHDU(), packed)), extension=1, name="f.fz")
    np.testing.assert_array_equal(frame.pixels, data)
    assert frame.wcs_origin is WcsOrigin.HEADER


def test_asinh_scaled_pan_starrs_stacks_become_linear() -> None:
    flux = np.linspace(-50.0, 20000.0, SHAPE[0] * SHAPE[1]).reshape(SHAPE)
    offset, soft = 3.0, 40.0
    squeezed = 2.5 * np.log10(np.e) * np.arcsinh((flux - offset) / (2.0 * soft))
    hdu = science(squeezed, BOFFSET=offset, BSOFTEN=soft)
    frame = read_frame(as_bytes(hdu), extension=0, name="stack")
    np.testing.assert_allclose(frame.pixels, flux, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize(
    ("name", "value", "cards", "variance"),
    [
        ("ERR", 3.0, {}, 9.0),
        ("VAR", 9.0, {}, 9.0),
        ("UNCERT", 3.0, {}, 9.0),
        ("UNCERT", 9.0, {"UTYPE": "VarianceUncertainty"}, 9.0),
        ("WHT", 0.25, {}, 4.0),
    ],
)
def test_noise_maps_become_variance(name: str, value: float, cards: dict[str, object], variance: float) -> None:
    noise = fits.ImageHDU(np.full(SHAPE, value, np.float32), name=name)
    noise.header.update(cards)
    frame = read_frame(as_bytes(science(counts()), noise), extension=0, name="f")
    assert frame.variance is not None
    np.testing.assert_allclose(frame.variance, variance)


def test_pixels_without_weight_are_bad() -> None:
    weight = np.ones(SHAPE, np.float32)
    weight[3, 4] = 0.0
    frame = read_frame(as_bytes(science(counts()), fits.ImageHDU(weight, name="WHT")), extension=0, name="f")
    assert frame.mask is not None
    assert frame.variance is not None
    assert (frame.mask[3, 4], frame.mask[0, 0]) == (BAD, 0)
    assert np.isnan(frame.variance[3, 4])


@pytest.mark.parametrize(
    ("cards", "plane_cards", "bad"),
    [
        ({}, {}, [1, 2, 3]),
        ({"SDQFLAGS": 2}, {}, [2, 3]),
        ({"INSTRUME": "NIRCAM"}, {}, [1, 3]),
        ({}, {"MP_BAD": 1, "HIERARCH MP_DETECTED": 0}, [2, 3]),
    ],
    ids=["any bit", "HST names the serious ones", "JWST has one bit", "LSST names its planes"],
)
def test_masks_forbid_the_bits_that_their_archive_means(
    cards: dict[str, object], plane_cards: dict[str, object], bad: list[int]
) -> None:
    bits = np.zeros(SHAPE, np.int32)
    bits[0, :4] = [0, 1, 2, 3]
    mask = fits.ImageHDU(bits, name="DQ")
    mask.header.update(plane_cards)
    frame = read_frame(as_bytes(science(counts(), **cards), mask), extension=0, name="f")
    assert frame.mask is not None
    assert np.flatnonzero(frame.mask[0] == BAD).tolist() == bad
    assert not frame.mask[1:].any()


def test_each_detector_has_its_own_noise() -> None:
    def chip(number: int) -> tuple[fits.ImageHDU, fits.ImageHDU]:
        noise = fits.ImageHDU(np.full(SHAPE, float(number), np.float32), name="ERR", ver=number)
        return fits.ImageHDU(counts(number), header=exposure().header, name="SCI", ver=number), noise

    content = as_bytes(fits.PrimaryHDU(), *chip(1), *chip(2))
    for extension, sigma in ((1, 1.0), (3, 2.0)):
        frame = read_frame(content, extension=extension, name="f")
        assert frame.variance is not None
        assert frame.variance.max() == sigma**2


def test_noise_of_another_shape_is_not_taken() -> None:
    noise = fits.ImageHDU(np.ones((8, 8), np.float32), name="ERR")
    assert read_frame(as_bytes(science(counts()), noise), extension=0, name="f").variance is None


def test_a_pointing_gives_an_approximate_wcs_and_nothing_gives_none() -> None:
    bare = fits.PrimaryHDU(counts())
    assert read_frame(as_bytes(bare), extension=0, name="f").wcs is None
    bare.header.update({"RA": 150.0, "DEC": 2.0, "PIXSCALE": 0.5})
    frame = read_frame(as_bytes(bare), extension=0, name="f")
    assert frame.wcs_origin is WcsOrigin.POINTING
    assert frame.wcs is not None
    place = place_of((bare.header,), SHAPE)
    centre = frame.wcs.pixel_to_world((SHAPE[1] - 1) / 2, (SHAPE[0] - 1) / 2)
    assert centre.ra.deg == pytest.approx(place.position.ra_deg, abs=1e-9)


@pytest.mark.parametrize("extension", [1, 2, 7, -1])
def test_an_extension_without_exposure_is_a_reason(extension: int) -> None:
    noise = fits.ImageHDU(np.ones(SHAPE, np.float32), name="ERR")
    table = fits.BinTableHDU.from_columns([fits.Column("flux", "E", array=np.ones(3))])
    with pytest.raises(UnusableFile, match="no image there"):
        read_frame(as_bytes(science(counts()), noise, table), extension=extension, name="f")


@pytest.mark.parametrize("seed", range(40))
def test_flipped_bytes_give_pixels_or_a_reason_and_nothing_else(seed: int) -> None:
    rng = np.random.default_rng(seed)
    packed = fits.CompImageHDU(counts().astype(np.int16), header=exposure().header, compression_type="RICE_1")
    content = bytearray(as_bytes(fits.PrimaryHDU(), packed))
    for at in rng.integers(2880, len(content), 40):
        content[at] = rng.integers(0, 256)
    with contextlib.suppress(UnusableFile):
        assert read_frame(bytes(content), extension=1, name="flipped.fits.fz").pixels.ndim == 2
