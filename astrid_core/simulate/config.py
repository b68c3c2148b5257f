"""What a simulated survey may choose."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import date

from astrid_core.shared.errors import BadConfiguration

VERSION = 1
"""Raise when the same settings should give other files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SkyConfig:
    """What there is to see, per megapixel (10^6 pixels of one field)."""

    stars_per_mpix: float = 700.0
    """Stars that an ordinary exposure shows at 5 sigma or brighter; fainter ones follow the same law."""
    star_slope: float = 0.8
    """N(>F) ~ F^-slope, so that N(F) ~ F^-(slope + 1)."""
    galaxies_per_mpix: float = 250.0
    """Galaxies as bright as that."""
    galaxy_slope: float = 1.0
    transients_per_mpix: float = 18.0
    """New in the last night."""
    faded_per_mpix: float = 6.0
    """In every night but the last."""
    variables_per_mpix: float = 12.0
    """Stars that vary by 10 to 50 per cent."""
    moving_per_mpix: float = 3.0
    """Asteroids, in each night."""
    on_galaxy_fraction: float = 0.6
    """Part of the transients that lies on a galaxy, where its stars are."""
    transient_snr: tuple[float, float] = (4.0, 60.0)
    """Transients are spread evenly over the logarithm of their significance, between these, in an ordinary exposure."""

    def __post_init__(self) -> None:
        _require_not_negative(
            self,
            (
                "stars_per_mpix",
                "galaxies_per_mpix",
                "transients_per_mpix",
                "faded_per_mpix",
                "variables_per_mpix",
                "moving_per_mpix",
            ),
        )
        _require_positive(self, ("star_slope", "galaxy_slope"))
        _require_fraction(self, ("on_galaxy_fraction",))
        _require_range(self, ("transient_snr",))


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraConfig:
    """The telescope and its detector."""

    pixel_scale_arcsec: float = 0.4
    gain_e_adu: float = 1.6
    read_noise_e: float = 6.0
    saturation_adu: float = 60000.0
    exposure_s: float = 60.0
    zero_point_mag: float = 28.0
    """AB magnitude of one count in the whole exposure, on a clear night."""
    bad_columns_per_mpix: float = 2.0
    hot_pixels_per_mpix: float = 30.0

    def __post_init__(self) -> None:
        _require_positive(self, ("pixel_scale_arcsec", "gain_e_adu", "exposure_s"))
        _require_not_negative(self, ("read_noise_e", "bad_columns_per_mpix", "hot_pixels_per_mpix"))
        if not 1000.0 <= self.saturation_adu <= 65535.0:
            raise BadConfiguration("saturation_adu must lie in [1000, 65535]", got=self.saturation_adu)
        if not 15.0 <= self.zero_point_mag <= 35.0:
            raise BadConfiguration("zero_point_mag must lie in [15, 35]", got=self.zero_point_mag)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionsConfig:
    """What differs from exposure to exposure; pairs are the lowest and the highest value."""

    seeing_pix: tuple[float, float] = (2.7, 4.2)
    """FWHM at the centre of the frame."""
    moffat_beta: float = 3.0
    psf_variation: float = 0.05
    """Relative change of the FWHM from the centre to an edge."""
    ellipticity: float = 0.06
    """Largest 1 - minor / major axis at the centre."""
    sky_adu: tuple[float, float] = (220.0, 420.0)
    sky_gradient: float = 0.1
    """Largest relative change of the sky across the frame."""
    extinction_mag: float = 0.25
    """Largest loss to clouds."""
    dither_pix: float = 12.0
    rotation_deg: float = 0.05
    """Standard deviation of the camera's orientation."""
    wcs_error_pix: float = 0.5
    """Standard deviation per axis of the error of the header's WCS."""
    cosmic_rays_per_mpix: float = 40.0
    trails_per_exposure: float = 0.2

    def __post_init__(self) -> None:
        _require_range(self, ("seeing_pix", "sky_adu"))
        if self.seeing_pix[0] < 1.5 or self.seeing_pix[1] > 20.0:
            raise BadConfiguration("seeing_pix must lie in [1.5, 20]", got=self.seeing_pix)
        if not 1.5 < self.moffat_beta <= 10.0:
            raise BadConfiguration("moffat_beta must lie in (1.5, 10]", got=self.moffat_beta)
        for name, most in (("psf_variation", 0.3), ("ellipticity", 0.4)):
            if not 0.0 <= getattr(self, name) <= most:
                raise BadConfiguration(f"{name} must lie in [0, {most}]", got=getattr(self, name))
        _require_fraction(self, ("sky_gradient",))
        _require_not_negative(
            self,
            (
                "extinction_mag",
                "dither_pix",
                "rotation_deg",
                "wcs_error_pix",
                "cosmic_rays_per_mpix",
                "trails_per_exposure",
            ),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SurveyConfig:
    """A survey of a few fields over several nights; the last night is the one to search. The defaults are the demo."""

    seed: int = 1
    n_fields: int = 2
    side_pix: int = 1024
    n_nights: int = 5
    reference_exposures: int = 1
    """Per field and night, in every night but the last."""
    last_exposures: int = 3
    """Per field, in the last night."""
    band: str = "r"
    first_night: str = "2024-03-01"
    cadence_nights: int = 4
    sky: SkyConfig = field(default_factory=SkyConfig)
    camera: CameraConfig = field(default_factory=CameraConfig)
    conditions: ConditionsConfig = field(default_factory=ConditionsConfig)

    def __post_init__(self) -> None:
        for name, least, most in (
            ("seed", 0, 2**63 - 1),
            ("n_fields", 1, 1000),
            ("side_pix", 128, 16384),
            ("n_nights", 2, 366),
            ("reference_exposures", 1, 100),
            ("last_exposures", 1, 100),
            ("cadence_nights", 1, 366),
        ):
            if not least <= getattr(self, name) <= most:
                raise BadConfiguration(f"{name} must lie in [{least}, {most}]", got=getattr(self, name))
        if not self.band.isalnum():
            raise BadConfiguration("band must be letters and digits", got=self.band)
        try:
            date.fromisoformat(self.first_night)
        except ValueError as error:
            raise BadConfiguration("first_night must be YYYY-MM-DD", got=self.first_night) from error

    @property
    def digest(self) -> str:
        """SHA-256 of all that decides the files of the survey."""
        recipe = {"version": VERSION, "config": asdict(self)}
        return hashlib.sha256(json.dumps(recipe, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _require_positive(config: object, names: Iterable[str]) -> None:
    for name in names:
        if not getattr(config, name) > 0.0:
            raise BadConfiguration(f"{name} must be positive", got=getattr(config, name))


def _require_not_negative(config: object, names: Iterable[str]) -> None:
    for name in names:
        if not getattr(config, name) >= 0.0:
            raise BadConfiguration(f"{name} must not be negative", got=getattr(config, name))


def _require_fraction(config: object, names: Iterable[str]) -> None:
    for name in names:
        if not 0.0 <= getattr(config, name) <= 1.0:
            raise BadConfiguration(f"{name} must lie in [0, 1]", got=getattr(config, name))


def _require_range(config: object, names: Iterable[str]) -> None:
    for name in names:
        low, high = getattr(config, name)
        if not 0.0 < low <= high:
            raise BadConfiguration(f"{name} must be two positive numbers, the lower first", got=(low, high))
