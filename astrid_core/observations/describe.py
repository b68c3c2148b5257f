"""From the facts of a frame to an Observation, or to the reason why it is none."""

from datetime import date

from astrid_core.observations.config import IngestConfig
from astrid_core.observations.entities import Companion, Observation
from astrid_core.observations.headers import FrameFacts
from astrid_core.shared.errors import UnusableFile

_MJD_ZERO = date(1858, 11, 17).toordinal()


def describe(
    facts: FrameFacts,
    *,
    survey: str,
    archive_id: str,
    file_digest: str,
    now_mjd: float,
    config: IngestConfig,
    companions: tuple[Companion, ...] = (),
) -> Observation:
    """Return the Observation that ``facts`` make, or raise UnusableFile with everything that is missing or absurd."""
    if facts.problems or facts.place is None or facts.mid_mjd is None or facts.exposure_s is None:
        raise UnusableFile("; ".join(facts.problems))
    _require_plausible_time(facts.mid_mjd, now_mjd, config)
    return Observation(
        survey=survey,
        archive_id=archive_id,
        extension=facts.extension,
        file_digest=file_digest,
        position=facts.place.position,
        radius_deg=facts.place.radius_deg,
        wcs_origin=facts.place.origin,
        pixel_scale_arcsec=facts.place.pixel_scale_arcsec,
        width_pix=facts.width_pix,
        height_pix=facts.height_pix,
        band=facts.band,
        exposure_s=facts.exposure_s,
        mid_mjd=facts.mid_mjd,
        instrument=facts.instrument,
        object_name=facts.object_name,
        gain_e_adu=facts.gain_e_adu,
        read_noise_e=facts.read_noise_e,
        saturation_adu=facts.saturation_adu,
        zero_point_mag=facts.zero_point_mag,
        companions=companions,
    )


def _require_plausible_time(mid_mjd: float, now_mjd: float, config: IngestConfig) -> None:
    earliest = float(date(config.earliest_year, 1, 1).toordinal() - _MJD_ZERO)
    if mid_mjd < earliest:
        raise UnusableFile(f"taken before the year {config.earliest_year}", mid_mjd=mid_mjd, earliest_mjd=earliest)
    if mid_mjd > now_mjd + config.max_future_days:
        # Not the time of this look: the reason must be the same at the next one.
        raise UnusableFile("taken in the future", mid_mjd=f"{mid_mjd:.5f}", allowed_days=config.max_future_days)
