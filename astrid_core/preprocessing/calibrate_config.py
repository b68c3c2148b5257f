"""What the calibration of raw frames may choose."""

from dataclasses import dataclass

from astrid_core.shared.errors import BadConfiguration

_KINDS = ("bias", "dark", "flat", "bad_pixels")


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrateConfig:
    """Settings of the masters and of their application to raw frames."""

    required: tuple[str, ...] = ("bias", "flat")
    """Masters without which a raw frame is not prepared; the others are applied where they exist."""
    allow_uncalibrated: bool = True
    """Whether a frame is prepared as it is where neither its survey nor its header says that it is calibrated and its
    survey has no masters for its instrument."""
    min_bias: int = 5
    """Fewer bias frames make no master."""
    min_dark: int = 3
    """Fewer darks make no master."""
    min_flat: int = 5
    """Fewer flats make no master."""
    max_inputs: int = 20
    """The latest so many frames make a master: a stack is held in memory strip by strip."""
    max_gap_days: float = 7.0
    """A longer pause between two calibration frames begins another master."""
    valid_days: float = 30.0
    """A master serves exposures up to so long before its first and after its last input."""
    clip_sigma: float = 5.0
    """Pixels of an input farther than this from the median of all inputs are left out of a master."""
    flat_min_counts: float = 1000.0
    """Flats whose median lies below are too dark to be used."""
    flat_max_fraction: float = 0.8
    """Flats whose median lies above this part of the saturation level are too bright to be used."""
    source_sigma: float = 4.0
    """Light in a flat that stands out by this much of the first-pass flat is a star or a satellite."""
    hot_sigma: float = 10.0
    """Pixels whose dark current exceeds that of the detector by so many times its scatter are bad."""
    flat_response: tuple[float, float] = (0.5, 1.5)
    """Pixels whose response, relative to their neighbourhood, lies outside are bad."""
    deviation_sigma: float = 6.0
    """A pixel of a new master deviates from the one before it when they differ by more than this."""
    max_deviating_fraction: float = 0.05
    """A new master in which more pixels deviate is rejected."""
    overscan_degree: int = 3
    """Of the polynomial along the overscan."""
    linearity: tuple[tuple[str | float, ...], ...] = ()
    """Rows (instrument, c1, c2, ...): c1 x + c2 x^2 + ... are the counts that a linear detector would show for x counts
    above the overscan; instruments without a row are taken for linear."""

    def __post_init__(self) -> None:
        if unknown := [kind for kind in self.required if kind not in _KINDS]:
            raise BadConfiguration("no such kind of master", required=unknown[0], known=", ".join(_KINDS))
        for name in ("min_bias", "min_dark", "min_flat", "max_inputs"):
            if getattr(self, name) < 3:
                raise BadConfiguration(f"{name} must be at least 3: two cannot outvote one", got=getattr(self, name))
        for name in ("max_gap_days", "valid_days", "clip_sigma", "source_sigma", "hot_sigma", "deviation_sigma"):
            if getattr(self, name) <= 0.0:
                raise BadConfiguration(f"{name} must be positive", got=getattr(self, name))
        for name in ("max_deviating_fraction", "flat_max_fraction"):
            if not 0.0 < getattr(self, name) <= 1.0:
                raise BadConfiguration(f"{name} must lie in (0, 1]", got=getattr(self, name))
        if not 0.0 < self.flat_response[0] < 1.0 < self.flat_response[1]:
            raise BadConfiguration("flat_response must enclose 1", got=self.flat_response)
        if self.overscan_degree < 0:
            raise BadConfiguration("overscan_degree must not be negative", got=self.overscan_degree)
        self._require_linearity()

    def _require_linearity(self) -> None:
        for row in self.linearity:
            numbers = row[1:]
            if not isinstance(row[0], str) or not numbers or not all(isinstance(one, int | float) for one in numbers):
                raise BadConfiguration("linearity needs rows of an instrument and its coefficients", row=row)

    def coefficients(self, instrument: str) -> tuple[float, ...]:
        """Return c1, c2, ... of an instrument; empty where it is taken for linear."""
        for name, *numbers in self.linearity:
            if name == instrument:
                return tuple(float(one) for one in numbers)
        return ()

    def min_inputs(self, kind: str) -> int:
        """Return how many frames a master of a kind needs."""
        return {"bias": self.min_bias, "dark": self.min_dark, "flat": self.min_flat}[kind]
