"""Record images that others made as references of class B."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

import structlog

from astrid_core.differencing.entities import ReferenceImage
from astrid_core.observations.compatibility import ReferenceClass, refusal_of_mission
from astrid_core.observations.entities import ExternalImage, WcsOrigin, night_of
from astrid_core.observations.frames import read_frame
from astrid_core.observations.headers import FrameFacts, read_facts
from astrid_core.observations.places import Place
from astrid_core.observations.registry_file import known_instruments
from astrid_core.preprocessing.config import PreprocessConfig
from astrid_core.preprocessing.prepare import VERSION, Detector, PreparedImage, prepare
from astrid_core.shared.artifacts import describe
from astrid_core.shared.errors import Unprocessable, UnusableFile
from astrid_core.shared.fits_format import MEDIA_TYPE
from astrid_core.shared.runs import RunKey, run_key
from astrid_core.shared.sky import OPERATIONS_ORDER, Region, SkyCell
from astrid_core.stages.images import store_image
from astrid_core.stages.ingest import survey_client
from astrid_core.stages.reference_status import activate
from astrid_core.stages.services import Records, Services

log = structlog.get_logger()

_PICTURE_BITS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What came of the images of a survey."""

    digests: tuple[str, ...]
    """References that were recorded now or before, in the order of the images."""
    refused: Mapping[str, str]
    """Why an image cannot be a reference, by archive_id."""


def run_import_references(
    services: Services,
    survey: str,
    preprocess: PreprocessConfig,
    *,
    band: str,
    region: Region | None = None,
) -> Imported:
    """Prepare the images of a survey that lie in ``region`` and record them as references of class B. Safe to repeat.

    ``band`` is the band that all of them show. An image that cannot be used does not keep the others from it.
    """
    client = survey_client(services, survey)
    digests, refused = [], {}
    for image in client.images():
        try:
            digest = _import(services, survey, image, preprocess, band=band, region=region)
        except Unprocessable as problem:
            refused[image.archive_id] = " ".join(str(problem).split())
            continue
        if digest:
            digests.append(digest)
    return Imported(digests=tuple(digests), refused=refused)


def _import(
    services: Services,
    survey: str,
    image: ExternalImage,
    preprocess: PreprocessConfig,
    *,
    band: str,
    region: Region | None,
) -> str:
    """Record one image and return its digest; empty where it lies outside of the region."""
    facts = read_facts(image.content, name=image.archive_id)[0]
    place = _require_place(facts)
    if region is not None and not region.contains(place.position):
        return ""
    mission = _require_mission(facts, image)
    cell = SkyCell.containing(place.position, order=OPERATIONS_ORDER)
    source = describe(image.content, media_type=MEDIA_TYPE)
    recipe = run_key("import", VERSION, preprocess, (source.digest, survey, band, str(cell)))
    with services.transaction() as records:
        known = _find(records, recipe, cell, band)
    if known:
        return known
    started = time.monotonic()
    prepared = _prepared(image, facts, preprocess)
    services.artifacts.put(image.content, media_type=MEDIA_TYPE)
    stored = store_image(services.artifacts, prepared.image)
    with services.transaction() as records:
        records.references.lock()
        versions = [one.version for one in records.references.search(cell=cell, band=band) if one.survey == survey]
        reference = ReferenceImage(
            image=stored,
            # Another file is another image of the sky; the same one prepared anew takes the place of what it was.
            family=f"file {image.archive_id}",
            cell=cell,
            band=band,
            survey=survey,
            version=1 + max(versions, default=0),
            position=place.position,
            radius_deg=place.radius_deg,
            inputs=(),
            # An exposure of the survey must not be compared with itself.
            nights=() if facts.mid_mjd is None else (night_of(facts.mid_mjd),),
            fwhm_pix=prepared.quality.fwhm_pix,
            sky_rms=prepared.quality.sky_rms,
            zero_point_mag=facts.zero_point_mag,
            mission=mission,
            pixel_scale_arcsec=place.pixel_scale_arcsec,
            reference_class=ReferenceClass.B,
            recipe=recipe,
            elapsed_s=time.monotonic() - started,
        )
        if records.references.add(reference):
            told = {
                "survey": survey,
                "archive_id": image.archive_id,
                "file": source.digest,
                "made_from": image.made_from,
                "pixel_units": image.pixel_units,
                "epoch": image.epoch,
                "cell": str(cell),
                "band": band,
                "reference_class": reference.reference_class.value,
            }
            records.events.append("reference.imported", subject=reference.digest, facts=told)
            activate(records, reference, reason="imported")
    log.info("reference.imported", digest=reference.digest, survey=survey, archive_id=image.archive_id)
    return reference.digest


def _find(records: Records, recipe: RunKey, cell: SkyCell, band: str) -> str:
    found = (one.digest for one in records.references.search(cell=cell, band=band) if one.recipe == recipe)
    return next(found, "")


def _require_place(facts: FrameFacts) -> Place:
    if facts.place is None or facts.place.origin is not WcsOrigin.HEADER:
        raise UnusableFile("an image without WCS cannot be a reference", problems="; ".join(facts.problems))
    return facts.place


def _require_mission(facts: FrameFacts, image: ExternalImage) -> str:
    """Return the mission of an image, empty for a stranger; raise UnusableFile for one that suits nothing."""
    registry = known_instruments()
    told = registry.mission_of_cutout(image.made_from)
    mission = told.name if told else facts.mission
    refusal = refusal_of_mission(mission, registry)
    if refusal:
        raise UnusableFile(f"nothing may be subtracted from images of {mission}: {refusal}", file=image.archive_id)
    return mission


def _prepared(image: ExternalImage, facts: FrameFacts, config: PreprocessConfig) -> PreparedImage:
    if facts.bits_per_pixel == _PICTURE_BITS:
        raise UnusableFile("image has 8 bits: a picture, no fluxes", file=image.archive_id)
    frame = read_frame(image.content, extension=facts.extension, name=image.archive_id)
    return prepare(
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
        config=config,
    )
