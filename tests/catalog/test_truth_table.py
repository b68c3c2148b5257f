import pytest

from astrid_core.catalog.truth import TruthRow
from astrid_core.catalog.truth_table import read_truth, write_truth
from astrid_core.shared.errors import BadConfiguration

ROWS = (
    TruthRow(
        object_id="t1",
        kind="transient",
        ra_deg=150.123456789012,
        dec_deg=-2.5,
        exposure="2026-01-20/f1_r_1.fits",
        mid_mjd=61060.123456789,
        predicted_snr=-9.25,
    ),
    TruthRow(object_id="s1", kind="star", ra_deg=0.0, dec_deg=90.0),
)


def test_a_truth_table_comes_back_as_it_was() -> None:
    assert read_truth(write_truth(ROWS)) == ROWS
    assert write_truth(ROWS) == write_truth(ROWS)


def test_an_empty_table_holds_nothing() -> None:
    assert read_truth(write_truth(())) == ()


def test_columns_that_are_not_ours_are_passed_over() -> None:
    assert read_truth(write_truth(ROWS, {"host": ["galaxy 3", ""], "flux": [1.0, 2.0]})) == ROWS


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (lambda _: "not a table", "not ECSV"),
        (lambda text: text.replace("dec_deg", "decl"), "column=dec_deg"),
        (lambda text: text.replace(" 90.0 ", " 91.0 "), "row=2"),
        (lambda text: text.replace(" 0.0 ", " nan "), "row=2"),
    ],
)
def test_a_table_that_cannot_be_used_says_where(harm, said: str) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    with pytest.raises(BadConfiguration, match=said):
        read_truth(harm(write_truth(ROWS).decode()).encode())
