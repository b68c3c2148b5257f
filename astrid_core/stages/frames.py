"""From a recorded observation to its pixels, with every map that its archive keeps beside it."""

from astrid_core.observations.entities import Observation
from astrid_core.observations.frames import Frame, read_frame
from astrid_core.observations.registry_file import known_instruments
from astrid_core.shared.artifacts import ArtifactRef
from astrid_core.shared.errors import BadConfiguration
from astrid_core.shared.fits_format import MEDIA_TYPE
from astrid_core.stages.services import Services


def read_observation(services: Services, observation: Observation, raw: ArtifactRef) -> Frame:
    """Return the frame of an observation from its stored file; its maps are fetched and stored as they are needed.

    Raises UnusableFile where a map is missing, changed, or has another shape than the image.
    """
    client = services.surveys.get(observation.survey)
    if client is None:
        raise BadConfiguration("survey is not configured", survey=observation.survey)
    beside = dict(client.companions(observation)) if observation.companions else {}
    for content in beside.values():
        services.artifacts.put(content, media_type=MEDIA_TYPE)
    content = services.artifacts.get(raw.digest)
    return read_frame(content, extension=observation.extension, name=observation.archive_id, beside=beside)


def frame_inputs(observation: Observation) -> tuple[str, ...]:
    """Return what decides the pixels besides the file: digests of its maps, and the meaning of the bits of masks."""
    registry = known_instruments()
    mission = registry.missions.get(registry.mission_named(observation.instrument))
    meaning = (repr(mission.mask), mission.weight) if mission else ()
    return (*(f"{one.role.value} {one.digest}" for one in observation.companions), *meaning)
