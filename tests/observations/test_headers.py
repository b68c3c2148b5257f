import bz2
import contextlib
import gzip
import io
from collections.abc import Callable

import numpy as np
import pytest
from astropy.io import fits

from astrid_core.observations.config import IngestConfig
from astrid_core.observations.headers import read_facts, read_stream
from astrid_core.shared.errors import BadConfiguration, UnusableFile
from tests.synthetic.broken import as_bytes, exposure

SIDE = 64
PLANE = np.ones((SIDE, SIDE), np.float32)


def extension(name: str, data: np.ndarray = PLANE, **cards: object) -> fits.ImageHDU:
    hdu = fits.ImageHDU(data, name=name)
    for key, value in cards.items():
        hdu.header[key] = value
    return hdu


def test_a_plain_exposure_tells_everything() -> None:
    (facts,) = read_facts(as_bytes(exposure(OBJECT="M31", INSTRUME="Camera")), name="m31.fits")
    assert (facts.extension, facts.width_pix, facts.height_pix) == (0, SIDE, SIDE)
    assert (facts.band, facts.exposure_s, facts.gain_e_adu) == ("r", 60.0, 1.5)
    assert (facts.object_name, facts.instrument) == ("M31", "Camera")
    assert facts.mid_mjd == pytest.approx(60800.2, abs=1e-9)
    assert facts.place is not None
    assert facts.problems == ()


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress])
def test_compressed_files_tell_the_same(pack: Callable[[bytes], bytes]) -> None:
    content = as_bytes(exposure())
    assert read_facts(pack(content), name="m31") == read_facts(content, name="m31")


@pytest.mark.parametrize("kind", ["RICE_1", "GZIP_1", "HCOMPRESS_1"])
def test_tile_compressed_images_tell_the_same(kind: str) -> None:
    plain = exposure()
    packed = fits.CompImageHDU(plain.data.astype(np.int32), header=plain.header, compression_type=kind)
    (facts,) = read_facts(as_bytes(fits.PrimaryHDU(), packed), name="m31.fits.fz")
    (expected,) = read_facts(as_bytes(plain), name="m31.fits")
    assert (facts.extension, facts.width_pix, facts.height_pix) == (1, SIDE, SIDE)
    assert (facts.place, facts.mid_mjd, facts.band) == (expected.place, expected.mid_mjd, expected.band)


def test_every_detector_of_a_mosaic_is_an_exposure_and_the_primary_header_speaks_for_all() -> None:
    sky = exposure().header
    primary = fits.PrimaryHDU(header=exposure(CTYPE1=None, CTYPE2=None).header)
    chips = [fits.ImageHDU(PLANE, header=sky, name=f"CCD{number}") for number in (1, 2, 3)]
    chips[1].header["CRVAL1"] = 151.0
    chips[2].header["FILTER"] = "g"
    facts = read_facts(as_bytes(primary, *chips), name="mosaic.fits")
    assert [one.extension for one in facts] == [1, 2, 3]
    assert [one.band for one in facts] == ["r", "r", "g"]
    assert [one.place.position.ra_deg for one in facts if one.place] == pytest.approx([150.0, 151.0, 150.0], abs=1e-6)


@pytest.mark.parametrize(
    "name", ["ERR", "UNCERT", "VAR", "VARIANCE", "WHT", "WEIGHT", "DQ", "MASK", "PSF", "D2IMARR", "SCORE", "CONTEXT"]
)
def test_companions_are_no_exposures(name: str) -> None:
    facts = read_facts(as_bytes(exposure(), extension(name)), name="file")
    assert [one.extension for one in facts] == [0]


def test_axes_of_length_one_do_not_matter() -> None:
    single = exposure()
    single.data = single.data.reshape(1, 1, SIDE, SIDE)
    (facts,) = read_facts(as_bytes(single), name="radio.fits")
    assert (facts.width_pix, facts.height_pix) == (SIDE, SIDE)
    assert facts.problems == ()


def test_pixels_without_time_or_place_still_have_facts_and_say_what_is_missing() -> None:
    (facts,) = read_facts(as_bytes(fits.PrimaryHDU(PLANE)), name="bare.fits")
    assert (facts.place, facts.mid_mjd, facts.exposure_s, facts.band) == (None, None, None, "unknown")
    assert [problem.split(":")[0] for problem in facts.problems] == [
        "no exposure time",
        "position unknown",
        "no time of observation",
    ]


@pytest.mark.parametrize("kind", ["Bias Frame", "DARK", "zero", "Flat", "dome flat", "Master Flat", "LAMP"])
def test_calibration_frames_are_told_apart(kind: str) -> None:
    (facts,) = read_facts(as_bytes(exposure(IMAGETYP=kind)), name="calibration.fits")
    assert facts.problems[0].startswith("calibration frame")


@pytest.mark.parametrize("kind", ["Light Frame", "LIGHT", "object", "OBJECT", "EXT", "sky"])
def test_exposures_of_the_sky_are_not_taken_for_calibration(kind: str) -> None:
    (facts,) = read_facts(as_bytes(exposure(IMAGETYP=kind)), name="light.fits")
    assert facts.problems == ()


def test_headers_with_control_characters_and_broken_cards_are_still_read() -> None:
    content = bytearray(as_bytes(exposure(OBJECT="M31 and more", OBSERVER="somebody")))
    at = content.index(b"OBSERVER=")
    content[at + 10 : at + 20] = b"'\x00\xff\x07unclos"
    (facts,) = read_facts(bytes(content), name="dirty.fits")
    assert facts.object_name == "M31 and more"
    assert facts.problems == ()


@pytest.mark.parametrize(
    ("limit", "reason"),
    [
        ({"max_file_bytes": 5000}, "file is too large.*allowed=5000"),
        ({"max_header_bytes": 2880}, "header is too long.*allowed_bytes=2880"),
        ({"max_pixels": 1000}, "64 x 64 pixels, at most 1000"),
        ({"min_side_pix": 100}, "64 x 64 pixels, at least 100"),
    ],
)
def test_limits_are_told_with_their_numbers(limit: dict[str, int], reason: str) -> None:
    long_header = exposure()
    long_header.header.add_history("long " * 800)
    with pytest.raises(UnusableFile, match=reason):
        read_facts(as_bytes(long_header), name="file", config=IngestConfig(**limit))  # type: ignore[arg-type]


def test_a_bomb_of_zeros_is_stopped_at_the_limit() -> None:
    content = as_bytes(exposure()) + bytes(20 * 2**20)
    packed = gzip.compress(content)
    assert len(packed) < 2**20
    with pytest.raises(UnusableFile, match="file is too large"):
        read_facts(packed, name="bomb.fits.gz", config=IngestConfig(max_file_bytes=2**20))


def test_settings_that_make_no_sense_are_refused() -> None:
    for wrong in ({"max_pixels": 0}, {"suffixes": ()}, {"suffixes": ("FITS",)}, {"max_future_days": -1.0}):
        with pytest.raises(BadConfiguration):
            IngestConfig(**wrong)


@pytest.mark.parametrize("seed", range(60))
def test_flipped_bytes_give_facts_or_a_reason_and_nothing_else(seed: int) -> None:
    rng = np.random.default_rng(seed)
    content = bytearray(as_bytes(exposure(OBJECT="M31")))
    for at in rng.integers(0, 2880, 30):
        content[at] = rng.integers(32, 127)
    with contextlib.suppress(UnusableFile):
        assert read_facts(bytes(content[: rng.integers(2880, len(content) + 1)]), name="flipped.fits")


def test_reading_facts_leaves_pixels_alone() -> None:
    class Counted(io.BytesIO):
        n_read = 0

        def read(self, size: int | None = -1, /) -> bytes:
            content = super().read(size)
            Counted.n_read += len(content)
            return content

    content = as_bytes(exposure(side=1500))
    (facts,) = read_stream(Counted(content), name="big.fits")
    assert facts.width_pix == 1500
    assert Counted.n_read < 20_000 < len(content)


@pytest.mark.parametrize("card", ["NAME_REF", "DIFFIM"])
def test_the_result_of_a_differencing_program_is_no_exposure(card: str) -> None:
    (facts,) = read_facts(as_bytes(exposure(**{card: "template.fits"})), name="difference.fits")  # type: ignore[arg-type]
    assert facts.problems == (f"difference of two images, not an exposure: it was made with {card} template.fits",)
