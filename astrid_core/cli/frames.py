"""Files named on a command line as prepared images; no database."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from astrid_core.bootstrap import Pipeline
    from astrid_core.preprocessing.entities import ImageQuality
    from astrid_core.shared.images import SkyImage


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedFile:
    """The first image of a file, prepared."""

    image: "SkyImage"
    quality: "ImageQuality"
    is_wcs_trusted: bool
    zero_point_mag: float | None
    instrument: str


def prepare_file(path: Path, pipeline: "Pipeline") -> PreparedFile:
    """Read and prepare the first image of a file; UnusableFile where it holds none."""
    from astrid_core.observations.entities import WcsOrigin
    from astrid_core.observations.frames import read_frame
    from astrid_core.observations.headers import read_facts
    from astrid_core.preprocessing.prepare import Detector, prepare
    from astrid_core.shared.errors import UnusableFile

    content = path.read_bytes()
    facts = next(iter(read_facts(content, name=path.name)), None)
    if facts is None:
        raise UnusableFile("file holds no image", file=path.name)
    frame = read_frame(content, extension=facts.extension, name=path.name)
    prepared = prepare(
        frame.pixels,
        mask=frame.mask,
        variance=frame.variance,
        wcs=frame.wcs,
        detector=Detector(
            gain_e_count=facts.gain_e_adu,
            read_noise_e=facts.read_noise_e,
            saturation=facts.saturation_adu,
            zero_point_mag=facts.zero_point_mag,
        ),
        config=pipeline.preprocess,
    )
    return PreparedFile(
        image=prepared.image,
        quality=prepared.quality,
        is_wcs_trusted=frame.wcs_origin is WcsOrigin.HEADER,
        zero_point_mag=facts.zero_point_mag,
        instrument=facts.instrument,
    )


def prepare_pair(science: Path, reference: Path, pipeline: "Pipeline") -> tuple[PreparedFile, PreparedFile]:
    """Read and prepare two files that are to be compared."""
    prepared = prepare_file(reference, pipeline)
    if not prepared.is_wcs_trusted:
        # A pointing alone has no orientation: it would put candidates at wrong places on the sky.
        prepared = replace(prepared, image=replace(prepared.image, wcs=None))
    return prepare_file(science, pipeline), prepared
