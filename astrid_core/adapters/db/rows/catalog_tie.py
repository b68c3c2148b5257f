"""What was measured against a star catalog, as one JSON value: it is looked at as a whole, and grows."""

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from astrid_core.preprocessing.entities import CatalogTie, ExposureQuality, PhotometricSolution, PreprocessRun

Tie = Mapping[str, Any] | None


def tie_values(run: PreprocessRun) -> dict[str, Any] | None:
    """Return the value of ``run``; None where nothing was measured and nothing is to be said."""
    tie = run.wcs.tie if run.wcs else None
    parts = {"astrometry": tie, "photometry": run.photometry, "exposure": run.exposure}
    known = {name: _plain(asdict(part)) for name, part in parts.items() if part is not None}
    if run.untied:
        known["untied"] = list(run.untied)
    return known or None


def catalog_tie_of(stored: Tie) -> CatalogTie | None:
    """Return the astrometric part."""
    part = (stored or {}).get("astrometry")
    if part is None:
        return None
    return CatalogTie(**{**part, "residuals": tuple(tuple(cell) for cell in part["residuals"])})


def photometry_of(stored: Tie) -> PhotometricSolution | None:
    """Return the photometric part."""
    part = (stored or {}).get("photometry")
    if part is None:
        return None
    colour = part["colour"]
    return PhotometricSolution(
        **{
            **part,
            "colour": None if colour is None else tuple(colour),
            "spatial_mag": tuple(part["spatial_mag"]),
            "frame_shape": tuple(part["frame_shape"]),
        }
    )


def exposure_of(stored: Tie) -> ExposureQuality | None:
    """Return the numbers that an exposure is judged by."""
    part = (stored or {}).get("exposure")
    return None if part is None else ExposureQuality(**part)


def untied_of(stored: Tie) -> tuple[str, ...]:
    """Return why parts are missing."""
    return tuple((stored or {}).get("untied", ()))


def _plain(value: Any) -> Any:
    """JSON knows neither tuples nor numbers that are none."""
    if isinstance(value, Mapping):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
