"""A small invented night: two exposures that were searched, one skipped, one failed, one file rejected."""

from collections.abc import Sequence

import numpy as np
from astropy.wcs import WCS
from numpy.typing import NDArray

from astrid_core.detection.entities import Detection, ModelRun
from astrid_core.differencing.entities import Candidate, DifferenceRun, Registration
from astrid_core.observations.entities import Observation, WcsOrigin
from astrid_core.preprocessing.entities import ImageQuality, PreprocessRun, WCSInfo
from astrid_core.shared.artifacts import ArtifactRef
from astrid_core.shared.runs import RunKey, RunStatus
from astrid_core.shared.sky import SkyPosition

NIGHT = "2024-03-02"
START_MJD = 60372.1
SIDE_PIX = 101
SCALE_ARCSEC = 1.0
RA_DEG, DEC_DEG = 150.0, 2.0
REFERENCE_DIGEST = "f" * 64


def frame_wcs() -> WCS:
    """Return a WCS of one arcsec per pixel, centred on the frame, east to the left."""
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crpix = [SIDE_PIX / 2 + 0.5, SIDE_PIX / 2 + 0.5]
    wcs.wcs.crval = [RA_DEG, DEC_DEG]
    wcs.wcs.cdelt = [-SCALE_ARCSEC / 3600.0, SCALE_ARCSEC / 3600.0]
    wcs.wcs.set()
    return wcs


def sky_at(x_pix: float, y_pix: float) -> SkyPosition:
    ra, dec = frame_wcs().wcs_pix2world([x_pix], [y_pix], 0)
    return SkyPosition(ra_deg=float(ra[0]), dec_deg=float(dec[0]))


def observation(number: int, *, mid_mjd: float | None = None, zero_point_mag: float | None = 25.0) -> Observation:
    return Observation(
        survey="demo",
        archive_id=f"{NIGHT}/exposure{number}.fits",
        extension=0,
        file_digest=f"{number:064x}",
        position=SkyPosition(ra_deg=RA_DEG, dec_deg=DEC_DEG),
        radius_deg=0.02,
        wcs_origin=WcsOrigin.HEADER,
        pixel_scale_arcsec=SCALE_ARCSEC,
        width_pix=SIDE_PIX,
        height_pix=SIDE_PIX,
        band="r",
        exposure_s=60.0,
        mid_mjd=START_MJD + 0.01 * number if mid_mjd is None else mid_mjd,
        zero_point_mag=zero_point_mag,
    )


def preprocess_run(seen: Observation, *, reason: str = "") -> PreprocessRun:
    key = RunKey(f"preprocess-{seen.archive_id}")
    if reason:
        return PreprocessRun.skipped(key, seen.id, reason)
    quality = ImageQuality(
        n_stars=40,
        fwhm_pix=2.5,
        psf_residual=0.01,
        sky=800.0,
        sky_rms=14.0,
        gain_e_count=1.5,
        saturation=60000.0,
        masked_fraction=0.01,
        depth_mag=21.0,
    )
    return PreprocessRun(
        key=key,
        status=RunStatus.SUCCEEDED,
        observation_id=seen.id,
        wcs=WCSInfo(origin=WcsOrigin.HEADER, pixel_scale_arcsec=SCALE_ARCSEC),
        quality=quality,
        elapsed_s=2.0,
    )


def candidate(run: RunKey, number: int, x_pix: float, y_pix: float, significance: float, *, on_sky: bool) -> Candidate:
    return Candidate(
        run=run,
        number=number,
        position=sky_at(x_pix, y_pix) if on_sky else None,
        x_pix=x_pix,
        y_pix=y_pix,
        x_err_pix=0.1,
        y_err_pix=0.1,
        score=significance,
        flux=100.0 * np.sign(significance),
        flux_err=10.0,
        chi2=1.0,
        fwhm_pix=2.5,
        ellipticity=0.1,
        flags=0,
    )


def difference_run(
    seen: Observation,
    places: Sequence[tuple[float, float, float]] = (),
    *,
    image: ArtifactRef | None = None,
    reason: str = "",
    on_sky: bool = True,
) -> DifferenceRun:
    """Return the record of a pair; ``places`` are x_pix, y_pix and significance of its candidates."""
    key = RunKey(f"difference-{seen.archive_id}")
    preprocess_key = RunKey(f"preprocess-{seen.archive_id}")
    if reason:
        return DifferenceRun.skipped(
            key, preprocess_key=preprocess_key, observation_id=seen.id, reference_digests=(), reason=reason
        )
    return DifferenceRun(
        key=key,
        status=RunStatus.SUCCEEDED,
        preprocess_key=preprocess_key,
        observation_id=seen.id,
        reference_digests=(REFERENCE_DIGEST,),
        image=image,
        registration=Registration(offset_x_pix=0.1, offset_y_pix=0.0, rms_pix=0.05, n_matched=30, method="wcs"),
        flux_ratio=1.0,
        score_noise=1.01,
        n_usable_pix=500_000,
        candidates=tuple(candidate(key, n, *place, on_sky=on_sky) for n, place in enumerate(places, start=1)),
        elapsed_s=5.0,
    )


def model_run(difference: DifferenceRun, scores: Sequence[float | None], *, model: str = "unet/1") -> ModelRun:
    suffix = difference.key.removeprefix("difference-")
    key = RunKey(f"detect-{model}-{suffix}")
    return ModelRun(
        key=key,
        status=RunStatus.SUCCEEDED,
        difference_key=difference.key,
        observation_id=difference.observation_id,
        model=model,
        detections=tuple(
            Detection(model_run=key, candidate=one, score=score, unscored_reason="" if score is not None else "edge")
            for one, score in zip(difference.candidates, scores, strict=True)
        ),
        elapsed_s=1.0,
    )


def frame_with_sources(places: Sequence[tuple[float, float, float]]) -> NDArray[np.float32]:
    """Return noise of width 1 with a round source of the given height at each place."""
    y, x = np.mgrid[:SIDE_PIX, :SIDE_PIX]
    pixels = np.random.default_rng(1).normal(0.0, 1.0, (SIDE_PIX, SIDE_PIX))
    for x_pix, y_pix, height in places:
        pixels += height * np.exp(-((x - x_pix) ** 2 + (y - y_pix) ** 2) / 4.0)
    return pixels.astype(np.float32)
