"""Injected sources that are shown as if they were detections, as rows: a table that nothing else reads or points to."""

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from astrid_core.adapters.db.rows.artifacts import artifact_values
from astrid_core.adapters.db.rows.differencing import CandidateRow
from astrid_core.adapters.db.rows.review import ReviewItemRow
from astrid_core.adapters.db.rows.sky import position_of
from astrid_core.adapters.db.rows.table import Row
from astrid_core.curation.entities import InjectedSeed, ReviewItem
from astrid_core.detection.entities import Detection, Kind
from astrid_core.differencing.entities import Candidate
from astrid_core.shared.artifacts import ArtifactRef
from astrid_core.shared.runs import RunKey

_MEASURED = (
    "ra_deg", "dec_deg", "x_pix", "y_pix", "x_err_pix", "y_err_pix", "flux", "flux_err", "chi2", "fwhm_pix",
    "ellipticity", "flags",
)  # fmt: skip
_QUEUED = (
    "detection_id", "observation_id", "survey", "night", "band", "hpx29", "score", "uncertainty", "anomaly", "kind",
    "shuffle", "n_needed",
)  # fmt: skip


class InjectedSeedRow(Row):
    """One injected source, with all that is shown of a detection."""

    __tablename__ = "injected_seed"
    __table_args__ = (Index(None, "night", "shuffle"), Index(None, "shuffle"))

    detection_id: Mapped[str] = mapped_column(primary_key=True)
    injection_run: Mapped[str] = mapped_column(ForeignKey("injection_run.key"), index=True)
    model_run: Mapped[str] = mapped_column(ForeignKey("model_run.key"))
    number: Mapped[int]
    difference_key: Mapped[str] = mapped_column(ForeignKey("difference_run.key"))
    observation_id: Mapped[str] = mapped_column(ForeignKey("observation.id"))
    survey: Mapped[str]
    night: Mapped[str]
    band: Mapped[str]
    hpx29: Mapped[int | None] = mapped_column(index=True)
    score: Mapped[float]
    uncertainty: Mapped[float | None]
    anomaly: Mapped[float | None]
    kind: Mapped[str | None]
    shuffle: Mapped[int]
    n_needed: Mapped[int]
    ra_deg: Mapped[float | None]
    dec_deg: Mapped[float | None]
    x_pix: Mapped[float]
    y_pix: Mapped[float]
    x_err_pix: Mapped[float]
    y_err_pix: Mapped[float]
    significance: Mapped[float]
    flux: Mapped[float]
    flux_err: Mapped[float]
    chi2: Mapped[float]
    fwhm_pix: Mapped[float]
    ellipticity: Mapped[float]
    flags: Mapped[int]
    predicted_snr: Mapped[float]
    mag_ab: Mapped[float | None]
    mag_err: Mapped[float | None]
    reference_digest: Mapped[str]
    light_digest: Mapped[str]
    light_media_type: Mapped[str]
    light_n_bytes: Mapped[int]

    @staticmethod
    def values(seed: InjectedSeed) -> dict[str, object]:
        """Return the columns of ``seed``."""
        detection, candidate = seed.detection, seed.detection.candidate
        (measured,) = CandidateRow.values_of_all([candidate])
        queued = ReviewItemRow.values(seed.item)
        return {
            **{name: measured[name] for name in _MEASURED},
            **{name: queued[name] for name in _QUEUED},
            "injection_run": seed.injection_run,
            "model_run": detection.model_run,
            "number": candidate.number,
            "difference_key": candidate.run,
            "significance": candidate.score,
            "predicted_snr": seed.predicted_snr,
            "mag_ab": seed.mag_ab,
            "mag_err": seed.mag_err,
            "reference_digest": seed.reference_digest,
            **artifact_values("light", seed.light),
        }

    def item(self) -> ReviewItem:
        """Return it as the queue would hold it."""
        told = {name: getattr(self, name) for name in _QUEUED if name not in {"kind", "shuffle"}}
        return ReviewItem(**told, kind=None if self.kind is None else Kind(self.kind))

    def entity(self) -> InjectedSeed:
        """Return the injected source."""
        measured = {name: getattr(self, name) for name in _MEASURED if name not in {"ra_deg", "dec_deg"}}
        candidate = Candidate(
            run=RunKey(self.difference_key),
            number=self.number,
            position=position_of(self.ra_deg, self.dec_deg),
            score=self.significance,
            **measured,
        )
        detection = Detection(
            model_run=RunKey(self.model_run),
            candidate=candidate,
            score=self.score,
            uncertainty=self.uncertainty,
            anomaly=self.anomaly,
            kind=None if self.kind is None else Kind(self.kind),
        )
        return InjectedSeed(
            detection=detection,
            item=self.item(),
            injection_run=RunKey(self.injection_run),
            predicted_snr=self.predicted_snr,
            light=ArtifactRef(
                digest=self.light_digest, media_type=self.light_media_type, n_bytes=self.light_n_bytes
            ),
            mag_ab=self.mag_ab,
            mag_err=self.mag_err,
            reference_digest=self.reference_digest,
        )  # fmt: skip
