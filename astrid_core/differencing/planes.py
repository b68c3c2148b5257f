"""What a method of subtraction hands over to be calibrated and searched."""

from dataclasses import dataclass

from astrid_core.shared.images import FloatImage


@dataclass(frozen=True, slots=True)
class Planes:
    """One subtracted frame before its noise is known; arrays (ny, nx), finite everywhere, masked pixels filled."""

    difference: FloatImage
    """D, science counts: a new source of flux F appears as F times the PSF of D."""
    reference_difference: FloatImage
    """The part of D that came from the reference and was taken away."""
    score: FloatImage
    """S, the matched filter of D, in any unit."""
    reference_score: FloatImage
    """The reference's share of S: the light that stays, as the score sees it."""
    score_variance: FloatImage
    """V(S), from photon, sky and read noise."""
    flux_scale: FloatImage
    """F_S: the score of a source of unit flux at its centre."""
    mask_weight: FloatImage
    """The part (0 to 1) of the matched filter of each pixel that lies on masked pixels."""


@dataclass(frozen=True, slots=True)
class Responses:
    """What D shows of single things, on stamps as large as the larger PSF's."""

    science_pixel: FloatImage
    """Of unit light in one pixel of the science image."""
    reference_pixel: FloatImage
    """Of unit light in one pixel of the reference, its sign reversed."""
    point_source: FloatImage
    """P_D, sum 1."""
