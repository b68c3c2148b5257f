"""Orbits of minor planets and comets: elements as they are published, and what ephemerides are computed from."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from astrid_core.catalog.kepler import GAUSS, FloatArray, drift

_OBLIQUITY = np.radians(84381.448 / 3600.0)
"""Of the ecliptic of J2000 in which elements are published (IAU 1976)."""
UNRATED = 9
"""Code U of an orbit that nobody has rated: as bad as the worst."""
DEFAULT_G = 0.15
"""Where a file gives none (Minor Planet Center)."""
_LOG_CLASS = 1.49
"""Natural logarithm of the factor between two classes U (Minor Planet Center)."""
_DECADE_DAYS = 3652.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Elements:
    """Osculating elements, ecliptic and equinox of J2000, angles in degrees; arrays of one length."""

    names: NDArray[np.object_]
    epoch_mjd: FloatArray
    """TT, like all times here."""
    perihelion_au: FloatArray
    eccentricity: FloatArray
    inclination_deg: FloatArray
    node_deg: FloatArray
    peri_deg: FloatArray
    """Argument of perihelion."""
    perihelion_mjd: FloatArray
    """A time at which the body passes its perihelion."""
    h_mag: FloatArray
    """NaN where unknown; total magnitude of comets."""
    slope: FloatArray
    """G of minor planets; of comets the magnitudes per decade of distance from the Sun, divided by 2.5."""
    quality: NDArray[np.int8]
    """The code U of the Minor Planet Center, 0 best to 9."""
    is_comet: NDArray[np.bool_]
    seen_mjd: FloatArray
    """Newest observation; NaN where unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Orbits:
    """Where bodies were at the epochs of their orbits: heliocentric, ICRS axes; arrays of one length."""

    names: NDArray[np.object_]
    epoch_mjd: FloatArray
    """TT."""
    position_au: FloatArray
    """Shape (n, 3)."""
    velocity_au_d: FloatArray
    h_mag: FloatArray
    slope: FloatArray
    quality: NDArray[np.int8]
    is_comet: NDArray[np.bool_]
    seen_mjd: FloatArray

    def __len__(self) -> int:
        return len(self.epoch_mjd)

    def take(self, selection: NDArray[np.bool_] | NDArray[np.intp]) -> "Orbits":
        """Return the selected bodies, in the order of the selection."""
        return replace(self, **{one.name: getattr(self, one.name)[selection] for one in fields(self)})


def joined(parts: Sequence[Orbits]) -> Orbits:
    """Return the bodies of all parts, in order."""
    return replace(
        parts[0], **{one.name: np.concatenate([getattr(part, one.name) for part in parts]) for one in fields(Orbits)}
    )


def orbits_of(elements: Elements) -> Orbits:
    """Return the places and speeds that elements stand for."""
    q, e = elements.perihelion_au, elements.eccentricity
    toward, ahead = _axes(elements)
    speed = GAUSS * np.sqrt((1.0 + e) / q)
    position, velocity = drift(
        q[:, None] * toward, speed[:, None] * ahead, elements.epoch_mjd - elements.perihelion_mjd
    )
    return Orbits(
        names=elements.names,
        epoch_mjd=elements.epoch_mjd,
        position_au=position,
        velocity_au_d=velocity,
        h_mag=elements.h_mag,
        slope=elements.slope,
        quality=elements.quality,
        is_comet=elements.is_comet,
        seen_mjd=elements.seen_mjd,
    )


def runoff_arcsec(orbits: Orbits, mjd_tt: float) -> FloatArray:
    """Return how far along its orbit, seen from the Sun, each body may be off by what is not known of its orbit.

    By the upper edge of its class U, growing from the newest observation on, or from the epoch where that is unknown.
    """
    since = np.where(np.isfinite(orbits.seen_mjd), orbits.seen_mjd, orbits.epoch_mjd)
    return np.asarray(np.exp(_LOG_CLASS * orbits.quality) * np.abs(mjd_tt - since) / _DECADE_DAYS)


def _axes(elements: Elements) -> tuple[FloatArray, FloatArray]:
    """Return the directions of the perihelion and of the motion there, ICRS."""
    node, tilt, peri = (np.radians(one) for one in (elements.node_deg, elements.inclination_deg, elements.peri_deg))
    cn, sn, ct, st, cp, sp = np.cos(node), np.sin(node), np.cos(tilt), np.sin(tilt), np.cos(peri), np.sin(peri)
    toward = np.stack([cn * cp - sn * sp * ct, sn * cp + cn * sp * ct, sp * st], axis=1)
    ahead = np.stack([-cn * sp - sn * cp * ct, -sn * sp + cn * cp * ct, cp * st], axis=1)
    return _to_equator(toward), _to_equator(ahead)


def _to_equator(ecliptic: FloatArray) -> FloatArray:
    x, y, z = ecliptic.T
    c, s = np.cos(_OBLIQUITY), np.sin(_OBLIQUITY)
    return np.stack([x, c * y - s * z, s * y + c * z], axis=1)
