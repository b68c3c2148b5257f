"""Cone and region searches, against trying every position."""

import asyncio
import math
from collections.abc import Sequence
from uuid import UUID

import numpy as np
from sqlalchemy import Engine, event, insert

from astrid_core.adapters.db.engine import open_engine
from astrid_core.adapters.db.reading.catalog import list_entries
from astrid_core.adapters.db.reading.engine import open_reading
from astrid_core.adapters.db.reading.pages import Ask
from astrid_core.adapters.db.rows.catalog import CatalogEntryRow
from astrid_core.adapters.db.rows.sky import hpx29_of
from astrid_core.catalog.entities import CatalogEntry
from astrid_core.shared.sky import Region, SkyPosition
from tests.adapters.databases import AnyDatabase, SqlDatabase
from tests.adapters.invented import entry, observation, reference
from tests.shared.brute_force import Known, anywhere, known_regions, vectors
from tests.shared.brute_force import positions as coordinates

CONES = [
    (0.0, 90.0, 1.0),
    (123.0, 90.0, 0.02),
    (77.0, -90.0, 5.0),
    (10.0, 89.7, 0.5),
    (350.0, -89.99, 0.3),
    (0.0, 0.0, 1.0),
    (359.999, 30.0, 0.05),
    (0.0, -45.0, 20.0),
    (180.0, 41.8103149, 2.0),
    (45.0, 0.0, 90.0),
]
"""Right ascension, declination and radius, deg: the poles, across RA 0, where HEALPix bends, half the sky."""


def scattered(seed: int = 5) -> list[SkyPosition]:
    """Return positions over the whole sky, and crowds where searches go wrong."""
    rng = np.random.default_rng(seed)
    ra_deg = [*rng.uniform(0.0, 360.0, 300)]
    dec_deg = [*np.degrees(np.arcsin(rng.uniform(-1.0, 1.0, 300)))]
    for centre_ra, centre_dec, radius in CONES:
        for scale in (0.1, 1.0, 3.0):
            height = rng.normal(0.0, radius * scale, 15)
            ra_deg += [*((centre_ra + rng.normal(0.0, radius * scale, 15)) % 360.0)]
            # Beyond a pole the other side begins.
            dec_deg += [
                *(90.0 - np.abs(90.0 - np.clip(np.abs(centre_dec + height), 0.0, 179.0))) * np.sign(centre_dec or 1)
            ]
    ra_deg += [0.0, 0.0, 359.99999999999994, 12.0]
    dec_deg += [90.0, -90.0, 0.0, 90.0]
    return [SkyPosition(ra_deg=float(ra), dec_deg=float(dec)) for ra, dec in zip(ra_deg, dec_deg, strict=True)]


def inside_cone(positions: Sequence[SkyPosition], centre: SkyPosition, radius_deg: float) -> list[bool]:
    """Tell by the chord between unit vectors: no HEALPix, no spherical trigonometry."""
    vectors = np.array([unit_vector(position) for position in positions])
    chord = np.linalg.norm(vectors - unit_vector(centre), axis=1)
    return [bool(one) for one in chord <= 2.0 * math.sin(math.radians(radius_deg) / 2.0)]


def unit_vector(position: SkyPosition) -> np.ndarray:
    ra, dec = math.radians(position.ra_deg), math.radians(position.dec_deg)
    return np.array([math.cos(dec) * math.cos(ra), math.cos(dec) * math.sin(ra), math.sin(dec)])


def record(database: AnyDatabase, positions: Sequence[SkyPosition]) -> list[CatalogEntry]:
    entries = [entry(number, at=position) for number, position in enumerate(positions, start=1)]
    with database.transaction() as records:
        for one in entries:
            records.catalog.put(one)
    return entries


def test_cones_hold_what_a_brute_force_search_finds(database: AnyDatabase) -> None:
    positions = scattered()
    entries = record(database, positions)
    n_found = 0
    with database.transaction() as records:
        for ra_deg, dec_deg, radius_deg in CONES:
            centre = SkyPosition(ra_deg=ra_deg, dec_deg=dec_deg)
            expected = {
                one.id
                for one, inside in zip(entries, inside_cone(positions, centre, radius_deg), strict=True)
                if inside
            }
            found = records.catalog.search(region=Region.cone(centre, radius_deg=radius_deg))
            assert {one.id for one in found} == expected, (ra_deg, dec_deg, radius_deg)
            assert expected, "a cone without positions proves nothing"
            n_found += len(expected)
    assert n_found > 300


def test_every_shape_holds_what_brute_force_finds(sql_url: str) -> None:
    regions = known_regions()
    places = np.concatenate([anywhere(2000), *(known.near[::8] for known in regions)])
    ra_deg, dec_deg = coordinates(places)
    entries = [
        entry(number, at=SkyPosition(ra_deg=ra, dec_deg=dec))
        for number, (ra, dec) in enumerate(zip(ra_deg.tolist(), dec_deg.tolist(), strict=True), start=1)
    ]
    engine = open_engine(sql_url)
    with engine.begin() as connection:
        connection.execute(insert(CatalogEntryRow), [CatalogEntryRow.values(one) for one in entries])
    engine.dispose()
    places = vectors(ra_deg, dec_deg)
    database = SqlDatabase(sql_url)
    n_found = 0
    with database.transaction() as records:
        for known in regions:
            region = Region.parse(known.text)
            expected = sorted(entries[number].id for number in np.flatnonzero(known.holds(places)))
            assert sorted(one.id for one in records.catalog.search(region=region)) == expected, known.text
            pages = records.catalog.pages(region=region)
            assert sorted(one.id for page in pages for one in page) == expected, known.text
            n_found += len(expected)
    database.close()
    assert n_found > 100_000
    assert asyncio.run(pages_of(sql_url, regions[::5])) == {
        known.text: [entries[number].id for number in np.flatnonzero(known.holds(places))] for known in regions[::5]
    }


async def pages_of(url: str, regions: Sequence[Known]) -> dict[str, list[UUID]]:
    """Return what the lists of the API hold, page after page."""
    reading = open_reading(url)
    found: dict[str, list[UUID]] = {}
    async with reading.reading() as connection:
        for known in regions:
            found[known.text] = []
            ask: Ask | None = Ask(limit=200)
            while ask is not None:
                page = await list_entries(connection, ask, region=Region.parse(known.text))
                found[known.text] += [one["id"] for one in page.items]
                ask = None if page.next is None else Ask(after=page.next, limit=200)
    await reading.close()
    return found


def test_a_region_of_a_thousand_ranges_is_searched(sql_database: SqlDatabase) -> None:
    region = Region.parse(f"cells({', '.join(f'7/{number}' for number in range(0, 196_608, 150))})")
    assert len(region.hpx29_ranges) > 1000
    entries = record(sql_database, scattered())
    expected = {one.id for one in entries if region.contains(one.position)}
    with sql_database.transaction() as records:
        assert {one.id for one in records.catalog.search(region=region)} == expected


def test_exposures_and_references_are_searched_by_their_centres(sql_database: SqlDatabase) -> None:
    near_pole, far_side = SkyPosition(ra_deg=10.0, dec_deg=89.9), SkyPosition(ra_deg=190.0, dec_deg=89.8)
    outside = SkyPosition(ra_deg=190.0, dec_deg=89.5)
    region = Region.cone(near_pole, radius_deg=0.31)
    with sql_database.transaction() as records:
        for number, place in enumerate((near_pole, far_side, outside), start=1):
            records.observations.add(observation(number, at=place))
            records.references.add(reference(number, version=number, at=place))
        assert [seen.position for seen in records.observations.search(region=region)] == [near_pole, far_side]
        assert [one.position for one in records.references.search(region=region)] == [near_pole, far_side]


def test_a_search_reads_the_index_not_the_table(sqlite_url: str) -> None:
    engine = open_engine(sqlite_url)
    database = SqlDatabase(sqlite_url)
    statements = searches_of(database)
    with engine.connect() as connection:
        for statement, parameters in statements:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", tuple(parameters)).all()
            steps = [step[3] for step in plan]
            assert any("USING INDEX ix_catalog_entry_hpx29" in step for step in steps), steps
            assert not any(step.startswith("SCAN catalog_entry") for step in steps), steps
    assert statements
    database.close()
    engine.dispose()


def searches_of(database: SqlDatabase) -> list[tuple[str, Sequence[object]]]:
    """Return the statements, with parameters, of one cone search."""
    seen: list[tuple[str, Sequence[object]]] = []

    def keep(*told: object) -> None:
        seen.append((str(told[2]), told[3]))  # type: ignore[arg-type]

    event.listen(Engine, "before_cursor_execute", keep)
    with database.transaction() as records:
        records.catalog.search(region=Region.parse("cone(0, 90, 1deg)"))
    event.remove(Engine, "before_cursor_execute", keep)
    return seen


def test_many_positions_are_numbered_as_each_alone() -> None:
    positions = scattered()
    expected = [None, *(position.hpx29 for position in positions), None]
    assert hpx29_of([None, *positions, None]) == expected
    assert hpx29_of([None]) == [None]
    assert hpx29_of([]) == []


def test_positions_come_back_to_the_last_bit(sql_database: SqlDatabase) -> None:
    entries = record(sql_database, scattered())
    with sql_database.transaction() as records:
        assert {one.id: one for one in records.catalog.search()} == {one.id: one for one in entries}
