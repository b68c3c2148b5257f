"""What every format says in the same words."""

import math
from datetime import UTC, datetime, timedelta

from astrid_core.catalog.entities import CatalogEntry

PUBLISHER = "AstrID"
_MJD_ZERO = datetime(1858, 11, 17, tzinfo=UTC)
JD_OF_MJD = 2_400_000.5


def object_name(entry: CatalogEntry) -> str:
    """Return the name of an object, short enough for people."""
    return f"astrid-{entry.id.hex[:12]}"


def time_of(mjd: float) -> datetime:
    """Return a time of day (UTC), to the millisecond."""
    return _MJD_ZERO + timedelta(milliseconds=round(mjd * 86_400_000.0))


def iso(at: datetime) -> str:
    """Return a time as GCN and VOEvent write it."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]


def finite(value: float | None) -> float | None:
    """Return a number that JSON and XML can hold; None for any other."""
    return value if value is not None and math.isfinite(value) else None
