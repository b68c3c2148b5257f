"""Decide which references are missing, and build one."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import structlog
from astropy.wcs import WCS

from astrid_core.differencing.coadd import VERSION, Coadd, coadd
from astrid_core.differencing.config import ActivationConfig, ReferenceConfig
from astrid_core.differencing.entities import ReferenceImage, ReferenceStatus
from astrid_core.differencing.leave_out import LeaveOut
from astrid_core.differencing.reference_rule import family_of, measure_gain, rule_on
from astrid_core.differencing.references import group_pointings
from astrid_core.observations.entities import Observation
from astrid_core.observations.registry_file import known_instruments
from astrid_core.preprocessing.entities import PreprocessRun
from astrid_core.shared.artifacts import ArtifactRef
from astrid_core.shared.errors import NoReference
from astrid_core.shared.runs import RunKey, RunStatus, run_key
from astrid_core.shared.sky import Region, SkyCell, SkyPosition, separation_arcsec
from astrid_core.stages.images import load_image, store_image
from astrid_core.stages.reference_status import activate, active_of
from astrid_core.stages.services import Records, Services

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceGroup:
    """Exposures of one pointing, cell, instrument and band that belong into one reference."""

    cell: str
    band: str
    observation_ids: tuple[str, ...]
    leaves_out: str = ""

    @property
    def label(self) -> str:
        """What an operator sees."""
        return f"hpx-{self.cell.replace('/', '-')} {self.band} ({len(self.observation_ids)})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """A reference, and whether it is in use."""

    digest: str
    is_active: bool


def plan_references(
    services: Services,
    *,
    survey: str,
    config: ReferenceConfig,
    region: Region | None = None,
    leave_out: LeaveOut | None = None,
) -> tuple[ReferenceGroup, ...]:
    """Return the groups of exposures that references can be built from: none that is left out or in quarantine.

    Bands, instruments and pointings are kept apart; a group belongs to the cell of its earliest exposure.
    """
    left_out = leave_out or LeaveOut()
    with services.transaction() as records:
        found = records.observations.search(survey=survey, region=region)
        observations = [one for one in found if records.quarantines.of(one) is None]
    by_kind: dict[tuple[str, str], list[Observation]] = {}
    for observation in observations:
        if left_out.allows(observation):
            by_kind.setdefault((observation.band, observation.instrument), []).append(observation)
    return tuple(
        ReferenceGroup(
            cell=str(group[0].cell(config.cell_order)),
            band=band,
            observation_ids=tuple(one.id for one in group),
            leaves_out=left_out.text,
        )
        for (band, instrument) in sorted(by_kind)
        for group in group_pointings(by_kind[band, instrument])
    )


def run_build_reference(
    services: Services,
    preprocess_keys: Sequence[RunKey],
    config: ReferenceConfig,
    activation: ActivationConfig,
    *,
    cell: str,
    band: str,
    leaves_out: str = "",
) -> Built:
    """Coadd prepared exposures, record the reference, and use it if the rule says so. Safe to repeat.

    Raises Unprocessable where nothing can be coadded.
    """
    with services.transaction() as records:
        runs = [records.preprocess_runs.get(key) for key in sorted(preprocess_keys)]
        runs = [run for run in runs if run.status is RunStatus.SUCCEEDED and run.image is not None]
        # Between planning and now an input may have been set aside.
        runs = [run for run in runs if _is_free(records, run)]
        observations = [records.observations.get(run.observation_id) for run in runs]
        built = _already_built(records, runs, config, cell=cell, band=band)
    if built is not None:
        return Built(digest=built.digest, is_active=built.status is ReferenceStatus.ACTIVE)
    if not runs:
        raise NoReference("no prepared exposure to coadd", cell=cell, band=band)
    started = time.monotonic()
    images = [load_image(services.artifacts, run.image) for run in runs if run.image is not None]
    result = coadd(images, config, sky_known=[run.wcs is None or run.wcs.is_trusted for run in runs])
    image = store_image(services.artifacts, result.image, coverage=result.coverage)
    reference = replace(
        _described(result, image, runs, observations, config, cell=SkyCell.parse(cell)),
        leaves_out=leaves_out,
        recipe=_recipe(runs, config, cell=cell, band=band),
        elapsed_s=time.monotonic() - started,
    )
    recorded = _record(services, reference, result, activation)
    log.info("reference.recorded", digest=reference.digest, cell=cell, band=band, n_inputs=len(reference.inputs))
    return Built(digest=recorded.digest, is_active=recorded.status is ReferenceStatus.ACTIVE)


def _described(
    result: Coadd,
    image: ArtifactRef,
    runs: Sequence[PreprocessRun],
    observations: Sequence[Observation],
    config: ReferenceConfig,
    *,
    cell: SkyCell,
) -> ReferenceImage:
    """Return the record of a coadd, but for what only the other references tell: its family and version."""
    used = [observations[index] for index in result.used]
    base = observations[result.base]
    centre, radius_deg = _footprint(result.image.wcs, result.image.shape)
    return ReferenceImage(
        image=image,
        family="",
        cell=cell,
        instrument=base.instrument,
        band=base.band,
        survey=base.survey,
        version=1,
        position=centre,
        radius_deg=radius_deg,
        inputs=tuple(runs[index].key for index in result.used),
        nights=tuple(sorted({one.night for one in used})),
        fwhm_pix=result.fwhm_pix,
        sky_rms=result.sky_rms,
        median_coverage=float(np.median(result.coverage[result.image.usable])),
        is_thin=len(used) < config.min_inputs,
        # The coadd has the flux scale of its base.
        zero_point_mag=runs[result.base].zero_point_in_the_middle(header=base.zero_point_mag),
        mission=known_instruments().mission_named(base.instrument),
        pixel_scale_arcsec=pixel_scale_arcsec(result.image.wcs),
        recipe=RunKey(""),
    )


def _record(
    services: Services, described: ReferenceImage, result: Coadd, activation: ActivationConfig
) -> ReferenceImage:
    """Number the reference, record it, and bring it into use if it may be; return what is recorded."""
    with services.transaction() as records:
        reference = _placed(records, described)
        old = active_of(records, reference)
    # Measured outside a transaction, as all pixels are.
    gain = measure_gain(result.image, load_image(services.artifacts, old.image)) if old is not None else None
    with services.transaction() as records:
        records.references.lock()
        reference = _placed(records, described)
        if not records.references.add(reference):
            return records.references.get(reference.digest)
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
        return records.references.get(reference.digest)


def _placed(records: Records, described: ReferenceImage) -> ReferenceImage:
    """Return the reference with family, cell and the next version of these."""
    near = Region.cone(described.position, radius_deg=min(90.0, described.radius_deg))
    alike = [
        one
        for one in records.references.search(region=near, band=described.band)
        if one.survey == described.survey and one.instrument == described.instrument
    ]
    home = family_of(described.position, described.radius_deg, alike)
    family, cell = (home, described.cell) if isinstance(home, str) else (home.family, home.cell)
    versions = [
        one.version
        for one in records.references.search(cell=cell, band=described.band)
        if one.survey == described.survey
    ]
    return replace(
        described, family=family, cell=cell, version=1 + max(versions, default=0), status=ReferenceStatus.DRAFT
    )


def _is_free(records: Records, run: PreprocessRun) -> bool:
    return records.quarantines.of(records.observations.get(run.observation_id)) is None


def _recipe(runs: Sequence[PreprocessRun], config: ReferenceConfig, *, cell: str, band: str) -> RunKey:
    return run_key("reference", VERSION, config, (cell, band, *(run.key for run in runs)))


def _already_built(
    records: Records, runs: Sequence[PreprocessRun], config: ReferenceConfig, *, cell: str, band: str
) -> ReferenceImage | None:
    wanted = _recipe(runs, config, cell=cell, band=band)
    for reference in records.references.search(cell=SkyCell.parse(cell), band=band):
        if reference.recipe == wanted:
            return reference
    return None


def pixel_scale_arcsec(wcs: WCS) -> float:
    """Return the geometric mean over both axes at the reference pixel."""
    return float(np.sqrt(abs(np.linalg.det(wcs.pixel_scale_matrix)))) * 3600.0


def _footprint(wcs: object, shape: tuple[int, int]) -> tuple[SkyPosition, float]:
    ny, nx = shape
    sky = wcs.pixel_to_world([(nx - 1) / 2, 0, nx - 1, 0, nx - 1], [(ny - 1) / 2, 0, 0, ny - 1, ny - 1]).icrs  # type: ignore[attr-defined]
    points = [
        SkyPosition(ra_deg=float(ra) % 360.0, dec_deg=float(dec))
        for ra, dec in zip(sky.ra.deg, sky.dec.deg, strict=True)
    ]
    return points[0], max(separation_arcsec(points[0], point) for point in points[1:]) / 3600.0
