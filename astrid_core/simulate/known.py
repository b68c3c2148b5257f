"""The truth table of a survey: what is known about each object in each exposure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from astrid_core.catalog.truth import TruthRow
from astrid_core.catalog.truth_table import ExtraColumn, write_truth
from astrid_core.differencing.config import ReferenceConfig
from astrid_core.simulate.depth import Depth, mag_of
from astrid_core.simulate.events import galaxy_id, star_id
from astrid_core.simulate.exposure import Exposed, look
from astrid_core.simulate.optics import FloatArray
from astrid_core.simulate.population import FieldSky
from astrid_core.simulate.prediction import predict_snr
from astrid_core.simulate.schedule import Visit


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A row of the truth table with what only people read."""

    row: TruthRow
    mag_ab: float | None = None
    """None for what is not in the sky, or does not shine."""
    x_pix: float | None = None
    """0-based, on the exposure."""
    y_pix: float | None = None
    host_id: str | None = None


def known_constant(field: FieldSky, depth: Depth, zero_point_mag: float) -> tuple[Known, ...]:
    """Return one row for each constant star and galaxy that an ordinary exposure shows."""
    limit = mag_of(depth.five_sigma_adu, zero_point_mag)
    parts: tuple[tuple[str, FloatArray, FloatArray, FloatArray], ...] = (
        ("star", field.stars.ra_deg, field.stars.dec_deg, field.stars.mag_ab),
        ("galaxy", field.galaxies.ra_deg, field.galaxies.dec_deg, field.galaxies.mag_ab),
    )
    found = []
    for kind, ra, dec, mag in parts:
        name = star_id if kind == "star" else galaxy_id
        for index in np.flatnonzero(mag <= limit).tolist():
            row = TruthRow(
                object_id=name(field.name, index), kind=kind, ra_deg=float(ra[index]), dec_deg=float(dec[index])
            )
            found.append(Known(row=row, mag_ab=float(mag[index])))
    return tuple(found)


def known_changes(field: FieldSky, taken: Sequence[tuple[Visit, Exposed]]) -> tuple[Known, ...]:
    """Return one row for each changing object and exposure that shows its place.

    The change is predicted against the coadd of the exposures of all reference nights but the exposure's own; it is
    None where no such exposure shows the place.
    """
    found = []
    for visit, exposed in taken:
        references = coadded(
            [other for at, other in taken if not at.is_searched and at.night != visit.night], ReferenceConfig()
        )
        for one in field.changing:
            seen = look(exposed, one)
            if seen is None:
                continue
            mid_mjd = exposed.plan.mid_mjd
            before = [look(other, one, at_mjd=mid_mjd) for other in references]
            sights = [sight for sight in before if sight is not None]
            row = TruthRow(
                object_id=one.object_id,
                kind=one.kind,
                ra_deg=seen.position.ra_deg,
                dec_deg=seen.position.dec_deg,
                exposure=visit.path,
                mid_mjd=mid_mjd,
                predicted_snr=predict_snr(seen, sights) if sights else None,
            )
            mag_ab = mag_of(seen.flux_adu, seen.zero_point_mag) if seen.flux_adu > 0.0 else None
            found.append(Known(row=row, mag_ab=mag_ab, x_pix=seen.x_pix, y_pix=seen.y_pix, host_id=one.host_id or None))
    return tuple(found)


def known_marks(visit: Visit, exposed: Exposed) -> tuple[Known, ...]:
    """Return one row for each cosmic ray and hot pixel, and several along each trail."""
    if not exposed.marks:
        return ()
    x, y = np.array([(mark.x_pix, mark.y_pix) for mark in exposed.marks]).T
    ra, dec = exposed.plan.true_wcs.wcs_pix2world(x, y, 0)
    return tuple(
        Known(
            row=TruthRow(
                object_id=f"{visit.path.removesuffix('.fits')}-{mark.kind}-{mark.number}",
                kind=mark.kind,
                ra_deg=float(ra[index]) % 360.0,
                dec_deg=float(dec[index]),
                exposure=visit.path,
                mid_mjd=exposed.plan.mid_mjd,
            ),
            x_pix=mark.x_pix,
            y_pix=mark.y_pix,
        )
        for index, mark in enumerate(exposed.marks)
    )


def coadded(exposures: Sequence[Exposed], config: ReferenceConfig) -> list[Exposed]:
    """Return the exposures that a reference is made of: not much blurred, and of these the deepest."""
    if not exposures:
        return []
    sharpest = min(one.plan.optics.fwhm_pix for one in exposures)
    kept = [one for one in exposures if one.plan.optics.fwhm_pix <= config.max_fwhm_ratio * sharpest]
    return sorted(kept, key=_blur)[: config.max_inputs]


def _blur(exposed: Exposed) -> float:
    """Noise of a point source, on one flux scale."""
    noise = float(np.sqrt(np.median(exposed.variance)))
    return noise * exposed.plan.optics.fwhm_pix * float(10.0 ** (-0.4 * exposed.plan.zero_point_mag))


def truth_table(known: Iterable[Known]) -> bytes:
    """Return the table."""
    rows = list(known)
    extra: Mapping[str, ExtraColumn] = {
        "mag_ab": ExtraColumn(
            description="AB magnitude in the exposure", unit="mag", decimals=4, values=[one.mag_ab for one in rows]
        ),
        "x_pix": ExtraColumn(
            description="Column on the exposure, the first is 0", unit="pix", values=[one.x_pix for one in rows]
        ),
        "y_pix": ExtraColumn(
            description="Row on the exposure, the first is 0", unit="pix", values=[one.y_pix for one in rows]
        ),
        "host_id": ExtraColumn(description="The galaxy that it lies on", values=[one.host_id for one in rows]),
    }
    return write_truth([one.row for one in rows], extra)
