import csv
import io

import pytest
from astropy.table import Table

from astrid_core.catalog.config import ExportConfig
from astrid_core.catalog.export import export_bytes, select
from tests.catalog.invented import light_curve, measured

FIRST, FIRST_POINTS = light_curve(1, measured("a:1"), measured("b:1", mid_mjd=60372.0, mag_ab=None))
SECOND, SECOND_POINTS = light_curve(2, measured("a:2", centre=(10.0, -5.0)))
ENTRIES = select([FIRST, SECOND], ExportConfig())
FILES = export_bytes(ENTRIES, [*FIRST_POINTS, *SECOND_POINTS])


def read(content: bytes) -> Table:
    return Table.read(io.BytesIO(content), format="ascii.ecsv")


def test_the_same_objects_in_any_order_give_the_same_bytes() -> None:
    again = export_bytes(select([SECOND, FIRST], ExportConfig()), [*SECOND_POINTS, *FIRST_POINTS[::-1]])
    assert again == FILES
    assert sorted(FILES) == ["catalog.csv", "catalog.ecsv", "light_curves.csv", "light_curves.ecsv"]


def test_ecsv_carries_values_units_meanings_and_ucds() -> None:
    catalog = read(FILES["catalog.ecsv"])
    assert list(catalog["entry_id"]) == [str(entry.id) for entry in ENTRIES]
    assert catalog["ra_deg"].unit == "deg"
    assert catalog["ra_deg"].meta["ucd"] == "pos.eq.ra;meta.main"
    assert all(catalog[name].description for name in catalog.colnames)
    assert sorted(catalog["n_detections"]) == [1, 2]


def test_a_missing_magnitude_is_missing_not_zero() -> None:
    points = read(FILES["light_curves.ecsv"])
    by_detection = {row["detection_id"]: row for row in points}
    assert by_detection["a:1"]["mag_ab"] == pytest.approx(21.5)
    assert points["mag_ab"].mask[list(points["detection_id"]).index("b:1")]
    rows = {row["detection_id"]: row for row in csv.DictReader(io.StringIO(FILES["light_curves.csv"].decode()))}
    assert rows["b:1"]["mag_ab"] == ""
    assert rows["a:1"]["mag_ab"] == "21.5000"


def test_an_empty_catalog_gives_tables_without_rows() -> None:
    files = export_bytes([], [])
    assert len(files["catalog.csv"].decode().splitlines()) == 1
    assert len(read(files["light_curves.ecsv"])) == 0


def test_points_of_objects_that_are_left_out_are_left_out() -> None:
    entries = select([FIRST, SECOND], ExportConfig(min_detections=2))
    assert entries == (FIRST,)
    assert "a:2" not in export_bytes(entries, [*FIRST_POINTS, *SECOND_POINTS])["light_curves.csv"].decode()
