"""A catalog of millions of objects in SQLite, written past the repositories: these take a day for as many."""

from collections.abc import Mapping, Sequence

import numpy as np
from astropy import units as u
from astropy_healpix import HEALPix
from sqlalchemy import Connection, Table, insert, text

from astrid_core.adapters.db.engine import open_engine
from astrid_core.adapters.db.rows.catalog import CatalogEntryRow, LightCurvePointRow
from astrid_core.adapters.db.rows.context import EntryContextRow
from astrid_core.adapters.db.rows.forced import ForcedPointRow, ReferenceFluxRow
from astrid_core.bootstrap import migrate_database, open_services
from astrid_core.differencing.entities import ReferenceImage, ReferenceStatus
from astrid_core.observations.entities import Observation, WcsOrigin
from astrid_core.settings import Settings
from astrid_core.shared.artifacts import ArtifactRef
from astrid_core.shared.runs import RunKey
from astrid_core.shared.sky import HPX_ORDER, SkyCell, SkyPosition

EVERY = 10
"""One object of so many is classed and was measured where it was not found."""
_N_EXPOSURES, _AT_ONCE = 365, 100_000
_REFERENCE = "0" * 64
_PLACE = SkyPosition(ra_deg=10.0, dec_deg=0.0)
_FILLED = (CatalogEntryRow, LightCurvePointRow, EntryContextRow, ForcedPointRow, ReferenceFluxRow)
_Rows = Sequence[tuple[object, ...]]


def fill(settings: Settings, n: int) -> None:
    """Write a catalog of ``n`` objects spread evenly over the sky, each detected once."""
    migrate_database(settings)
    with open_services(settings) as services, services.transaction() as records:
        for number in range(_N_EXPOSURES):
            records.observations.add(_exposure(number))
        records.references.add(_reference())
    engine = open_engine(settings.own_database)
    rng = np.random.default_rng(1)
    tables = [row.metadata.tables[row.__tablename__] for row in _FILLED]
    with engine.begin() as connection:
        # What differences are of does not matter here; and an index is made faster when all is there.
        for pragma in ("foreign_keys = OFF", "cache_size = -500000"):
            connection.execute(text(f"PRAGMA {pragma}"))
        indexes = [one for table in tables for one in table.indexes]
        for one in indexes:
            one.drop(connection)
        for start in range(0, n, _AT_ONCE):
            for name, rows in _objects(np.arange(start, min(n, start + _AT_ONCE)), rng).items():
                _insert(connection, next(one for one in tables if one.name == name), rows)
        for one in indexes:
            one.create(connection)
    engine.dispose()


def _insert(connection: Connection, table: Table, rows: _Rows) -> None:
    # The driver's own way: what SQLAlchemy does for every value takes longer than the database.
    statement = str(insert(table).compile(dialect=connection.dialect))
    connection.exec_driver_sql(statement, list(rows))


def _objects(number: np.ndarray, rng: np.random.Generator) -> Mapping[str, _Rows]:
    """Return rows by table, their values in the order of its columns."""
    n = len(number)
    ra, dec = rng.uniform(0.0, 360.0, n), np.degrees(np.arcsin(rng.uniform(-1.0, 1.0, n)))
    hpx29 = HEALPix(nside=2**HPX_ORDER, order="nested").lonlat_to_healpix(ra * u.deg, dec * u.deg)
    # Rising, so that rows lie in the order of their key, and in none on the sky.
    names = [f"{one:08x}{rng.bytes(12).hex()}" for one in number]
    mjd, score, sigma = 60000.0 + number % _N_EXPOSURES, rng.uniform(0.5, 1.0, n), rng.normal(12.0, 3.0, n)
    flux, flux_err = rng.normal(1000.0, 100.0, n), rng.uniform(5.0, 50.0, n)
    mag, mag_err = rng.uniform(18.0, 22.0, n), rng.uniform(0.01, 0.2, n)
    told = zip(
        names, *(one.tolist() for one in (number, ra, dec, hpx29, mjd, score, sigma, flux, flux_err, mag, mag_err)),
        strict=True,
    )  # fmt: skip
    filled: dict[str, list[tuple[object, ...]]] = {row.__tablename__: [] for row in _FILLED}
    entries, points, contexts, forced, fluxes = filled.values()
    for name, one, ra_deg, dec_deg, cell, mid_mjd, best, peak, counts, err, mag_ab, its in told:
        seen = f"simulated:{one % _N_EXPOSURES}.fits"
        entries.append(
            (name, ra_deg, dec_deg, cell, mid_mjd, mid_mjd, 1, best, peak, "candidate", 0.05, None, None, None)
        )
        points.append((
            f"detect-{one:032x}:1", name, seen, _REFERENCE, ra_deg, dec_deg, cell, "r", mid_mjd, counts, err, mag_ab,
            its, peak, best, 0.05, 25.0,
        ))  # fmt: skip
        if one % EVERY == 0:
            contexts.append((name, "hostless_transient", "nothing known is there", "[]", "[]"))
            forced.append((
                name, f"difference-{one % _N_EXPOSURES:032x}", seen, _REFERENCE, ra_deg, dec_deg, "r", mid_mjd, 25.0,
                1.0, counts, err, 0.0, None, 0,
            ))  # fmt: skip
            fluxes.append((name, _REFERENCE, 10.0 * counts, err))
    return filled


def _exposure(number: int) -> Observation:
    return Observation(
        survey="simulated", archive_id=f"{number}.fits", extension=0, file_digest=_REFERENCE, position=_PLACE,
        radius_deg=1.0, wcs_origin=WcsOrigin.HEADER, pixel_scale_arcsec=1.0, width_pix=4000, height_pix=4000, band="r",
        exposure_s=60.0, mid_mjd=60000.0 + number,
    )  # fmt: skip


def _reference() -> ReferenceImage:
    return ReferenceImage(
        image=ArtifactRef(digest=_REFERENCE, media_type="application/fits", n_bytes=1), family="simulated",
        status=ReferenceStatus.ACTIVE, cell=SkyCell.containing(_PLACE, order=6), band="r", survey="simulated",
        version=1, position=_PLACE, radius_deg=1.0, inputs=(), nights=(), fwhm_pix=2.5, sky_rms=10.0,
        recipe=RunKey("references-0"),
    )  # fmt: skip
