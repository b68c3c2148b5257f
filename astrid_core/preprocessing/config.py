"""What preparation may choose."""

from dataclasses import dataclass
from itertools import pairwise

from astrid_core.shared.errors import BadConfiguration

_N_TERMS_OF_PLANE = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class PreprocessConfig:
    """Settings of the preparation of one exposure."""

    background_box_pix: int = 64
    """Mesh of the background model."""
    detect_sigma: float = 5.0
    """Pixel threshold of the source detection."""
    saturation_fraction: float = 0.95
    """Pixels above this fraction of the saturation level count as saturated: detectors bend before they clip."""
    saturation_grow_pix: int = 2
    """Pixels this near to a saturated one are masked, too: charge bleeds."""
    cosmic_ray_sigma: float = 6.0
    """Laplacian contrast threshold (van Dokkum 2001, PASP 113, 1420)."""
    cosmic_ray_contrast: float = 5.0
    """Contrast between Laplacian and fine structure; low values mistake stars for cosmic rays."""
    psf_max_stars: int = 200
    """The brightest so many clean stars make the PSF."""
    psf_min_snr: float = 30.0
    """Stars fainter than this serve only where brighter ones are too few."""
    max_masked_fraction: float = 0.9
    """More unusable pixels than this make the exposure unprocessable."""
    quantize_level: float = 0.0
    """0 stores exact floats; 16 stores them quantised to noise/16, a quarter of the bytes."""

    def __post_init__(self) -> None:
        if self.background_box_pix < 8:
            raise BadConfiguration("background_box_pix must be at least 8", background_box_pix=self.background_box_pix)
        if not 0.0 < self.saturation_fraction <= 1.0:
            raise BadConfiguration("saturation_fraction must lie in (0, 1]", got=self.saturation_fraction)
        if self.detect_sigma <= 1.0 or self.cosmic_ray_sigma <= 1.0:
            raise BadConfiguration("thresholds must exceed 1 sigma", got=min(self.detect_sigma, self.cosmic_ray_sigma))
        if not 0.0 < self.max_masked_fraction <= 1.0:
            raise BadConfiguration("max_masked_fraction must lie in (0, 1]", got=self.max_masked_fraction)
        if self.quantize_level < 0.0:
            raise BadConfiguration("quantize_level must not be negative", got=self.quantize_level)


@dataclass(frozen=True, slots=True, kw_only=True)
class ZeroPointConfig:
    """Settings of the photometric zero point of one exposure."""

    min_stars: int = 5
    """Fewer give no zero point."""
    min_snr: float = 20.0
    """Stars whose flux, as expected from the catalog, is a smaller multiple of its error are left out."""
    clip_sigma: float = 3.0
    """Stars farther off, in units of errors and scatter together, are outliers: variables, blends, mismatches."""
    min_stars_for_colour: int = 20
    """Fewer stars of known colour give no colour term."""
    min_colour_spread_mag: float = 0.1
    """Standard deviation of the colours of the stars below which no colour term is fitted."""
    max_colour_error: float = 0.05
    """Largest standard deviation of a colour term, mag per mag, that is still of use."""
    stars_per_degree: tuple[int, ...] = (50, 100)
    """So many stars are needed for a zero point that varies over the frame as a polynomial of degree 1, 2 ..."""
    max_chance: float = 1e-5
    """Such a polynomial is kept where chance alone would lower chi-square as much less often than this."""

    def __post_init__(self) -> None:
        if self.min_stars < 3:
            raise BadConfiguration("min_stars must be at least 3", got=self.min_stars)
        if self.min_snr < 5.0:
            raise BadConfiguration("min_snr must be at least 5: fainter stars are detected by luck", got=self.min_snr)
        if self.clip_sigma < 2.0:
            raise BadConfiguration("clip_sigma must be at least 2", got=self.clip_sigma)
        if self.min_colour_spread_mag <= 0.0 or self.max_colour_error <= 0.0:
            least = min(self.min_colour_spread_mag, self.max_colour_error)
            raise BadConfiguration("limits of the colour term must be positive", got=least)
        needed = [_N_TERMS_OF_PLANE, *self.stars_per_degree]
        if self.min_stars_for_colour < self.min_stars or any(more < less for less, more in pairwise(needed)):
            raise BadConfiguration("richer fits must need more stars", stars_per_degree=self.stars_per_degree)
        if not 0.0 < self.max_chance < 1.0:
            raise BadConfiguration("max_chance must lie in (0, 1)", got=self.max_chance)


@dataclass(frozen=True, slots=True, kw_only=True)
class AstrometryConfig:
    """Settings of the tie to a star catalog."""

    search_radius_arcsec: float = 60.0
    """A header may be off by so much, besides some tenths of a degree of rotation and a per cent of scale."""
    pointing_radius_deg: float = 0.5
    """A pointing without orientation may be off by so much."""
    pointing_scale_error: float = 0.1
    """And its pixel scale by such a part."""
    blind_scales_arcsec: tuple[float, float] = (0.1, 30.0)
    """Smallest and largest pixels that are tried where nothing is known."""
    max_stars: int = 20_000
    """The brightest so many catalog stars of a region are used."""
    max_sources: int = 1000
    """The brightest so many sources of a frame are used."""
    max_order: int = 4
    """Highest order of SIP distortion that is tried."""
    min_matched: int = 6
    """Fewer matched stars are no solution."""
    max_log_chance: float = -9.0
    """Nor are pairs that unrelated stars would make more often than 10 to this power."""
    max_rms_pix: float = 0.7
    """Nor is a fit with more scatter than this along an axis."""
    max_rms_mas: float = 0.0
    """The same in milliarcseconds; 0 sets no limit."""

    def __post_init__(self) -> None:
        low, high = self.blind_scales_arcsec
        if not 0.0 < low <= high:
            raise BadConfiguration("blind_scales_arcsec must grow from above 0", got=self.blind_scales_arcsec)
        for name in ("search_radius_arcsec", "pointing_radius_deg", "max_rms_pix"):
            if getattr(self, name) <= 0.0:
                raise BadConfiguration(f"{name} must be positive", got=getattr(self, name))
        if not 0.0 < self.pointing_scale_error < 0.5:
            raise BadConfiguration("pointing_scale_error must lie in (0, 0.5)", got=self.pointing_scale_error)
        if not 1 <= self.max_order <= 5:
            raise BadConfiguration("max_order must lie in [1, 5]", got=self.max_order)
        if self.min_matched < 5 or min(self.max_stars, self.max_sources) < self.min_matched:
            raise BadConfiguration("at least 5 stars must match, of at least as many", min_matched=self.min_matched)
        if self.max_log_chance > -3.0 or self.max_rms_mas < 0.0:
            raise BadConfiguration(
                "max_log_chance must be -3 or less, max_rms_mas not negative",
                max_log_chance=self.max_log_chance,
                max_rms_mas=self.max_rms_mas,
            )
