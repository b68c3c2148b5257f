"""The brightness of objects in exposures that cover them, whether or not anything was found there."""

from collections.abc import Sequence

import numpy as np

from astrid_core.catalog.entities import CatalogEntry, ForcedPoint, ReferenceFlux, Unmeasured
from astrid_core.differencing.entities import DifferenceRun, ReferenceImage
from astrid_core.differencing.photometry import force_photometry, pixel_positions
from astrid_core.differencing.products import DifferenceProduct
from astrid_core.differencing.stamps import FloatArray, cut
from astrid_core.differencing.template import counts_ratio, owner_of
from astrid_core.observations.entities import Observation
from astrid_core.preprocessing.entities import PreprocessRun
from astrid_core.preprocessing.psf_flux import measure_psf_fluxes
from astrid_core.shared.images import MaskPlane, SkyImage

_REACH_FWHM = 2.0
"""What a PSF holds farther out has no weight in its square."""


def forced_points(
    product: DifferenceProduct,
    entries: Sequence[CatalogEntry],
    *,
    observation: Observation,
    prepared: PreprocessRun,
    difference: DifferenceRun,
    references: Sequence[ReferenceImage],
) -> tuple[ForcedPoint, ...]:
    """Return what a difference shows at the places of objects, in their order; nothing without sky coordinates.

    The flux and its error are those that a detection there would have been given, see ``force_photometry``.
    ``references`` are those of the difference, first that of its middle.
    """
    if product.wcs is None or not entries:
        return ()
    places = pixel_positions([entry.position for entry in entries], product.wcs)
    measured = force_photometry(product, places)
    hidden = masked_fractions(product, places)
    points = []
    for number, entry in enumerate(entries):
        x, y = (float(one) for one in places[number])
        owner = owner_of(entry.position, references)
        flux, error = float(measured.flux[number]), float(measured.flux_err[number])
        unmeasured = _why_not(product.mask.shape, x, y, int(measured.flags[number]), error)
        zero_point_mag = None
        if unmeasured is not Unmeasured.OFF_FRAME:
            zero_point_mag = prepared.zero_point_at(x, y, header=observation.zero_point_mag)
        ratio = difference.flux_ratio
        points.append(
            ForcedPoint(
                entry_id=entry.id,
                difference_key=difference.key,
                observation_id=observation.id,
                reference_digest=owner.digest,
                position=entry.position,
                band=observation.band,
                mid_mjd=observation.mid_mjd,
                zero_point_mag=zero_point_mag,
                reference_scale=None if ratio is None else ratio * counts_ratio(owner, references[0]),
                flux=flux if unmeasured is None else None,
                flux_err=error if unmeasured is None else None,
                masked_fraction=float(hidden[number]),
                unmeasured=unmeasured,
                flags=int(measured.flags[number]),
            )
        )
    return tuple(points)


def reference_fluxes(
    reference: ReferenceImage, image: SkyImage, entries: Sequence[CatalogEntry]
) -> list[ReferenceFlux]:
    """Return what a reference, ``image`` its pixels, shows at the places of objects, in their order.

    None where its pixels or its edge leave no flux, and for an image without PSF or sky coordinates.
    """
    flux = error = np.full(len(entries), np.nan)
    if image.wcs is not None and image.psf is not None and entries:
        x, y = pixel_positions([entry.position for entry in entries], image.wcs).T
        found = measure_psf_fluxes(image, x, y, recentre=False)
        flux, error = found.flux, found.flux_err
    return [
        ReferenceFlux(
            entry_id=entry.id,
            reference_digest=reference.digest,
            flux=float(one) if np.isfinite(one) else None,
            flux_err=float(its) if np.isfinite(one) else None,
        )
        for entry, one, its in zip(entries, flux, error, strict=True)
    ]


def masked_fractions(product: DifferenceProduct, places: FloatArray) -> FloatArray:
    """Return which part of the PSF lies on masked pixels or off the frame, at places (n, 2); 1 off the frame.

    Pixels count as the PSF squared, which is their weight in a PSF flux.
    """
    ny, nx = product.mask.shape
    # A place that is no number lies off the frame, too.
    columns, rows = np.rint(np.clip(np.nan_to_num(places, nan=-1.0), -1.0, max(nx, ny))).astype(int).T
    middle = product.psf.shape[0] // 2
    half = min(middle, int(np.ceil(_REACH_FWHM * product.science_fwhm_pix)))
    stamp = product.psf[middle - half : middle + half + 1, middle - half : middle + half + 1]
    weight = stamp.astype(float) ** 2
    hidden = cut(product.mask != 0, rows, columns, half, fill=True)
    fraction = np.einsum("nij,ij->n", hidden, weight) / weight.sum()
    inside = (rows >= 0) & (rows < ny) & (columns >= 0) & (columns < nx)
    return np.where(inside, np.minimum(fraction, 1.0), 1.0)


def _why_not(shape: tuple[int, ...], x: float, y: float, flags: int, error: float) -> Unmeasured | None:
    if not (-0.5 < x < shape[1] - 0.5 and -0.5 < y < shape[0] - 0.5):
        return Unmeasured.OFF_FRAME
    if flags & MaskPlane.EDGE:
        return Unmeasured.EDGE
    if flags:
        return Unmeasured.MASKED
    return None if np.isfinite(error) and error > 0.0 else Unmeasured.NO_ERROR
