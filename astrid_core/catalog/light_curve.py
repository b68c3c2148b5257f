"""Light curves as they are read: fluxes in nJy, AB magnitudes, upper limits, on one scale whatever the reference."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from uuid import UUID

from astrid_core.catalog.entities import CatalogEntry, ForcedPoint, ReferenceFlux, Unmeasured, njy_per_count
from astrid_core.catalog.measure import ab_magnitude
from astrid_core.differencing.entities import ReferenceImage, ReferenceStatus
from astrid_core.shared.runs import RunKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Brightness:
    """How bright an object was in one exposure: against the reference, and in all.

    Whatever was not measured, or has no zero point, is None.
    """

    observation_id: str
    difference_key: RunKey
    reference_digest: str
    band: str
    mid_mjd: float
    zero_point_mag: float | None
    """AB magnitude of one count."""
    flux: float | None
    """Of the difference, counts."""
    flux_err: float | None
    flux_njy: float | None
    """Of the difference: negative where the object was brighter in the reference."""
    flux_err_njy: float | None
    mag_ab: float | None
    """Of abs(flux); None for fewer standard deviations than ``limit_sigma`` asks for."""
    mag_err: float | None
    limit_mag_ab: float | None
    """max(flux, 0) + ``limit_sigma`` flux_err, where that is not reached: the object was fainter than this."""
    reference_flux_njy: float | None
    """Of the object in the reference, by the zero point of this exposure."""
    reference_flux_err_njy: float | None
    total_flux_njy: float | None
    """Difference and reference: comparable, whatever was subtracted."""
    total_flux_err_njy: float | None
    """That of the difference: the noise of the reference, which is in it, cancels in the sum; so it is too large rather
    than too small.
    """
    total_mag_ab: float | None
    total_mag_err: float | None
    masked_fraction: float
    unmeasured: Unmeasured | None
    flags: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LightCurve:
    """One object and its brightness in every exposure that covers it, oldest first."""

    entry: CatalogEntry
    asked: UUID
    """Another one than that of ``entry`` where that was withdrawn and this is its successor."""
    limit_sigma: float
    points: tuple[Brightness, ...]


def nanojansky(counts: float, *, zero_point_mag: float) -> float:
    """Return the flux density of ``counts`` where one count has this AB magnitude."""
    return counts * njy_per_count(zero_point_mag)


def brightness(point: ForcedPoint, reference: ReferenceFlux | None, *, limit_sigma: float) -> Brightness:
    """Return a measurement as it is read, with what its reference shows of the object, if that is known."""
    flux, error, zero_point_mag = point.flux, point.flux_err, point.zero_point_mag
    mag = mag_err = limit_mag = then = then_err = total = total_mag = total_mag_err = None
    if flux is not None and error is not None:
        if abs(flux) >= limit_sigma * error:
            mag, mag_err = ab_magnitude(flux, error, zero_point_mag=zero_point_mag)
        else:
            limit_mag, _ = ab_magnitude(max(flux, 0.0) + limit_sigma * error, error, zero_point_mag=zero_point_mag)
    if reference is not None and reference.flux is not None and point.reference_scale is not None:
        then = reference.flux * point.reference_scale
        then_err = None if reference.flux_err is None else reference.flux_err * point.reference_scale
    if flux is not None and error is not None and then is not None:
        total = flux + then
        if total >= limit_sigma * error:
            total_mag, total_mag_err = ab_magnitude(total, error, zero_point_mag=zero_point_mag)
    return Brightness(
        observation_id=point.observation_id,
        difference_key=point.difference_key,
        reference_digest=point.reference_digest,
        band=point.band,
        mid_mjd=point.mid_mjd,
        zero_point_mag=zero_point_mag,
        flux=flux,
        flux_err=error,
        flux_njy=_njy(flux, zero_point_mag),
        flux_err_njy=_njy(error, zero_point_mag),
        mag_ab=mag,
        mag_err=mag_err,
        limit_mag_ab=limit_mag,
        reference_flux_njy=_njy(then, zero_point_mag),
        reference_flux_err_njy=_njy(then_err, zero_point_mag),
        total_flux_njy=_njy(total, zero_point_mag),
        total_flux_err_njy=None if total is None else _njy(error, zero_point_mag),
        total_mag_ab=total_mag,
        total_mag_err=total_mag_err,
        masked_fraction=point.masked_fraction,
        unmeasured=point.unmeasured,
        flags=point.flags,
    )


def one_an_exposure(
    points: Sequence[ForcedPoint], references: Mapping[str, ReferenceImage], counts: Collection[RunKey] = ()
) -> tuple[ForcedPoint, ...]:
    """Return the measurement of each exposure that counts, oldest exposure first; those beside its pixels left out.

    Of several runs that is one of ``counts``, then one which measured something, against the reference in use, then the
    newest version, then the last key.
    """

    def rank(point: ForcedPoint) -> tuple[bool, bool, bool, int, str]:
        reference = references[point.reference_digest]
        in_use = reference.status is ReferenceStatus.ACTIVE
        return (
            point.difference_key in counts, point.unmeasured is None, in_use, reference.version, point.difference_key,
        )  # fmt: skip

    on_frame = [point for point in points if point.unmeasured is not Unmeasured.OFF_FRAME]
    in_time = sorted(on_frame, key=lambda point: (point.mid_mjd, point.observation_id))
    grouped = groupby(in_time, key=lambda point: point.observation_id)
    return tuple(max(beside, key=rank) for _, beside in grouped)


def _njy(counts: float | None, zero_point_mag: float | None) -> float | None:
    if counts is None or zero_point_mag is None or not math.isfinite(counts):
        return None
    return nanojansky(counts, zero_point_mag=zero_point_mag)
