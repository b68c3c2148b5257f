"""Objects that change: when, how much, and where they are."""

import math
from dataclasses import dataclass

from astrid_core.shared.sky import SkyPosition

_HOURS = 24.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangingObject:
    """A transient, a variable star or a moving object."""

    object_id: str
    kind: str
    """As in the truth table: transient, variable or moving."""
    position: SkyPosition
    """At ``epoch_mjd`` for what moves."""
    mag_ab: float
    """While it shines, on average."""
    host_id: str = ""
    """The galaxy that it lies on."""
    from_mjd: float = -math.inf
    until_mjd: float = math.inf
    amplitude: float = 0.0
    """Relative, of a sine."""
    period_d: float = 1.0
    phase: float = 0.0
    epoch_mjd: float = 0.0
    east_arcsec_h: float = 0.0
    north_arcsec_h: float = 0.0

    def brightness(self, mjd: float) -> float:
        """Return its flux in units of the flux that ``mag_ab`` stands for."""
        if not self.from_mjd <= mjd < self.until_mjd:
            return 0.0
        return 1.0 + self.amplitude * math.sin(2.0 * math.pi * (mjd / self.period_d + self.phase))

    def place(self, mjd: float) -> SkyPosition:
        """Return where it is: along a straight line, good for days and degrees, not at the poles."""
        if not (self.east_arcsec_h or self.north_arcsec_h):
            return self.position
        hours = (mjd - self.epoch_mjd) * _HOURS
        dec = self.position.dec_deg + self.north_arcsec_h * hours / 3600.0
        east = self.east_arcsec_h * hours / 3600.0 / math.cos(math.radians(self.position.dec_deg))
        return SkyPosition(ra_deg=(self.position.ra_deg + east) % 360.0, dec_deg=max(-90.0, min(90.0, dec)))
