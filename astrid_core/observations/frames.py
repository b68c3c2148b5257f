"""The pixels of one exposure, with its noise, mask and WCS."""

import io
import warnings
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from astropy.io import fits
from astropy.io.fits.hdu.compressed._compression import CfitsioException
from astropy.io.fits.verify import VerifyError
from astropy.utils.exceptions import AstropyWarning
from astropy.wcs import WCS
from numpy.typing import NDArray

from astrid_core.observations.cards import Headers, as_number, value
from astrid_core.observations.config import IngestConfig
from astrid_core.observations.dialects import translated
from astrid_core.observations.entities import WcsOrigin
from astrid_core.observations.headers import headers_of, science_hdus
from astrid_core.observations.maps import MapFile, read_map, require_shape
from astrid_core.observations.places import pointing_wcs, sky_wcs
from astrid_core.observations.registry import BitTable, Registry
from astrid_core.observations.registry_file import known_instruments
from astrid_core.observations.roles import Role
from astrid_core.observations.siblings import companions, plane_shape
from astrid_core.observations.structure import Hdu, inflate, walk
from astrid_core.shared.errors import UnusableFile
from astrid_core.shared.images import FloatImage, MaskImage, MaskPlane

Plane = NDArray[np.floating]

_DEFAULTS = IngestConfig()
_BROKEN_PIXELS = (
    OSError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    EOFError,
    ArithmeticError,
    RuntimeError,
    VerifyError,
    CfitsioException,
    zlib.error,
)
"""What astropy and its decompressors raise for bytes that are no image."""
_ASINH_MAG = 2.5 / np.log(10.0)
_BAD_PLANES = ("MP_BAD", "MP_SAT", "MP_CR", "MP_NO_DATA", "MP_SUSPECT", "MP_INTRP", "MP_UNMASKEDNAN")


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One exposure as its file holds it; arrays are (ny, nx)."""

    pixels: FloatImage
    """Counts, linear; NaN where the file has none."""
    mask: MaskImage | None
    """Planes that the file's own mask or weight forbids; None if it has neither."""
    variance: FloatImage | None
    """Counts squared; None if the file has no noise map."""
    wcs: WCS | None
    wcs_origin: WcsOrigin | None
    """With POINTING the WCS is right in place and scale, its orientation a guess; None without any position."""


def read_frame(
    content: bytes,
    *,
    extension: int,
    name: str,
    config: IngestConfig = _DEFAULTS,
    registry: Registry | None = None,
    beside: Mapping[Role, bytes] = MappingProxyType({}),
) -> Frame:
    """Return the exposure in HDU ``extension`` of a file's bytes, or raise UnusableFile.

    ``beside`` are files with its maps; they go before maps in the file itself, and must have its shape.
    ``registry`` knows what the bits of masks mean, by default that of instruments.toml.
    """
    with warnings.catch_warnings(action="ignore", category=AstropyWarning):
        try:
            plain = inflate(content, name=name, config=config)
            maps = [
                read_map(role, inflate(one, name=f"{role.value} of {name}", config=config), extension, config)
                for role, one in beside.items()
            ]
            return _read(plain, extension, name, config, registry or known_instruments(), maps)
        except _BROKEN_PIXELS as error:
            raise UnusableFile("pixels cannot be read", file=name, extension=extension, cause=_line(error)) from error


def _read(
    plain: bytes, extension: int, name: str, config: IngestConfig, registry: Registry, maps: Sequence[MapFile]
) -> Frame:
    hdus = walk(io.BytesIO(plain), name=name, config=config)
    science = next((hdu for hdu in science_hdus(hdus) if hdu.number == extension), None)
    shape = None if science is None else plane_shape(science)
    if science is None or shape is None:
        raise UnusableFile("file has no image there", file=name, extension=extension, n_extensions=len(hdus))
    headers, beside = headers_of(hdus, science), companions(hdus, science)
    with fits.open(io.BytesIO(plain), memmap=False, uint=False) as opened:
        planes = {role: _plane(opened, hdu) for role, hdu in beside.items()}
        pixels = _linear(_plane(opened, science), headers)
        wcs = sky_wcs(headers, opened, shape=shape)
    origin = WcsOrigin.HEADER if wcs is not None else None
    if wcs is None:
        wcs, origin = _pointing_or_none(translated(headers, registry), shape)
    mission = registry.mission_of(headers)
    for one in maps:
        require_shape(one, shape)
        role = Role.VARIANCE if one.role is Role.WEIGHT and mission and mission.weight == "variance" else one.role
        planes[role], beside[role] = (
            _linear(one.plane, (one.hdu.header,)) if role is not Role.MASK else one.plane,
            one.hdu,
        )
    return Frame(
        pixels=pixels,
        mask=_mask(planes, beside, headers, mission.mask if mission else None),
        variance=_variance(planes),
        wcs=wcs,
        wcs_origin=origin,
    )


def _plane(opened: fits.HDUList, hdu: Hdu) -> Plane:
    data = opened[hdu.number].data
    if data is None:
        raise UnusableFile("image has no pixels", extension=hdu.number)
    shape = plane_shape(hdu)
    if shape is None:
        raise ValueError("only planes can be read")
    # float64 holds every bit of a 32-bit mask and every count of a 32-bit image
    kind: type[np.floating] = np.float32 if data.dtype == np.float32 else np.float64
    return np.asarray(data, dtype=kind).reshape(shape)


def _linear(pixels: Plane, headers: Headers) -> FloatImage:
    """Undo the asinh scale that Pan-STARRS stacks are compressed with; other pixels pass unchanged."""
    offset, soft = as_number(value(headers, "BOFFSET")), as_number(value(headers, "BSOFTEN"))
    if offset is None or soft is None:
        return pixels.astype(np.float32)
    return np.asarray(offset + 2.0 * soft * np.sinh(pixels / _ASINH_MAG), dtype=np.float32)


def _pointing_or_none(headers: Headers, shape: tuple[int, int]) -> tuple[WCS | None, WcsOrigin | None]:
    try:
        return pointing_wcs(headers, shape), WcsOrigin.POINTING
    except UnusableFile:
        return None, None  # pixels without a position are still pixels; whoever needs the sky finds none


def _variance(planes: dict[Role, Plane]) -> FloatImage | None:
    if Role.VARIANCE in planes:
        return planes[Role.VARIANCE].astype(np.float32)
    if Role.SIGMA in planes:
        return np.square(planes[Role.SIGMA], dtype=np.float32)
    if Role.WEIGHT in planes:
        weight = planes[Role.WEIGHT]
        inverse = np.divide(1.0, weight, out=np.full(weight.shape, np.nan), where=weight > 0)
        return np.asarray(inverse, dtype=np.float32)
    return None


def _mask(
    planes: dict[Role, Plane], sources: dict[Role, Hdu], headers: Headers, table: BitTable | None
) -> MaskImage | None:
    masks = []
    if Role.MASK in planes:
        bits = np.nan_to_num(planes[Role.MASK]).astype(np.int64)
        masks.append(_by_bits(bits, _bad_bits(sources[Role.MASK], headers), table))
    if Role.WEIGHT in planes:
        masks.append(np.where(planes[Role.WEIGHT] > 0, np.uint16(0), np.uint16(MaskPlane.BAD)))
    if Role.EXPOSURE in planes:
        masks.append(np.where(planes[Role.EXPOSURE] > 0, np.uint16(0), np.uint16(MaskPlane.NO_DATA)))
    return np.bitwise_or.reduce(masks) if masks else None


def _by_bits(bits: NDArray[np.int64], serious: int | None, table: BitTable | None) -> MaskImage:
    """Return planes by the table of a mission, of bits that a header calls serious; without either, any bit is BAD."""
    if serious is not None:
        bits = bits & serious
    if table is None:
        return np.where(bits != 0, np.uint16(MaskPlane.BAD), np.uint16(0))
    mask = np.zeros(bits.shape, dtype=np.uint16)
    for plane in BitTable.__dataclass_fields__:
        chosen = sum(1 << bit for bit in getattr(table, plane))
        mask |= np.where(bits & chosen, np.uint16(MaskPlane[plane]), np.uint16(0))
    return mask


def _bad_bits(mask: Hdu, headers: Headers) -> int | None:
    """Return the mask bits that the file itself names as serious; None where it names none."""
    serious = as_number(value(headers, "SDQFLAGS"))
    if serious is not None:
        return int(serious)
    planes = [as_number(value([mask.header], plane)) for plane in _BAD_PLANES]
    return sum(1 << int(plane) for plane in planes if plane is not None) or None


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
