import pytest

from astrid_core.catalog.truth import TruthRow
from astrid_core.catalog.truth_table import ExtraColumn, read_truth, write_truth
from astrid_core.shared.errors import BadConfiguration

ROWS = (
    TruthRow(
        object_id="sn-1",
        kind="transient",
        ra_deg=10.1234567,
        dec_deg=-5.7654321,
        exposure="2024-03-17/field1_r_1.fits",
        mid_mjd=60387.123456,
        predicted_snr=-12.345,
    ),
    TruthRow(object_id="star-1", kind="star", ra_deg=359.9999999, dec_deg=89.5),
)

BY_HAND = """# %ECSV 1.0
# ---
# datatype:
# - {name: object_id, datatype: string}
# - {name: kind, datatype: string}
# - {name: ra_deg, unit: hourangle, datatype: float64}
# - {name: dec_deg, datatype: float64}
object_id kind ra_deg dec_deg
SN2007I transient 12.0 -1.60521
"""


def test_what_was_written_is_read_again() -> None:
    assert read_truth(write_truth(ROWS)) == ROWS


def test_equal_rows_give_equal_bytes_and_no_rows_give_none() -> None:
    assert write_truth(ROWS) == write_truth(ROWS)
    assert read_truth(write_truth(())) == ()


def test_columns_for_people_do_not_disturb_the_reader() -> None:
    extra = {
        "mag_ab": ExtraColumn(description="AB magnitude", unit="mag", values=(21.5, None)),
        "host_id": ExtraColumn(description="Its galaxy", values=("galaxy-3", None)),
    }
    content = write_truth(ROWS, extra)
    assert b"galaxy-3" in content
    assert b"unit: mag" in content
    assert read_truth(content) == ROWS


def test_a_table_by_hand_needs_four_columns_and_may_use_its_own_units() -> None:
    (row,) = read_truth(BY_HAND.encode())
    assert (row.object_id, row.kind, row.dec_deg) == ("SN2007I", "transient", -1.60521)
    assert row.ra_deg == pytest.approx(180.0)
    assert (row.exposure, row.mid_mjd, row.predicted_snr) == (None, None, None)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("dec_deg", "delta", "column=dec_deg"),
        ("-1.60521", "-91.0", "dec_deg=-91"),
        ("-1.60521", '""', "row=1"),
        ("SN2007I", '""', "column=object_id, row=1"),
        ("unit: hourangle", "unit: kg", "column=ra_deg"),
        ("# %ECSV 1.0\n", "", "no ECSV"),
        ("SN2007I transient", "SN2007I", "no ECSV"),
        ("- {name: kind, datatype: string}", "- {name: kind, datatype: [", "no ECSV"),
    ],
)
def test_a_table_that_cannot_be_used_says_where(old: str, new: str, says: str) -> None:
    with pytest.raises(BadConfiguration, match=says):
        read_truth(BY_HAND.replace(old, new).encode())


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(BadConfiguration, match="no ECSV"):
        read_truth(b"\xff\xfe\x00SIMPLE")


def test_numbers_that_are_none_become_none() -> None:
    text = BY_HAND.replace(
        "datatype: float64}\nobject_id", "datatype: float64}\n# - {name: predicted_snr, datatype: float64}\nobject_id"
    )
    text = text.replace("ra_deg dec_deg\n", "ra_deg dec_deg predicted_snr\n").replace("-1.60521", "-1.60521 nan")
    assert read_truth(text.encode())[0].predicted_snr is None
