"""What changed between two extracts is found by row and by column, and nothing else is."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from astrid_core.catalog.entities import CatalogEntry, EntryStatus
from astrid_core.catalog.exports import compare as module
from astrid_core.catalog.exports.compare import Change, Difference, RowChange, compare
from tests.catalog.frozen import freeze, invented


def changes(
    folder: Path, before: Sequence[CatalogEntry], after: Sequence[CatalogEntry]
) -> tuple[list[RowChange], Difference]:
    old, *_ = freeze(folder / "before", before, [])
    new, *_ = freeze(folder / "after", after, [])
    found = Difference()
    return list(compare(old.path, new.path, key=["entry_id"], found=found)), found


@pytest.mark.parametrize("at_once", [100_000, 7])
def test_gained_lost_and_changed_rows_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: int) -> None:
    monkeypatch.setattr(module, "_ROWS_AT_ONCE", at_once)
    objects, _ = invented(30)
    judged = replace(objects[4], status=EntryStatus.CONFIRMED, n_detections=3)
    after = [*objects[:4], judged, *objects[6:]]
    found, counts = changes(tmp_path, objects[1:], after)

    by_key = {one.key: one for one in found}
    assert by_key == {
        str(objects[0].id): RowChange(key=str(objects[0].id), change=Change.GAINED),
        str(objects[5].id): RowChange(key=str(objects[5].id), change=Change.LOST),
        str(judged.id): RowChange(
            key=str(judged.id), change=Change.CHANGED,
            cells={"status": ("candidate", "confirmed"), "n_detections": (2, 3)},
        ),
    }  # fmt: skip
    assert counts.n_same == 27
    assert counts.n_by_change == {"gained": 1, "lost": 1, "changed": 1}
    assert counts.n_by_column == {"status": 1, "n_detections": 1}


def test_an_object_that_moved_across_the_sky_is_the_same_object(tmp_path: Path) -> None:
    objects, _ = invented(10)
    moved = replace(objects[0], position=objects[9].position)
    found, _ = changes(tmp_path, objects, [*objects[1:], moved])
    (one,) = found
    assert one.change is Change.CHANGED
    assert set(one.cells) == {"ra_deg", "dec_deg", "hpx29"}


def test_the_same_state_differs_in_nothing(tmp_path: Path) -> None:
    objects, _ = invented(10)
    assert changes(tmp_path, objects, objects)[0] == []


def test_a_column_that_came_later_is_named_and_not_compared(tmp_path: Path) -> None:
    objects, _ = invented(10)
    table, *_ = freeze(tmp_path / "now", objects, [])
    earlier = tmp_path / "earlier.parquet"
    pq.write_table(pq.read_table(table.path).drop_columns(["hpx29"]), earlier)
    found = Difference()
    assert list(compare(earlier, table.path, key=["entry_id"], found=found)) == []
    assert (found.columns_gained, found.columns_lost, found.n_same) == (("hpx29",), (), 10)
