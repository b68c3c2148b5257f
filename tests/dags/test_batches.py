from itertools import chain

import pytest

from include.batches import MAX_BATCHES, batches


@pytest.mark.parametrize(("n_items", "n_batches"), [(0, 0), (1, 1), (2, 2), (7, 4), (101, 5), (30_000, MAX_BATCHES)])
def test_items_keep_their_order_in_even_batches(n_items: int, n_batches: int) -> None:
    items = [f"demo:{number}.fits" for number in range(n_items)]
    cut = batches(items, n_slots=4, name="exposures")
    assert len(cut) == n_batches
    assert [*chain.from_iterable(batch["items"] for batch in cut)] == items
    sizes = [len(batch["items"]) for batch in cut]
    assert not sizes or max(sizes) - min(sizes) <= 1


@pytest.mark.parametrize(("n_items", "n_batches"), [(0, 0), (1, 1), (39, 1), (40, 2), (300, 12)])
def test_batches_hold_what_makes_them_worth_their_start(n_items: int, n_batches: int) -> None:
    items = [f"demo:{number}.fits" for number in range(n_items)]
    cut = batches(items, n_slots=7, name="exposures", least=20)
    assert len(cut) == n_batches
    assert all(len(batch["items"]) >= min(20, n_items) for batch in cut)


def test_a_batch_is_called_after_its_place() -> None:
    assert [batch["label"] for batch in batches(["a", "b", "c"], n_slots=2, name="exposures")] == [
        "exposures 1-1",
        "exposures 2-3",
    ]
