"""Decide which masters can be built, and build one."""

import time
from collections.abc import Sequence

import structlog

from astrid_core.observations.entities import CalibrationFrame, CalibrationKind
from astrid_core.observations.frames import read_frame
from astrid_core.preprocessing.calibrate_config import CalibrateConfig
from astrid_core.preprocessing.choose_masters import nearest_master
from astrid_core.preprocessing.entities import CalibrationData, MasterStatus
from astrid_core.preprocessing.group_frames import CalibrationGroup, group_frames
from astrid_core.preprocessing.masters import (
    VERSION,
    Master,
    Masters,
    build_bad_pixels,
    build_bias,
    build_dark,
    build_flat,
)
from astrid_core.preprocessing.raw import level, linearize
from astrid_core.shared.errors import BadConfiguration, NoCalibration, TooFewInputs, UnusableFile
from astrid_core.shared.images import FloatImage
from astrid_core.shared.runs import RunKey, run_key
from astrid_core.stages.masters import load_masters
from astrid_core.stages.record_master import Draft, find_master, record_master, settled_master
from astrid_core.stages.services import Records, Services

log = structlog.get_logger()
_NEEDS = {CalibrationKind.DARK: ("bias",), CalibrationKind.FLAT: ("bias", "dark")}


def plan_calibrations(
    services: Services,
    *,
    survey: str,
    config: CalibrateConfig,
    first_night: str | None = None,
    last_night: str | None = None,
) -> tuple[CalibrationGroup, ...]:
    """Return the groups of frames that make one master each: of each setup bias first, then darks, then flats."""
    with services.transaction() as records:
        frames = records.calibration_frames.search(survey=survey, first_night=first_night, last_night=last_night)
    return group_frames(frames, config)


def run_build_calibration(services: Services, group: CalibrationGroup, config: CalibrateConfig) -> RunKey:
    """Build the master of a group and record it; return its recipe. Safe to repeat.

    Raises TooFewInputs where there is too little to build it from, NoCalibration where a master that it needs is
    missing, and RejectedMaster where it is too unlike the one before it: then it is recorded, and never applied.
    """
    started_s = time.monotonic()
    with services.transaction() as records:
        frames = [records.calibration_frames.get(frame_id) for frame_id in group.frame_ids]
        needed = _needed(records, group, config)
        files = [f"{one.file_digest}[{one.extension}]" for one in frames]
        parts = (group.kind.value, group.band, *files, *(one.digest for one in needed))
        recipe = run_key("calibration", VERSION, config, parts)
        done = find_master(records, group.setup, group.kind, recipe)
    if done is not None:
        return settled_master(done)
    if len(frames) < config.min_inputs(group.kind.value):
        required = config.min_inputs(group.kind.value)
        raise TooFewInputs(f"too few frames for a master {group.kind.value}", n=len(frames), required=required)
    usable, pixels = _read(services, frames, config)
    master = _build(group.kind, usable, pixels, load_masters(services.artifacts, needed), config)
    draft = Draft(
        kind=group.kind,
        setup=group.setup,
        band=group.band,
        times_mjd=tuple(one.mid_mjd for one in usable),
        inputs=tuple(one.id for one in usable),
        recipe=recipe,
        started_s=started_s,
    )
    return record_master(services, draft, master, config)


def run_build_bad_pixels(services: Services, recipe_of_flat: RunKey, config: CalibrateConfig) -> RunKey:
    """Build the bad-pixel mask that a master flat and the darks of its time tell; return its recipe. Safe to repeat."""
    started_s = time.monotonic()
    with services.transaction() as records:
        flat = next(
            (
                one
                for one in records.calibration_masters.search(kind=CalibrationKind.FLAT)
                if one.recipe == recipe_of_flat
            ),
            None,
        )
        if flat is None:
            raise NoCalibration("no such master flat", recipe=recipe_of_flat)
        masters = records.calibration_masters.search(setup=flat.setup)
        dark = nearest_master(masters, CalibrationKind.DARK, band=flat.band, at_mjd=flat.mid_mjd)
        used = (flat,) if dark is None else (dark, flat)
        parts = (CalibrationKind.BAD_PIXELS.value, flat.band, *(one.digest for one in used))
        recipe = run_key("calibration", VERSION, config, parts)
        done = find_master(records, flat.setup, CalibrationKind.BAD_PIXELS, recipe)
    if done is not None:
        return settled_master(done)
    loaded = load_masters(services.artifacts, used)
    draft = Draft(
        kind=CalibrationKind.BAD_PIXELS,
        setup=flat.setup,
        band=flat.band,
        times_mjd=(flat.valid_from_mjd + config.valid_days, flat.mid_mjd, flat.valid_to_mjd - config.valid_days),
        inputs=tuple(one.digest for one in used),
        recipe=recipe,
        started_s=started_s,
    )
    return record_master(services, draft, build_bad_pixels(loaded.dark, loaded.flat, config), config)


def run_settle_master(services: Services, digest: str, *, accept: bool, reason: str) -> None:
    """Accept a rejected master after all, or withdraw one; on record with its reason."""
    if not reason.strip():
        raise BadConfiguration("a master is settled for a reason", digest=digest)
    status = MasterStatus.ACCEPTED if accept else MasterStatus.REJECTED
    with services.transaction() as records:
        before = records.calibration_masters.get(digest)
        records.calibration_masters.settle(digest, status, reason)
        facts = {"status": status.value, "before": before.status.value, "reason": reason}
        records.events.append("calibration.settled", subject=digest, facts=facts)
    log.info("calibration.settled", digest=digest, status=status.value, reason=reason)


def _needed(records: Records, group: CalibrationGroup, config: CalibrateConfig) -> tuple[CalibrationData, ...]:
    masters = records.calibration_masters.search(setup=group.setup)
    found = []
    for kind in _NEEDS.get(group.kind, ()):
        nearest = nearest_master(masters, CalibrationKind(kind), band=group.band, at_mjd=group.mid_mjd)
        if nearest is not None:
            found.append(nearest)
        elif kind in config.required:
            raise NoCalibration(
                f"a master {group.kind.value} needs a valid master {kind}",
                instrument=group.setup.instrument,
                mid_mjd=f"{group.mid_mjd:.3f}",
            )
    return tuple(found)


def _read(
    services: Services, frames: Sequence[CalibrationFrame], config: CalibrateConfig
) -> tuple[list[CalibrationFrame], list[FloatImage]]:
    """Return the frames that can be used, and their pixels without overscan, linear; what is unusable is logged."""
    usable, pixels = [], []
    for frame in frames:
        client = services.surveys.get(frame.survey)
        if client is None:
            raise BadConfiguration("survey is not configured", survey=frame.survey)
        try:
            opened = read_frame(client.fetch(frame), extension=frame.extension, name=frame.archive_id)
            leveled = level(opened.pixels, opened.readout, degree=config.overscan_degree)
            _require_level(frame, leveled.pixels, leveled.overscan_adu, config)
        except UnusableFile as problem:
            log.warning("calibration_frame.skipped", frame=frame.id, reason=str(problem))
            continue
        usable.append(frame)
        pixels.append(linearize(leveled.pixels, config.coefficients(frame.instrument)))
    return usable, pixels


def _require_level(frame: CalibrationFrame, pixels: FloatImage, overscan_adu: float, config: CalibrateConfig) -> None:
    """Refuse a flat that is too dark or too near to saturation, whose pixels answer otherwise there."""
    if frame.kind is not CalibrationKind.FLAT:
        return
    middle = float(sorted(pixels.ravel()[:: max(1, pixels.size // 10_000)])[min(pixels.size, 10_000) // 2])
    if middle < config.flat_min_counts:
        raise UnusableFile("flat is too dark", counts=middle, required=config.flat_min_counts)
    if frame.saturation_adu is None:
        return
    allowed = config.flat_max_fraction * (frame.saturation_adu - overscan_adu)
    if middle > allowed:
        raise UnusableFile("flat is too bright", counts=middle, allowed=allowed)


def _build(
    kind: CalibrationKind,
    frames: Sequence[CalibrationFrame],
    pixels: Sequence[FloatImage],
    masters: Masters,
    config: CalibrateConfig,
) -> Master:
    exposures_s = [one.exposure_s for one in frames]
    if kind is CalibrationKind.BIAS:
        return build_bias(pixels, config)
    if kind is CalibrationKind.DARK:
        return build_dark(pixels, exposures_s, masters.bias, config)
    return build_flat(pixels, exposures_s, masters, config)
