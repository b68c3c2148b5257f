"""Drop difference images that can be made again, and make them again."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog

from astrid_core.differencing.entities import DifferenceRun, ReferenceImage
from astrid_core.differencing.products import write_difference
from astrid_core.differencing.retention import DifferenceRecipe, DroppedImage, RetentionConfig, software
from astrid_core.differencing.subtract import VERSION
from astrid_core.observations.entities import Observation
from astrid_core.preprocessing.entities import PreprocessRun
from astrid_core.shared.artifacts import DATA_CARE, ArtifactRef, describe
from astrid_core.shared.errors import BadConfiguration, NotRecreated
from astrid_core.shared.fits_format import MEDIA_TYPE
from astrid_core.shared.runs import RunKey
from astrid_core.stages.difference import difference_key, subtract_prepared
from astrid_core.stages.services import Records, Services

log = structlog.get_logger()

_AT_ONCE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """All that one difference image was made of."""

    run: DifferenceRun
    image: ArtifactRef
    preprocessed: PreprocessRun
    observation: Observation
    references: Sequence[ReferenceImage]
    settings: DifferenceRecipe


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropped:
    """What was dropped, or would be."""

    runs: tuple[RunKey, ...] = ()
    n_bytes: int = 0
    n_without_recipe: int = 0
    """Old and not needed, but nothing on record says how they are made: kept."""
    n_unproven: int = 0
    """Of a recipe by which today's software does not make the same image again: kept."""


def recreate_image(services: Services, key: RunKey) -> bool:
    """Make the image of a difference again and tell whether it was not there.

    NotRecreated where another one comes out: nothing is stored then.
    """
    with services.transaction() as records:
        recipe = find_recipe(records, records.difference_runs.get(key))
    if recipe is None:
        raise NotRecreated("nothing on record says how this image is made by this version", run=key, version=VERSION)
    if services.artifacts.contains(recipe.image.digest):
        services.artifacts.get(recipe.image.digest)  # CorruptArtifact: that is for a person to look at
        return False
    content = _made_again(services, recipe)
    services.artifacts.put(content, media_type=MEDIA_TYPE)
    with services.transaction() as records:
        records.dropped_images.remove(recipe.image.digest)
        facts = {"digest": recipe.image.digest, "n_bytes": recipe.image.n_bytes}
        records.events.append(f"{DATA_CARE}recreated", subject=key, facts=facts)
    log.info("artifact.recreated", run=key, digest=recipe.image.digest)
    return True


def find_recipe(records: Records, run: DifferenceRun) -> Recipe | None:
    """Return what a difference image was made of, with settings that give its run this very key; None where unknown."""
    if run.image is None or not run.reference_digests:
        return None
    preprocessed = records.preprocess_runs.get(run.preprocess_key)
    references = [records.references.get(digest) for digest in run.reference_digests]
    for settings in records.difference_recipes.all():
        if settings.version == VERSION and _names(settings, run, preprocessed, references):
            return Recipe(
                run=run,
                image=run.image,
                preprocessed=preprocessed,
                observation=records.observations.get(run.observation_id),
                references=references,
                settings=settings,
            )
    return None


def drop_images(
    services: Services,
    config: RetentionConfig,
    *,
    dry_run: bool,
    progress: Callable[[int, int], None] = lambda _, __: None,
) -> Dropped:
    """Drop the images of differences that are old, that nothing needs and whose recipe is on record; keep the record.

    One image of every recipe is made again first: where today's software makes another one, all of them stay.
    """
    if not config.difference_image_days:
        return Dropped()
    before = datetime.now(tz=UTC) - timedelta(days=config.difference_image_days)
    old = {one.digest for one in services.artifacts.entries() if one.modified < before}
    with services.transaction() as records:
        left_over = [one.digest for one in records.dropped_images.all() if one.digest in old]
        runs = [records.difference_runs.get(key) for key in records.dropped_images.unneeded()]
        runs = [run for run in runs if run.image is not None and run.image.digest in old]
        known = [recipe for run in runs if (recipe := find_recipe(records, run)) is not None]
    whole = [one for one in known if _has_inputs(services, one)]
    proven = _proven(services, whole)
    wanted = [one for one in whole if one.settings.digest in proven]
    if not dry_run:
        _delete(services, left_over, before)  # a process that died had said so already
        for start in range(0, len(wanted), _AT_ONCE):
            _drop(services, wanted[start : start + _AT_ONCE], before)
            progress(min(start + _AT_ONCE, len(wanted)), len(wanted))
    return Dropped(
        runs=tuple(one.run.key for one in wanted),
        n_bytes=sum(one.image.n_bytes for one in wanted),
        n_without_recipe=len(runs) - len(whole),
        n_unproven=len(whole) - len(wanted),
    )


def _names(
    settings: DifferenceRecipe, run: DifferenceRun, preprocessed: PreprocessRun, references: Sequence[ReferenceImage]
) -> bool:
    try:
        return difference_key(preprocessed, references, settings.config) == run.key
    except BadConfiguration:
        return False  # settings of a version that knew others


def _made_again(services: Services, recipe: Recipe) -> bytes:
    pair = subtract_prepared(
        services, recipe.preprocessed, recipe.observation, recipe.references, recipe.settings.config
    )
    content = write_difference(pair)
    found = describe(content, media_type=MEDIA_TYPE)
    if found != recipe.image:
        then, now = recipe.settings.software, software()
        changed = {name: f"{then.get(name)} -> {now[name]}" for name in now if then.get(name) != now[name]}
        raise NotRecreated(
            "another image came out", run=recipe.run.key, was=recipe.image.digest, now=found.digest,
            software=changed or "the same",
        )  # fmt: skip
    return content


def _has_inputs(services: Services, recipe: Recipe) -> bool:
    image = recipe.preprocessed.image
    inputs = [*([image.digest] if image else []), *(one.digest for one in recipe.references)]
    return image is not None and all(services.artifacts.contains(digest) for digest in inputs)


def _proven(services: Services, recipes: Sequence[Recipe]) -> set[str]:
    proven = set()
    for one in {recipe.settings.digest: recipe for recipe in recipes}.values():
        try:
            _made_again(services, one)
        except NotRecreated as error:
            log.warning("recipe.unproven", run=one.run.key, why=str(error))
        else:
            proven.add(one.settings.digest)
    return proven


def _drop(services: Services, recipes: Sequence[Recipe], before: datetime) -> None:
    """Say first that images are not kept, then delete them: a reader always learns how to get one again."""
    at = datetime.now(tz=UTC)
    with services.transaction() as records:
        records.mentions.lock()
        unneeded = set(records.dropped_images.unneeded())
        wanted = [one for one in recipes if one.run.key in unneeded]
        for one in wanted:
            image = DroppedImage(digest=one.image.digest, n_bytes=one.image.n_bytes, run=one.run.key, at=at)
            records.dropped_images.add(image)
        facts = {"runs": [one.run.key for one in wanted], "digests": [one.image.digest for one in wanted]}
        records.events.append(f"{DATA_CARE}dropped", subject="store", facts=facts)
    _delete(services, [one.image.digest for one in wanted], before)
    log.info("artifacts.dropped", n=len(wanted))


def _delete(services: Services, digests: Sequence[str], before: datetime) -> None:
    for digest in digests:
        services.artifacts.remove(digest, before=before)
