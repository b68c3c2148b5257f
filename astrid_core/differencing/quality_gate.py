"""Whether an exposure may be believed, said before anybody looks at its candidates."""

from collections.abc import Mapping

from astrid_core.differencing.entities import Quality, QualityLevel
from astrid_core.differencing.quality_config import MEASURES, Limits, QualityConfig
from astrid_core.differencing.subtract import Difference
from astrid_core.preprocessing.entities import PreprocessRun

_FLOOD = 200
"""So few candidates are no flood, however small the frame."""
_WORDS = {
    "n_stars": "stars for the PSF",
    "fwhm_pix": "seeing in pixels",
    "seeing_arcsec": "seeing in arcsec",
    "psf_residual": "scatter of stars about the PSF",
    "masked_fraction": "masked fraction",
    "ellipticity": "ellipticity of the PSF",
    "astrometric_rms_pix": "scatter of catalog stars about the WCS in pixels",
    "zero_point_scatter_mag": "scatter of catalog stars about the zero point in magnitudes",
    "airmass": "airmass",
    "depth_mag": "5-sigma limit",
    "registration_rms_pix": "registration scatter in pixels",
    "flux_ratio": "science counts per reference count",
    "score_noise": "noise of the score against what its variance says",
    "source_noise": "noise of the score on sources against that on the sky",
    "candidates_per_mpix": "candidates per Mpix",
}


def judge(measured: Mapping[str, float | None], config: QualityConfig, *, band: str = "") -> Quality:
    """Return the worst level of all measured numbers and, worst first, why: every reason with number and limits.

    A number that was not measured is not judged; an unknown name is a KeyError.
    """
    found = []
    for name, value in measured.items():
        if name not in MEASURES:
            raise KeyError(name)
        limits = config.of(name, band)
        if value is None or not limits:
            continue
        level = _level(value, limits)
        if level is not QualityLevel.GREEN:
            found.append((level, f"{_WORDS[name]} {value:.3g} ({_told(level, limits)})"))
    order = list(QualityLevel)
    found.sort(key=lambda one: -order.index(one[0]))
    return Quality(
        level=found[0][0] if found else QualityLevel.GREEN, reasons=tuple(f"{level}: {text}" for level, text in found)
    )


def read_with_care(quality: Quality, reason: str) -> Quality:
    """Return the verdict with one more reason, orange at least; unchanged where ``reason`` is empty."""
    if not reason:
        return quality
    told = [*quality.reasons, f"{QualityLevel.ORANGE}: {reason}"]
    order = [str(one) for one in reversed(QualityLevel)]
    told.sort(key=lambda one: order.index(one.split(":")[0]))
    level = quality.level if quality.level is QualityLevel.RED else QualityLevel.ORANGE
    return Quality(level=level, reasons=tuple(told))


def measures_of_exposure(prepared: PreprocessRun) -> dict[str, float | None]:
    """Return the numbers of a prepared exposure that are judged; none where the preparation has no quality."""
    quality, exposure, wcs = prepared.quality, prepared.exposure, prepared.wcs
    if quality is None:
        return {}
    scale = None if wcs is None else wcs.pixel_scale_arcsec
    tie = None if wcs is None else wcs.tie
    return {
        "n_stars": float(quality.n_stars),
        "fwhm_pix": quality.fwhm_pix,
        "seeing_arcsec": None if scale is None else quality.fwhm_pix * scale,
        "psf_residual": quality.psf_residual,
        "masked_fraction": quality.masked_fraction,
        "ellipticity": None if exposure is None else exposure.ellipticity,
        "astrometric_rms_pix": None
        if tie is None or scale is None
        else max(tie.rms_x_mas, tie.rms_y_mas) / (1000.0 * scale),
        "zero_point_scatter_mag": None if exposure is None else exposure.zero_point_scatter_mag,
        "airmass": None if exposure is None else exposure.airmass,
        "depth_mag": quality.depth_mag if exposure is None else exposure.limiting_mag or quality.depth_mag,
    }


def measures_of_difference(
    difference: Difference, *, n_candidates: int, registration_rms_pix: float, flux_ratio: float
) -> dict[str, float | None]:
    """Return the numbers of a difference that are judged; ``n_candidates`` of them stood out."""
    usable_mpix = float((difference.mask == 0).sum()) / 1e6
    return {
        "registration_rms_pix": registration_rms_pix,
        "flux_ratio": flux_ratio,
        "score_noise": difference.score_noise,
        "source_noise": difference.source_noise,
        "candidates_per_mpix": n_candidates / usable_mpix if n_candidates > _FLOOD else None,
    }


def _level(value: float, limits: Limits) -> QualityLevel:
    levels = (QualityLevel.GREEN, QualityLevel.YELLOW, QualityLevel.ORANGE)
    for level, (low, high) in zip(levels, limits, strict=True):
        # False for NaN: what could not be measured is no good sign.
        if low <= value <= high:
            return level
    return QualityLevel.RED


def _told(level: QualityLevel, limits: Limits) -> str:
    """Return which range was left."""
    names = {QualityLevel.YELLOW: "green", QualityLevel.ORANGE: "yellow", QualityLevel.RED: "orange"}
    low, high = limits[("green", "yellow", "orange").index(names[level])]
    return f"{names[level]} is {low:g} to {high:g}"
