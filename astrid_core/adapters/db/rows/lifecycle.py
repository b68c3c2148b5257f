"""What happens to files and exposures around their processing, as rows."""

from datetime import datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from astrid_core.adapters.db.rows.table import Row
from astrid_core.observations.entities import Quarantine, UndeliveredFile


class UndeliveredFileRow(Row):
    """One listed file that did not come."""

    __tablename__ = "undelivered_file"

    survey: Mapped[str] = mapped_column(primary_key=True)
    archive_id: Mapped[str] = mapped_column(primary_key=True)
    reason: Mapped[str]
    version: Mapped[str]
    n_attempts: Mapped[int]

    @staticmethod
    def values(undelivered: UndeliveredFile) -> dict[str, object]:
        """Return the columns of ``undelivered``."""
        return {
            "survey": undelivered.survey,
            "archive_id": undelivered.archive_id,
            "reason": undelivered.reason,
            "version": undelivered.version,
            "n_attempts": undelivered.n_attempts,
        }

    def entity(self) -> UndeliveredFile:
        """Return the file."""
        return UndeliveredFile(
            survey=self.survey,
            archive_id=self.archive_id,
            reason=self.reason,
            version=self.version,
            n_attempts=self.n_attempts,
        )


class QuarantineRow(Row):
    """One exposure or instrument that is set aside."""

    __tablename__ = "quarantine"

    survey: Mapped[str] = mapped_column(primary_key=True)
    archive_id: Mapped[str] = mapped_column(primary_key=True)
    instrument: Mapped[str] = mapped_column(primary_key=True)
    reason: Mapped[str]
    actor: Mapped[str]
    at: Mapped[datetime]

    @staticmethod
    def values(quarantine: Quarantine) -> dict[str, object]:
        """Return the columns of ``quarantine``."""
        return {
            "survey": quarantine.survey,
            "archive_id": quarantine.archive_id,
            "instrument": quarantine.instrument,
            "reason": quarantine.reason,
            "actor": quarantine.actor,
            "at": quarantine.at,
        }

    def entity(self) -> Quarantine:
        """Return the quarantine."""
        return Quarantine(
            survey=self.survey,
            archive_id=self.archive_id,
            instrument=self.instrument,
            reason=self.reason,
            actor=self.actor,
            at=self.at,
        )


class ProcessingRoundRow(Row):
    """How often one exposure was asked to be done anew."""

    __tablename__ = "processing_round"

    observation_id: Mapped[str] = mapped_column(ForeignKey("observation.id"), primary_key=True)
    number: Mapped[int]
