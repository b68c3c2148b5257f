"""The facts of every exposure in a file, from its headers alone."""

import io
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO, TypeVar

from astropy.utils.exceptions import AstropyWarning

from astrid_core.observations.bands import band_of
from astrid_core.observations.cards import Headers, number, text
from astrid_core.observations.config import IngestConfig
from astrid_core.observations.detectors import counts_unit, gain_of, read_noise_of, saturation_of, zero_point_of
from astrid_core.observations.dialects import level_of, translated
from astrid_core.observations.places import Place, place_of
from astrid_core.observations.registry import Instrument, Level, Registry
from astrid_core.observations.registry_file import known_instruments
from astrid_core.observations.roles import Role
from astrid_core.observations.siblings import plane_shape, role_of
from astrid_core.observations.structure import Hdu, walk
from astrid_core.observations.times import exposure_of, mid_mjd_of
from astrid_core.shared.errors import UnusableFile

T = TypeVar("T")

_DEFAULTS = IngestConfig()
_STRANGER = Instrument(name="", mission="")
_OF_DIFFERENCES = ("NAME_REF", "DIFFIM", "DIFFCMD")
"""Cards that programs for differencing (SFFT, HOTPANTS and those that call them) leave in their results."""
_CALIBRATION = re.compile(r"bias|zero|dark|(dome|sky|twilight|master)? ?flat.*|arc|lamp|focus", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameFacts:
    """What the header tells about one exposure; None where it does not tell."""

    extension: int
    """0-based number of the HDU that holds the pixels."""
    width_pix: int
    height_pix: int
    bits_per_pixel: int
    place: Place | None
    mid_mjd: float | None
    exposure_s: float | None
    band: str
    instrument: str
    mission: str
    """By the registry; empty for a stranger."""
    level: Level
    object_name: str
    gain_e_adu: float | None
    read_noise_e: float | None
    saturation_adu: float | None
    zero_point_mag: float | None
    problems: tuple[str, ...]
    """What keeps the frame from being an observation, though its pixels may be used."""


def read_facts(
    content: bytes, *, name: str, config: IngestConfig = _DEFAULTS, registry: Registry | None = None
) -> tuple[FrameFacts, ...]:
    """Return the facts of every exposure in the bytes of a file; raise UnusableFile if there is none.

    Noise maps, masks and other companions are no exposures. ``name`` is only used to tell which file it was;
    ``registry`` knows the instruments, by default those of instruments.toml.
    """
    return read_stream(io.BytesIO(content), name=name, config=config, registry=registry)


def read_stream(
    stream: BinaryIO, *, name: str, config: IngestConfig = _DEFAULTS, registry: Registry | None = None
) -> tuple[FrameFacts, ...]:
    """Do the same for an open file, of which only headers are kept in memory."""
    # astropy warns of every card that it would write in another way; what matters here is whether we can read it.
    with warnings.catch_warnings(action="ignore", category=AstropyWarning):
        return _read(walk(stream, name=name, config=config), name, config, registry or known_instruments())


def _read(hdus: tuple[Hdu, ...], name: str, config: IngestConfig, registry: Registry) -> tuple[FrameFacts, ...]:
    frames, reasons = [], []
    for hdu in science_hdus(hdus):
        reason = _unusable(hdu, config)
        if reason:
            reasons.append(reason)
        else:
            frames.append(_facts(hdu, headers_of(hdus, hdu), registry))
    if frames:
        return tuple(frames)
    raise UnusableFile(reasons[0] if reasons else _no_image(hdus), file=name, n_extensions=len(hdus))


def science_hdus(hdus: tuple[Hdu, ...]) -> tuple[Hdu, ...]:
    """Return the extensions that hold an exposure's pixels, whether or not we can use them."""
    return tuple(hdu for hdu in hdus if hdu.axes and role_of(hdu) is Role.SCIENCE)


def headers_of(hdus: tuple[Hdu, ...], hdu: Hdu) -> Headers:
    """Return the headers that speak for an extension: its own, then the primary one."""
    return (hdu.header,) if hdu.number == 0 else (hdu.header, hdus[0].header)


def _unusable(hdu: Hdu, config: IngestConfig) -> str:
    shape = plane_shape(hdu)
    if 0 in hdu.axes:
        return f"image has no pixels: shape {hdu.axes}"
    if shape is None:
        kind = "one row of numbers, not an image" if len(hdu.axes) == 1 else "a cube, not one image"
        return f"extension {hdu.number} is {kind}: shape {hdu.axes}"
    if min(shape) < config.min_side_pix:
        return f"image is too small: {shape[1]} x {shape[0]} pixels, at least {config.min_side_pix} are needed"
    if shape[0] * shape[1] > config.max_pixels:
        return f"image is too large: {shape[1]} x {shape[0]} pixels, at most {config.max_pixels} in all"
    return ""


def _no_image(hdus: tuple[Hdu, ...]) -> str:
    roles = [role_of(hdu) for hdu in hdus if hdu.axes]
    if roles:
        return f"file holds no exposure, only {', '.join(sorted({f'a {role.value}' for role in roles}))}"
    if any(hdu.is_table for hdu in hdus):
        return "file holds no image, only tables"
    return "file holds no image: its HDUs are without data"


def _facts(hdu: Hdu, written: Headers, registry: Registry) -> FrameFacts:
    shape = plane_shape(hdu)
    if shape is None:
        raise ValueError("only planes have facts")
    problems: list[str] = []
    headers = translated(written, registry)
    mission, instrument = registry.mission_of(written), registry.instrument_of(written) or _STRANGER
    is_counts = counts_unit(headers)
    kind = text(headers, ("IMAGETYP", "OBSTYPE", "FRAMETYP", "FRAME"))
    if _CALIBRATION.fullmatch(kind.removesuffix("Frame").removesuffix("frame").strip()):
        problems.append(f"calibration frame, not an exposure of the sky: its type is {kind}")
    made_of = next((name for name in _OF_DIFFERENCES if text(headers, [name])), "")
    if made_of:
        problems.append(
            f"difference of two images, not an exposure: it was made with {made_of} {text(headers, [made_of])}"
        )
    exposure_s = _attempt(lambda: exposure_of(headers), problems)
    return FrameFacts(
        extension=hdu.number,
        width_pix=shape[1],
        height_pix=shape[0],
        bits_per_pixel=abs(int(number([hdu.header], ("ZBITPIX", "BITPIX")) or 0)),
        place=_attempt(lambda: place_of(written, shape, pointing=headers), problems),
        mid_mjd=_attempt(lambda: mid_mjd_of(headers, exposure_s), problems),
        exposure_s=exposure_s,
        band=registry.band_name(band_of(headers)),
        instrument=text(headers, ("INSTRUME", "DETECTOR", "CAMERA")),
        mission=mission.name if mission else "",
        level=level_of(written, registry),
        object_name=text(headers, ("OBJECT", "TARGNAME", "FIELD")),
        gain_e_adu=gain_of(headers, exposure_s) or (instrument.gain_e_adu if is_counts else None),
        read_noise_e=read_noise_of(headers) or instrument.read_noise_e,
        saturation_adu=saturation_of(headers) or (instrument.saturation_adu if is_counts else None),
        zero_point_mag=zero_point_of(headers, exposure_s),
        problems=tuple(problems),
    )


def _attempt(read: Callable[[], T], problems: list[str]) -> T | None:
    try:
        return read()
    except UnusableFile as problem:
        problems.append(str(problem))
        return None
