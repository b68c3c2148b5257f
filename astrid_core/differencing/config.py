"""What differencing may choose."""

from dataclasses import dataclass, field

from astrid_core.differencing.quality_config import QualityConfig
from astrid_core.shared.errors import BadConfiguration

METHODS = ("auto", "zogy", "kernel")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceConfig:
    """Settings of the coadded reference images."""

    cell_order: int = 6
    """HEALPix order of the cells that references are kept by: 6 is 0.84 square degrees."""
    max_inputs: int = 20
    """The best so many exposures of a group are coadded."""
    max_fwhm_ratio: float = 1.6
    """Exposures blurred by more than this against the sharpest are left out."""
    clip_sigma: float = 5.0
    """An input pixel this far from the median of all inputs is left out, where there are three or more."""
    min_inputs: int = 2
    """Where three or more exposures are coadded, pixels that fewer than this cover hold no data: nothing tells a cosmic
    ray there from a star.
    """
    max_side_pix: int = 6000
    """A coadd is not extended beyond this by exposures that reach over its edge."""

    def __post_init__(self) -> None:
        if not 0 <= self.cell_order <= 12:
            raise BadConfiguration("cell_order must lie in [0, 12]", got=self.cell_order)
        if self.max_inputs < 1 or self.min_inputs < 1:
            raise BadConfiguration(
                "max_inputs and min_inputs must be positive", max_inputs=self.max_inputs, min_inputs=self.min_inputs
            )
        if self.max_fwhm_ratio < 1.0 or self.clip_sigma < 3.0:
            raise BadConfiguration(
                "max_fwhm_ratio must be at least 1 and clip_sigma at least 3",
                max_fwhm_ratio=self.max_fwhm_ratio,
                clip_sigma=self.clip_sigma,
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class DifferenceConfig:
    """Settings of the subtraction of one pair."""

    method: str = "auto"
    """Where the PSFs come from: ``zogy`` takes those measured on stars, ``kernel`` matches them on all light, ``auto``
    decides by what is known of a pair (see psf_pair).
    """
    max_source_noise: float = 1.1
    """Where PSFs, registration and flux scale fit so badly that the score is noisier on sources than on the sky by more
    than this factor, ``auto`` tries a kernel.
    """
    min_kernel_sources: int = 40
    """For ``auto``: a kernel that fewer bright sources tell has more noise than it takes away."""
    threshold_sigma: float = 5.0
    """Candidates are peaks of the absolute score at or above this."""
    min_overlap: float = 0.2
    """Fraction of the usable science pixels that the reference must cover."""
    tile_pix: int = 512
    """Side of the pieces that share one PSF; results depend on it by less than 1 % of sigma."""
    overlap_pix: int = 32
    """Width over which neighbouring tiles are blended."""
    fit_spacing_pix: int = 512
    """Distance of the knots between which displacement, flux scale and PSF widths are fitted."""
    detect_sigma: float = 5.0
    """Threshold for the stars that registration, PSF and flux scale are measured from."""
    max_mask_weight: float = 0.1
    """A score pixel is masked when masked pixels carry more than this part of its matched filter."""
    background_box_fwhm: float = 8.0
    """Mesh, in units of the larger FWHM, of the background that is taken out of the difference."""
    fill_iterations: int = 4
    """Rounds in which masked science pixels are filled so that the difference vanishes on them."""
    max_candidates: int = 20000
    """Only so many, the strongest, are kept of one pair."""
    compatible_bands: tuple[tuple[str, str], ...] = (("B", "g"), ("V", "g"), ("R", "r"), ("I", "i"))
    """Pairs of bands that may be compared where no reference in the same band exists."""
    quality: QualityConfig = field(default_factory=QualityConfig)
    """What makes an exposure green, yellow, orange or red."""

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise BadConfiguration("method must be one of these", allowed=", ".join(METHODS), got=self.method)
        if self.threshold_sigma < 3.0:
            raise BadConfiguration("threshold_sigma must be at least 3", got=self.threshold_sigma)
        if not 0.0 < self.min_overlap <= 1.0:
            raise BadConfiguration("min_overlap must lie in (0, 1]", got=self.min_overlap)
        if self.tile_pix < 128 or not 0 < self.overlap_pix <= self.tile_pix // 4:
            raise BadConfiguration(
                "tile_pix must be at least 128 and overlap_pix at most a quarter of it",
                tile_pix=self.tile_pix,
                overlap_pix=self.overlap_pix,
            )
        if not 0.0 < self.max_mask_weight < 1.0:
            raise BadConfiguration("max_mask_weight must lie in (0, 1)", got=self.max_mask_weight)
