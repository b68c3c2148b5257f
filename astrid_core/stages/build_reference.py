"""Coadd prepared exposures into the references of the cells that they cover."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import structlog
from astropy.wcs import WCS

from astrid_core.differencing.cells import Piece, box_for, pieces
from astrid_core.differencing.coadd import VERSION, Input, coadd
from astrid_core.differencing.config import ActivationConfig, ReferenceConfig
from astrid_core.differencing.entities import ReferenceImage, ReferenceStatus
from astrid_core.differencing.grids import family_of
from astrid_core.differencing.pixel_grid import wcs_of
from astrid_core.differencing.placed import fwhm_of, sky_noise
from astrid_core.differencing.reference_rule import Gain, measure_gain, rule_on
from astrid_core.observations.entities import Observation
from astrid_core.observations.registry_file import known_instruments
from astrid_core.preprocessing.entities import PreprocessRun
from astrid_core.shared.artifacts import ArtifactRef
from astrid_core.shared.errors import NoReference
from astrid_core.shared.images import SkyImage
from astrid_core.shared.runs import RunKey, RunStatus, run_key
from astrid_core.shared.sky import SkyCell, SkyPosition, separation_arcsec
from astrid_core.stages.images import load_image, store_image
from astrid_core.stages.reference_status import activate, active_of
from astrid_core.stages.services import Records, Services

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """A reference, and whether it is in use."""

    digest: str
    is_active: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Exposure:
    """An exposure that may be coadded."""

    run: PreprocessRun
    observation: Observation

    @property
    def zero_point_mag(self) -> float | None:
        return self.run.zero_point_in_the_middle(header=self.observation.zero_point_mag)


def run_build_reference(
    services: Services,
    preprocess_keys: Sequence[RunKey],
    config: ReferenceConfig,
    activation: ActivationConfig,
    *,
    cells: Sequence[str],
    band: str,
    leaves_out: str = "",
) -> tuple[Built, ...]:
    """Coadd prepared exposures, record a reference of each cell that they cover, and use it if the rule says so.

    Safe to repeat. Raises Unprocessable where nothing can be coadded.
    """
    wanted = tuple(sorted(SkyCell.parse(cell) for cell in cells))
    with services.transaction() as records:
        exposures = _usable(records, preprocess_keys)
        recipe = _recipe(exposures, config, wanted, band)
        built = [
            one for cell in wanted for one in records.references.search(cell=cell, band=band) if one.recipe == recipe
        ]
    if built:
        return tuple(_built(one) for one in built)
    if not exposures:
        raise NoReference("no prepared exposure to coadd", cells=", ".join(cells), band=band)
    started = time.monotonic()
    base, cut_out = _coadded(services, exposures, config, wanted)
    grid = str(family_of(base.observation))
    stored = [
        # Two cells of a small field may have the same pixels: the file says whose they are.
        store_image(
            services.artifacts,
            piece.image,
            coverage=piece.coverage,
            header={"CELL": str(piece.cell), "GRID": grid, "RECIPE": recipe},
        )
        for piece in cut_out
    ]
    each_s = (time.monotonic() - started) / len(stored)
    described = [
        replace(_described(ref, piece, exposures, base, config), leaves_out=leaves_out, recipe=recipe, elapsed_s=each_s)
        for ref, piece in zip(stored, cut_out, strict=True)
    ]
    images = {ref.digest: piece.image for ref, piece in zip(stored, cut_out, strict=True)}
    recorded = _record(services, described, images, activation)
    log.info("references.recorded", digests=[one.digest for one in recorded], band=band, n_inputs=len(exposures))
    return tuple(_built(one) for one in recorded)


def _built(reference: ReferenceImage) -> Built:
    return Built(digest=reference.digest, is_active=reference.status is ReferenceStatus.ACTIVE)


def _usable(records: Records, keys: Sequence[RunKey]) -> list[_Exposure]:
    """Return the exposures that were prepared; between planning and now one may have been set aside."""
    runs = [records.preprocess_runs.get(key) for key in sorted(keys)]
    exposures = [
        _Exposure(run=run, observation=records.observations.get(run.observation_id))
        for run in runs
        if run.status is RunStatus.SUCCEEDED and run.image is not None
    ]
    return [one for one in exposures if records.quarantines.of(one.observation) is None]


def _recipe(exposures: Sequence[_Exposure], config: ReferenceConfig, cells: Sequence[SkyCell], band: str) -> RunKey:
    grid = str(family_of(exposures[0].observation)) if exposures else ""
    inputs = (band, grid, *(str(cell) for cell in cells), *(one.run.key for one in exposures))
    return run_key("reference", VERSION, config, inputs)


def _coadded(
    services: Services, exposures: Sequence[_Exposure], config: ReferenceConfig, cells: Sequence[SkyCell]
) -> tuple[_Exposure, list[Piece]]:
    """Return the exposure that gave the flux scale, and the coadd of all of them in pieces."""
    family = family_of(exposures[0].observation)
    inputs = [
        Input(
            image=load_image(services.artifacts, one.run.image),
            sky_known=one.run.wcs is None or one.run.wcs.is_trusted,
            zero_point_mag=one.zero_point_mag,
        )
        for one in exposures
        if one.run.image is not None
    ]
    box = box_for([one.image for one in inputs if one.sky_known], cells, family)
    if box is None:
        raise NoReference("no exposure reaches these cells", n_inputs=len(inputs), cells=", ".join(map(str, cells)))
    found = coadd(inputs, wcs_of(family.plane_of(cells[0]).wcs, box), box.shape, config)
    cut_out = list(pieces(found, cells, family))
    if not cut_out:
        raise NoReference("no usable pixel in these cells", n_inputs=len(inputs), cells=", ".join(map(str, cells)))
    return exposures[found.base], cut_out


def _described(
    image: ArtifactRef, piece: Piece, exposures: Sequence[_Exposure], base: _Exposure, config: ReferenceConfig
) -> ReferenceImage:
    """Return the record of a piece but for what only the other references tell: its version and status."""
    family = family_of(base.observation)
    used = [exposures[index] for index in piece.used]
    centre, radius_deg = _footprint(piece.image.wcs, piece.image.shape)
    return ReferenceImage(
        image=image,
        family=str(family),
        cell=piece.cell,
        instrument=base.observation.instrument,
        band=base.observation.band,
        survey=base.observation.survey,
        version=1,
        position=centre,
        radius_deg=radius_deg,
        inputs=tuple(one.run.key for one in used),
        nights=tuple(sorted({one.observation.night for one in used})),
        fwhm_pix=fwhm_of(piece.image),
        sky_rms=sky_noise(piece.image),
        median_coverage=float(np.median(piece.coverage[piece.image.usable])),
        is_thin=len(used) < config.min_inputs,
        # The coadd has the flux scale of its base.
        zero_point_mag=base.zero_point_mag,
        mission=known_instruments().mission_named(base.observation.instrument),
        pixel_scale_arcsec=family.scale_arcsec,
        recipe=RunKey(""),
    )


def _record(
    services: Services,
    described: Sequence[ReferenceImage],
    images: dict[str, SkyImage],
    activation: ActivationConfig,
) -> list[ReferenceImage]:
    """Number the references, record them, and bring into use those that may be; return what is recorded."""
    with services.transaction() as records:
        in_use = [active_of(records, one) for one in described]
    # Measured outside a transaction, as all pixels are.
    gains = [
        None if old is None else _gain(services, new, images[new.digest], old)
        for new, old in zip(described, in_use, strict=True)
    ]
    with services.transaction() as records:
        records.references.lock()
        for new, old, gain in zip(described, in_use, gains, strict=True):
            _record_one(records, new, old, gain, activation)
        return [records.references.get(one.digest) for one in described]


def _gain(services: Services, new: ReferenceImage, image: SkyImage, old: ReferenceImage) -> Gain | None:
    return measure_gain(
        image,
        load_image(services.artifacts, old.image),
        new_zero_point_mag=new.zero_point_mag,
        old_zero_point_mag=old.zero_point_mag,
    )


def _record_one(
    records: Records, new: ReferenceImage, old: ReferenceImage | None, gain: Gain | None, activation: ActivationConfig
) -> None:
    versions = [
        one.version for one in records.references.search(cell=new.cell, band=new.band) if one.survey == new.survey
    ]
    reference = replace(new, version=1 + max(versions, default=0), status=ReferenceStatus.DRAFT)
    if not records.references.add(reference):
        return
    in_use = active_of(records, reference)
    ruling = rule_on(reference, in_use, gain if in_use == old else None, activation)
    facts = {
        "cell": str(reference.cell),
        "band": reference.band,
        "version": reference.version,
        "n_inputs": len(reference.inputs),
        "leaves_out": reference.leaves_out,
        "activated": ruling.is_activated,
        "reason": ruling.reason,
    }
    records.events.append("reference.recorded", subject=reference.digest, facts=facts)
    if ruling.is_activated:
        activate(records, reference, reason=f"by rule: {ruling.reason}")


def _footprint(wcs: WCS | None, shape: tuple[int, int]) -> tuple[SkyPosition, float]:
    if wcs is None:
        raise ValueError("a coadd knows the sky")
    ny, nx = shape
    sky = wcs.pixel_to_world([(nx - 1) / 2, 0, nx - 1, 0, nx - 1], [(ny - 1) / 2, 0, 0, ny - 1, ny - 1]).icrs
    points = [
        SkyPosition(ra_deg=float(ra) % 360.0, dec_deg=float(dec))
        for ra, dec in zip(sky.ra.deg, sky.dec.deg, strict=True)
    ]
    return points[0], max(separation_arcsec(points[0], point) for point in points[1:]) / 3600.0
