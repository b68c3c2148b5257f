"""What differencing may choose."""

from dataclasses import dataclass, field

from astrid_core.differencing.quality_config import QualityConfig
from astrid_core.shared.errors import BadConfiguration

_MOST_INPUTS = 40
DECISIONS = ("automatic", "by people")
METHODS = ("auto", "zogy", "kernel")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceConfig:
    """Settings of the coadded reference images."""

    min_inputs: int = 3
    """A reference of fewer exposures is built, but recorded as thin: nothing in it was compared with two others. It is
    used only where no full one is, and never takes the place of a full one.
    """
    max_inputs: int = 20
    """Of each part of the sky the best so many exposures are coadded; at most 40."""
    max_fwhm_ratio: float = 1.6
    """Exposures blurred by more than this against the sharpest are left out."""
    clip_sigma: float = 5.0
    """What departs so far from the median of all inputs is left out, where there are three or more."""
    min_coverage: int = 2
    """Where three or more exposures are coadded, pixels that fewer than this cover hold no data: nothing tells a cosmic
    ray there from a star.
    """
    max_side_pix: int = 6000
    """Cells are coadded together as long as they and their exposures fit into this."""

    def __post_init__(self) -> None:
        if not 1 <= self.min_inputs <= self.max_inputs <= _MOST_INPUTS:
            raise BadConfiguration(
                f"1 <= min_inputs <= max_inputs <= {_MOST_INPUTS} must hold",
                min_inputs=self.min_inputs,
                max_inputs=self.max_inputs,
            )
        if not 1 <= self.min_coverage <= self.min_inputs:
            raise BadConfiguration(
                "min_coverage must lie in [1, min_inputs]", min_coverage=self.min_coverage, min_inputs=self.min_inputs
            )
        if self.max_fwhm_ratio < 1.0 or self.clip_sigma < 3.0:
            raise BadConfiguration(
                "max_fwhm_ratio must be at least 1 and clip_sigma at least 3",
                max_fwhm_ratio=self.max_fwhm_ratio,
                clip_sigma=self.clip_sigma,
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivationConfig:
    """Settings of what happens to a new reference; not part of what it is made of."""

    decision: str = "automatic"
    """``automatic``: a new reference takes the place of the one in use unless it is shallower or blurred;
    ``by people``: it waits as a draft until somebody activates it.
    """
    max_depth_loss_mag: float = 0.02
    """So much shallower a new reference may be."""
    max_seeing_loss: float = 0.05
    """By this part its stars may be wider."""

    def __post_init__(self) -> None:
        if self.decision not in DECISIONS:
            raise BadConfiguration("decision must be one of these", allowed=", ".join(DECISIONS), got=self.decision)
        if self.max_depth_loss_mag < 0.0 or self.max_seeing_loss < 0.0:
            raise BadConfiguration(
                "max_depth_loss_mag and max_seeing_loss must not be negative",
                max_depth_loss_mag=self.max_depth_loss_mag,
                max_seeing_loss=self.max_seeing_loss,
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
