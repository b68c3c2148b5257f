"""Small invented records that hang together."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from astrid_core.catalog.entities import CatalogEntry, EntryStatus, LightCurvePoint
from astrid_core.curation.entities import ValidationEvent, Verdict
from astrid_core.detection.entities import Detection, ModelRun
from astrid_core.differencing.entities import (
    Candidate,
    DifferenceRun,
    Quality,
    QualityLevel,
    ReferenceImage,
    Registration,
)
from astrid_core.observations.compatibility import ReferenceClass
from astrid_core.observations.entities import Companion, Observation, WcsOrigin
from astrid_core.observations.roles import Role
from astrid_core.preprocessing.entities import ImageQuality, PreprocessRun, WCSInfo
from astrid_core.shared.artifacts import ArtifactRef
from astrid_core.shared.runs import RunKey, RunStatus
from astrid_core.shared.sky import SkyCell, SkyPosition
from astrid_core.stages.services import Records

MID_MJD = 60000.123456789012
DIFFERENCE = RunKey("difference-1")
MODEL_RUN = RunKey("detect-1")
BEGAN = datetime(2026, 3, 1, 22, 15, 7, 123456, tzinfo=UTC)


def position(ra_deg: float = 10.68470833, dec_deg: float = 41.26875) -> SkyPosition:
    return SkyPosition(ra_deg=ra_deg, dec_deg=dec_deg)


def artifact(number: int) -> ArtifactRef:
    return ArtifactRef(digest=f"{number:064x}", media_type="image/fits", n_bytes=5_000_000_000 + number)


def observation(
    number: int = 1,
    *,
    survey: str = "demo",
    at: SkyPosition | None = None,
    mid_mjd: float = MID_MJD,
    file_digest: str | None = None,
) -> Observation:
    return Observation(
        survey=survey,
        archive_id=f"night/frame{number}.fits[2]",
        extension=2,
        file_digest=file_digest or f"{number:064x}",
        position=at or position(),
        radius_deg=0.1 + 0.2,
        wcs_origin=WcsOrigin.HEADER,
        pixel_scale_arcsec=1.01,
        width_pix=2048,
        height_pix=1489,
        band="r",
        exposure_s=1.0 / 3.0,
        mid_mjd=mid_mjd,
        instrument="camera",
        object_name="M 31, Kern \u03b1",
        gain_e_adu=1.6,
        saturation_adu=None,
        zero_point_mag=25.5,
        companions=(
            Companion(role=Role.MASK, archive_id=f"night/frame {number}.mask.fits", digest="ab" * 32),
            Companion(role=Role.WEIGHT, archive_id=f"night/frame{number}.wt.fits"),
        ),
    )


def preprocess_run(key: str = "preprocess-1", *, of: Observation | None = None) -> PreprocessRun:
    quality = ImageQuality(
        n_stars=40,
        fwhm_pix=2.7,
        psf_residual=float("inf"),
        sky=800.1,
        sky_rms=14.2,
        gain_e_count=None,
        saturation=60000.0,
        masked_fraction=1e-300,
        depth_mag=21.3,
    )
    return PreprocessRun(
        key=RunKey(key),
        status=RunStatus.SUCCEEDED,
        observation_id=(of or observation()).id,
        raw=artifact(10),
        image=artifact(11),
        wcs=WCSInfo(origin=WcsOrigin.HEADER, pixel_scale_arcsec=1.0099),
        quality=quality,
        elapsed_s=3.25,
    )


def reference(
    number: int = 20, *, cell: str = "6/123", band: str = "r", version: int = 1, at: SkyPosition | None = None
) -> ReferenceImage:
    return ReferenceImage(
        image=artifact(number),
        family="pointing-12/7",
        cell=SkyCell.parse(cell),
        instrument="camera",
        band=band,
        leaves_out="night 2026-01-03",
        survey="demo",
        version=version,
        position=at or position(),
        radius_deg=0.3,
        inputs=(RunKey("preprocess-8"), RunKey("preprocess-9")),
        nights=("2026-01-01", "2026-01-02"),
        fwhm_pix=2.5,
        sky_rms=3.3,
        median_coverage=2.0,
        is_thin=True,
        zero_point_mag=None,
        mission="ps1",
        pixel_scale_arcsec=0.257,
        reference_class=ReferenceClass.B,
        recipe=RunKey(f"reference-{number}"),
        elapsed_s=1.5,
    )


def candidate(number: int, *, run: RunKey = DIFFERENCE, at: SkyPosition | None = None) -> Candidate:
    return Candidate(
        run=run,
        number=number,
        position=at,
        x_pix=100.1 * number,
        y_pix=200.2,
        x_err_pix=0.125,
        y_err_pix=0.13,
        score=-7.5 / number,
        flux=-123.456,
        flux_err=7.8,
        chi2=1.07,
        fwhm_pix=2.9,
        ellipticity=0.05,
        flags=0b1010_0000_0000_0000,
    )


def difference_run(key: RunKey = DIFFERENCE, *, candidates: Sequence[Candidate] | None = None) -> DifferenceRun:
    if candidates is None:
        candidates = (candidate(1, run=key, at=position()), candidate(2, run=key))
    return DifferenceRun(
        key=key,
        status=RunStatus.SUCCEEDED,
        preprocess_key=preprocess_run().key,
        observation_id=observation().id,
        reference_digests=(reference().digest,),
        image=artifact(30),
        registration=Registration(offset_x_pix=-0.3, offset_y_pix=0.7, rms_pix=0.05, n_matched=55, method="wcs"),
        flux_ratio=1.03,
        score_noise=0.99,
        source_noise=1.2,
        quality=Quality(level=QualityLevel.ORANGE, reasons=("orange: noise 1.7", "yellow: seeing in pixels 12")),
        method="zogy",
        method_reason="set",
        n_usable_pix=3_000_000_000,
        candidates=tuple(candidates),
        elapsed_s=8.0,
    )


def model_run(key: RunKey = MODEL_RUN, *, of: DifferenceRun | None = None) -> ModelRun:
    of = of or difference_run()
    return ModelRun(
        key=key,
        status=RunStatus.SUCCEEDED,
        difference_key=of.key,
        observation_id=of.observation_id,
        model="astrid-detection/3",
        detections=tuple(
            Detection(model_run=key, candidate=one, score=0.9 if one.number % 2 else None, unscored_reason="edge")
            for one in of.candidates
        ),
        elapsed_s=0.5,
    )


def record_difference(records: Records, run: DifferenceRun | None = None) -> None:
    """Record a difference and everything that it stands on."""
    records.observations.add(observation())
    records.preprocess_runs.add(preprocess_run())
    records.references.add(reference())
    records.difference_runs.add(run or difference_run())


def entry(number: int = 1, *, at: SkyPosition | None = None) -> CatalogEntry:
    return CatalogEntry(
        id=UUID(int=number << 96 | number),
        position=at or position(),
        first_mjd=MID_MJD,
        last_mjd=MID_MJD + 1.0,
        n_detections=2,
        best_score=0.97,
        peak_significance=-11.2,
        status=EntryStatus.CANDIDATE,
    )


def point(
    detection_id: str = "detect-1:1", *, of: CatalogEntry | None = None, mid_mjd: float = MID_MJD
) -> LightCurvePoint:
    of = of or entry()
    return LightCurvePoint(
        entry_id=of.id,
        detection_id=detection_id,
        observation_id=observation().id,
        reference_digest=reference().digest,
        position=of.position,
        band="r",
        mid_mjd=mid_mjd,
        flux=-55.5,
        flux_err=3.0,
        mag_ab=None,
        mag_err=None,
        significance=-11.2,
        score=0.97,
    )


def verdict(
    number: int, detection_id: str = "detect-1:1", *, after_s: float = 0.0, supersedes: ValidationEvent | None = None
) -> ValidationEvent:
    return ValidationEvent(
        id=UUID(int=number),
        detection_id=detection_id,
        curator="ada",
        verdict=Verdict.REAL,
        comment="next to a galaxy",
        at=BEGAN + timedelta(seconds=after_s),
        supersedes=supersedes.id if supersedes else None,
    )
