"""What the records hold about the files of a survey."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from astrid_core.observations.config import IngestConfig
from astrid_core.observations.entities import ListedFile, Observation, Rejection, UndeliveredFile
from astrid_core.stages.services import Services


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the records hold about a survey, by name."""

    observations: Mapping[str, Observation]
    rejections: Mapping[str, Rejection]
    calibration_frames: Collection[str]
    undelivered: Mapping[str, UndeliveredFile]

    @classmethod
    def read(cls, services: Services, survey: str) -> "Known":
        """Read it in one transaction."""
        with services.transaction() as records:
            return cls(
                observations={one.archive_id: one for one in records.observations.search(survey=survey)},
                rejections={one.archive_id: one for one in records.rejections.all(survey=survey)},
                calibration_frames=frozenset(
                    one.archive_id for one in records.calibration_frames.search(survey=survey)
                ),
                undelivered={one.archive_id: one for one in records.undelivered.all(survey=survey)},
            )

    def is_given_up(self, file: ListedFile, config: IngestConfig) -> bool:
        """Tell whether a file, as it is listed now, was asked for in vain often enough."""
        before = self.undelivered.get(file.archive_id)
        return before is not None and before.version == file.version and before.n_attempts >= config.max_attempts


def file_of(archive_id: str, names: Collection[str]) -> str:
    """Return the name of the file that holds an exposure: without ``[n]``, unless the file itself is called so."""
    stem, bracket, number = archive_id.rpartition("[")
    is_part = bool(bracket) and number.endswith("]") and number[:-1].isdigit()
    return stem if is_part and archive_id not in names else archive_id
