"""Which of the references near an exposure suit it, and in which class."""

from collections.abc import Sequence
from dataclasses import replace

from astrid_core.differencing.config import DifferenceConfig
from astrid_core.differencing.entities import ReferenceImage
from astrid_core.differencing.references import choose_references
from astrid_core.observations.compatibility import Compatibility, ReferenceClass, Traits, compatibility
from astrid_core.observations.entities import Observation
from astrid_core.observations.registry_file import known_instruments
from astrid_core.shared.errors import NoReference


def choose_suitable(
    observation: Observation, references: Sequence[ReferenceImage], config: DifferenceConfig
) -> tuple[ReferenceImage, ...]:
    """Return the references by the rule of ``choose_references``, of class A where there are any, else one of class B.

    Raises NoReference, with the reasons of those that the matrix of instruments refuses.
    """
    judged = [(reference, judge_reference(observation, reference, config)) for reference in references]
    own = [reference for reference, found in judged if found.reference_class is ReferenceClass.A]
    try:
        return choose_references(observation, own, config)
    except NoReference as missing:
        others = [reference for reference, found in judged if found.reference_class is ReferenceClass.B]
        refused = sorted({found.reason for _, found in judged if found.reference_class is None})
        pairs = tuple((observation.band, reference.band) for reference in others)
        try:
            return choose_references(observation, others, replace(config, compatible_bands=pairs))
        except NoReference:
            facts = {**missing.facts, "n_references_near": len(references)}
            raise NoReference(
                missing.message, **facts, **({"refused": "; ".join(refused)} if refused else {})
            ) from missing


def judge_reference(observation: Observation, reference: ReferenceImage, config: DifferenceConfig) -> Compatibility:
    """Tell in which class a reference may be subtracted from an exposure; one that was imported is never class A."""
    registry = known_instruments()
    instrument = registry.named(observation.instrument)
    mission = registry.mission_named(observation.instrument) or observation.survey
    # Of a stranger, and of a reference that was built before missions were kept, the survey tells what it is.
    other = reference.mission or (mission if reference.survey == observation.survey else reference.survey)
    scale = reference.pixel_scale_arcsec
    found = compatibility(
        Traits(
            mission=mission,
            band=observation.band,
            pixel_scale_arcsec=observation.pixel_scale_arcsec,
            fwhm_arcsec=instrument.fwhm_arcsec if instrument else None,
        ),
        Traits(
            mission=other,
            band=reference.band,
            pixel_scale_arcsec=scale,
            fwhm_arcsec=None if scale is None else reference.fwhm_pix * scale,
        ),
        registry,
        bands=config.compatible_bands,
    )
    if found.reference_class is ReferenceClass.A and reference.reference_class is ReferenceClass.B:
        reason = f"reference of {reference.survey}, made by others: resampled, its noise and depth are not ours"
        return Compatibility(reference_class=ReferenceClass.B, reason=reason)
    return found
