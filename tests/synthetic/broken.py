"""Files that go wrong in as many ways as files do, each with the words by which its defect must be reported."""

import gzip
import io
import os
from pathlib import Path

import numpy as np
from astropy.io import fits

LATER = frozenset({"all_nan.fits", "constant.fits", "corrupt_tiles.fits.fz"})
"""Names whose defect only pixels show: they become observations, and preparation skips them with the reason."""

_SIDE = 64
_HEADER_BYTES = 2880
_CARD = 80
_SPARSE_BYTES = 200_000_000


def exposure(
    *, mid_mjd: float = 60800.2, ra_deg: float = 150.0, dec_deg: float = 2.0, side: int = _SIDE, **cards: object
) -> fits.PrimaryHDU:
    """Return a sound exposure of empty sky; ``cards`` replace header values, None removes them."""
    rng = np.random.default_rng(7)
    hdu = fits.PrimaryHDU(rng.normal(1000.0, 30.0, (side, side)).astype(np.float32))
    scale = 1.0 / 3600.0
    facts: dict[str, object] = {
        "MJD-OBS": mid_mjd - 30.0 / 86400.0,
        "EXPTIME": 60.0,
        "FILTER": "r",
        "GAIN": 1.5,
        "CTYPE1": "RA---TAN",
        "CTYPE2": "DEC--TAN",
        "CRVAL1": ra_deg,
        "CRVAL2": dec_deg,
        "CRPIX1": (side + 1) / 2.0,
        "CRPIX2": (side + 1) / 2.0,
        "CD1_1": -scale,
        "CD1_2": 0.0,
        "CD2_1": 0.0,
        "CD2_2": scale,
    }
    for name, value in (facts | {key.replace("_OBS", "-OBS"): value for key, value in cards.items()}).items():
        if value is not None:
            hdu.header[name] = value
        else:
            hdu.header.remove(name, ignore_missing=True)
    return hdu


def as_bytes(*hdus: fits.PrimaryHDU | fits.ImageHDU | fits.CompImageHDU | fits.BinTableHDU) -> bytes:
    buffer = io.BytesIO()
    fits.HDUList(list(hdus)).writeto(buffer)
    return buffer.getvalue()


def with_card(content: bytes, name: str, value: str) -> bytes:
    """Return the file with the value of one card replaced by text that no FITS library would write."""
    at = content.index(f"{name:8}=".encode())
    return content[:at] + f"{name:8}= {value:>20}".ljust(_CARD).encode() + content[at + _CARD :]


def write_broken_inputs(
    folder: Path, *, mid_mjd: float = 60800.2, ra_deg: float = 150.0, dec_deg: float = 2.0
) -> dict[str, str]:
    """Write broken files into ``folder``; return archive id and a part of the reason that it must be refused with.

    Those of ``LATER`` claim to be exposures of that time and place. As root nothing is unreadable, so that one file is
    only written for others.
    """
    folder.mkdir(parents=True, exist_ok=True)

    def sound(**cards: object) -> fits.PrimaryHDU:
        return exposure(mid_mjd=mid_mjd, ra_deg=ra_deg, dec_deg=dec_deg, **cards)  # type: ignore[arg-type]

    contents: dict[str, tuple[bytes, str]] = {
        **_structural(as_bytes(sound())),
        **_shapes(sound()),
        **{name: (as_bytes(sound(**cards)), reason) for name, (cards, reason) in _FACTS.items()},
        "wcs_nan.fits": (with_card(as_bytes(sound()), "CRVAL1", "NaN"), "CRVAL1 is not a number"),
        "nan_exposure.fits": (with_card(as_bytes(sound()), "EXPTIME", "NaN"), "EXPTIME is NaN"),
        **_pixels(sound()),
    }
    for name, (content, _) in contents.items():
        (folder / name).write_bytes(content)
    expected = {name: reason for name, (_, reason) in contents.items()}
    return expected | _sparse(folder) | _links(folder) | _names(folder, as_bytes(sound(OBJECT="hostile")))


_FACTS: dict[str, tuple[dict[str, object], str]] = {
    "zero_exposure.fits": ({"EXPTIME": 0.0}, "EXPTIME is 0"),
    "negative_exposure.fits": ({"EXPTIME": -60.0}, "EXPTIME is -60"),
    "no_exposure.fits": ({"EXPTIME": None}, "no exposure time"),
    "no_time.fits": ({"MJD_OBS": None}, "no time of observation"),
    "future.fits": ({"MJD_OBS": 90000.0}, "taken in the future"),
    "ancient.fits": ({"MJD_OBS": None, "DATE_OBS": "1699-12-31T23:59:59"}, "before the year 1850"),
    "singular_cd.fits": ({"CD1_1": 0.0, "CD2_2": 0.0}, "header WCS"),
    "no_position.fits": ({"CTYPE1": None, "CTYPE2": None}, "position unknown"),
    "ra_out_of_range.fits": ({"CTYPE1": None, "CTYPE2": None, "RA": 400.0, "DEC": 2.0}, "no place on the sky: RA=400"),
    "dec_out_of_range.fits": ({"CRVAL2": 95.0}, "CRVAL2 is no angle"),
    "pointing_only.fits": ({"CTYPE1": None, "CTYPE2": None, "RA": "10:00:00", "DEC": "+02:00:00"}, "pixel scale"),
    "arc.fits": ({"IMAGETYP": "Arc Frame"}, "calibration frame"),
}


def _structural(sound: bytes) -> dict[str, tuple[bytes, str]]:
    packed = gzip.compress(sound, mtime=0)
    return {
        "empty.fits": (b"", "file is empty"),
        "wrong_magic.fits": (b"\xff\xd8\xff\xe0" + sound[4:], "not a FITS file"),
        "text.fits": (b"404 Not Found\n", "not a FITS file"),
        "truncated.fits": (sound[: _HEADER_BYTES + 5000], "file is truncated"),
        "half_a_header.fits": (sound[:1000], "header is truncated"),
        "truncated.fits.gz": (packed[:-2000], "compressed file is corrupt"),
        "corrupt.fits.gz": (packed[:3000] + bytes(100) + packed[3100:], "compressed file is corrupt"),
        "gigantic.fits": (with_card(sound, "NAXIS1", "2000000000"), "file is truncated"),
        "no_such_pixels.fits": (with_card(sound, "BITPIX", "-7"), "no such pixel type"),
        "negative_axis.fits": (with_card(sound, "NAXIS2", "-64"), "NAXIS2 is not a count"),
    }


def _shapes(sound: fits.PrimaryHDU) -> dict[str, tuple[bytes, str]]:
    def shaped(data: np.ndarray | None) -> bytes:
        return as_bytes(fits.PrimaryHDU(data, header=sound.header))

    table = fits.BinTableHDU.from_columns([fits.Column("flux", "E", array=np.ones(3))])
    return {
        "no_data.fits": (as_bytes(fits.PrimaryHDU()), "without data"),
        "no_pixels.fits": (
            as_bytes(fits.PrimaryHDU(), fits.ImageHDU(np.zeros((0, _SIDE), np.float32))),
            "image has no pixels",
        ),
        "cube.fits": (
            shaped(np.ones((3, _SIDE, _SIDE), np.float32)),
            f"a cube, not one image: shape (3, {_SIDE}, {_SIDE})",
        ),
        "one_row.fits": (shaped(np.ones(500, np.float32)), "one row of numbers"),
        "tiny.fits": (shaped(np.ones((8, 8), np.float32)), "too small: 8 x 8"),
        "only_table.fits": (as_bytes(fits.PrimaryHDU(), table), "only tables"),
        "only_noise.fits": (
            as_bytes(fits.PrimaryHDU(), fits.ImageHDU(np.ones((_SIDE, _SIDE), np.float32), name="ERR")),
            "only a noise map",
        ),
    }


def _pixels(sound: fits.PrimaryHDU) -> dict[str, tuple[bytes, str]]:
    def filled(value: float) -> bytes:
        return as_bytes(fits.PrimaryHDU(np.full((_SIDE, _SIDE), value, np.float32), header=sound.header))

    counts = np.random.default_rng(8).integers(900, 1100, (_SIDE, _SIDE)).astype(np.int16)
    tiles = as_bytes(fits.PrimaryHDU(), fits.CompImageHDU(counts, header=sound.header, compression_type="GZIP_1"))
    # The last block holds compressed tiles only: each is a gzip stream, and garbage is none.
    spoiled = tiles[:-_HEADER_BYTES] + bytes(_HEADER_BYTES)
    return {
        "all_nan.fits": (filled(np.nan), "too few usable pixels"),
        "all_nan_copy.fits": (filled(np.nan), "the same bytes as another file (first=all_nan.fits)"),
        "constant.fits": (filled(1000.0), "too few usable pixels"),
        "corrupt_tiles.fits.fz": (spoiled, "pixels cannot be read"),
    }


def _sparse(folder: Path) -> dict[str, str]:
    """Write two files of 200 MB that take no room on disk."""
    header = as_bytes(fits.PrimaryHDU())
    for name, start in (("header_only.fits", header), ("endless_header.fits", header[:_CARD])):
        with (folder / name).open("wb") as stream:
            stream.write(start)
            stream.truncate(_SPARSE_BYTES)
    return {"header_only.fits": "without data", "endless_header.fits": "header is too long"}


def _links(folder: Path) -> dict[str, str]:
    (folder / "link_out.fits").symlink_to(Path(__file__).resolve())
    (folder / "link_nowhere.fits").symlink_to("never_written.fits")
    (folder / "link_loop.fits").symlink_to("link_loop.fits")
    (folder / "link_folder").symlink_to(".", target_is_directory=True)
    os.mkfifo(folder / "pipe.fits")
    return {
        "link_out.fits": "leads out of the folder",
        "link_nowhere.fits": "leads nowhere",
        "link_loop.fits": "leads nowhere",
        "link_folder": "link to a folder is not followed",
        "pipe.fits": "not a regular file",
    }


def _names(folder: Path, content: bytes) -> dict[str, str]:
    (folder / "new\nline.fits").write_bytes(content)
    Path(os.fsdecode(os.fsencode(folder) + b"/caf\xe9.fits")).write_bytes(content)
    expected = {"new\\nline.fits": "not printable UTF-8", "caf\\xe9.fits": "not printable UTF-8"}
    if os.geteuid() != 0:
        (folder / "forbidden.fits").write_bytes(content)
        (folder / "forbidden.fits").chmod(0)
        expected["forbidden.fits"] = "Permission denied"
    return expected
