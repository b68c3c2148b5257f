"""Every table of ours, declared by importing the rows of every domain."""

from sqlalchemy import MetaData

from astrid_core.adapters.db.rows import (  # noqa: F401 - importing them declares their tables
    access,
    alerts,
    calibration,
    catalog,
    context,
    curation,
    detection,
    differencing,
    events,
    forced,
    injected,
    lifecycle,
    observations,
    preprocessing,
    references,
    retention,
    review,
)
from astrid_core.adapters.db.rows.table import Row

TABLES: MetaData = Row.metadata
