"""Decide which references are missing, and build one."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import structlog
from astropy.wcs import WCS

from astrid_core.differencing.coadd import VERSION, coadd
from astrid_core.differencing.config import ReferenceConfig
from astrid_core.differencing.entities import ReferenceImage
from astrid_core.differencing.references import group_pointings
from astrid_core.observations.entities import Observation
from astrid_core.observations.registry_file import known_instruments
from astrid_core.preprocessing.entities import PreprocessRun
from astrid_core.shared.errors import NoReference
from astrid_core.shared.runs import RunKey, RunStatus, run_key
from astrid_core.shared.sky import Region, SkyCell, SkyPosition, separation_arcsec
from astrid_core.stages.images import load_image, store_image
from astrid_core.stages.preprocess import wcs_is_trusted
from astrid_core.stages.services import Records, Services

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceGroup:
    """Exposures of one pointing, cell and band that belong into one reference."""

    cell: str
    band: str
    observation_ids: tuple[str, ...]

    @property
    def label(self) -> str:
        """What an operator sees."""
        return f"hpx-{self.cell.replace('/', '-')} {self.band} ({len(self.observation_ids)})"


def plan_references(
    services: Services,
    *,
    survey: str,
    config: ReferenceConfig,
    region: Region | None = None,
    exclude_night: str | None = None,
) -> tuple[ReferenceGroup, ...]:
    """Return the groups of exposures that references can be built from: none of ``exclude_night`` or in quarantine.

    Bands and pointings are kept apart; a group belongs to the cell of its earliest exposure.
    """
    with services.transaction() as records:
        found = records.observations.search(survey=survey, region=region)
        observations = [one for one in found if records.quarantines.of(one) is None]
    by_band: dict[str, list[Observation]] = {}
    for observation in observations:
        if observation.night != exclude_night:
            by_band.setdefault(observation.band, []).append(observation)
    return tuple(
        ReferenceGroup(
            cell=str(group[0].cell(config.cell_order)), band=band, observation_ids=tuple(one.id for one in group)
        )
        for band in sorted(by_band)
        for group in group_pointings(by_band[band])
    )


def run_build_reference(
    services: Services, preprocess_keys: Sequence[RunKey], config: ReferenceConfig, *, cell: str, band: str
) -> str:
    """Coadd prepared exposures and record the reference; return its digest. Safe to repeat.

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
        return built
    if not runs:
        raise NoReference("no prepared exposure to coadd", cell=cell, band=band)
    started = time.monotonic()
    images = [load_image(services.artifacts, run.image) for run in runs if run.image is not None]
    result = coadd(images, config, sky_known=[wcs_is_trusted(observation) for observation in observations])
    used = [observations[index] for index in result.used]
    centre, radius_deg = _footprint(result.image.wcs, result.image.shape)
    image = store_image(services.artifacts, result.image)
    with services.transaction() as records:
        records.references.lock()
        survey = used[0].survey
        known = [one for one in records.references.search(cell=SkyCell.parse(cell), band=band) if one.survey == survey]
        reference = ReferenceImage(
            image=image,
            cell=SkyCell.parse(cell),
            band=band,
            survey=survey,
            version=1 + max((one.version for one in known), default=0),
            position=centre,
            radius_deg=radius_deg,
            inputs=tuple(run.key for run in runs),
            nights=tuple(sorted({one.night for one in used})),
            fwhm_pix=result.fwhm_pix,
            sky_rms=result.sky_rms,
            zero_point_mag=used[0].zero_point_mag,
            mission=known_instruments().mission_named(used[0].instrument),
            pixel_scale_arcsec=pixel_scale_arcsec(result.image.wcs),
            recipe=_recipe(runs, config, cell=cell, band=band),
            elapsed_s=time.monotonic() - started,
        )
        if records.references.add(reference):
            facts = {"cell": cell, "band": band, "version": reference.version, "n_inputs": len(used)}
            records.events.append("reference.recorded", subject=reference.digest, facts=facts)
    log.info("reference.recorded", digest=reference.digest, cell=cell, band=band, n_inputs=len(used))
    return reference.digest


def _is_free(records: Records, run: PreprocessRun) -> bool:
    return records.quarantines.of(records.observations.get(run.observation_id)) is None


def _recipe(runs: Sequence[PreprocessRun], config: ReferenceConfig, *, cell: str, band: str) -> RunKey:
    return run_key("reference", VERSION, config, (cell, band, *(run.key for run in runs)))


def _already_built(
    records: Records, runs: Sequence[PreprocessRun], config: ReferenceConfig, *, cell: str, band: str
) -> str | None:
    wanted = _recipe(runs, config, cell=cell, band=band)
    for reference in records.references.search(cell=SkyCell.parse(cell), band=band):
        if reference.recipe == wanted:
            return reference.digest
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
