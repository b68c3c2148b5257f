"""What preparation may choose."""

from dataclasses import dataclass

from astrid_core.shared.errors import BadConfiguration


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
