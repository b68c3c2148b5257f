"""The page of the data model is what the rows say today."""

import re

from astrid_core.adapters.db.rows.every import TABLES
from astrid_core.adapters.db.rows.injected import InjectedSeedRow
from astrid_core.adapters.db.rows.observations import ObservationRow
from astrid_core.adapters.db.rows.preprocessing import PreprocessRunRow
from astrid_core.observations.entities import Observation
from docs import data_model
from docs.data_model_picture import depths


def test_the_page_of_the_data_model_is_fresh() -> None:
    assert data_model.write() == data_model.PAGE.read_text(), "run: python -m docs.data_model"


def test_the_picture_of_the_data_model_is_fresh() -> None:
    assert data_model.draw() == data_model.PICTURE.read_text(), "run: python -m docs.data_model"


def test_every_table_has_a_section_and_every_foreign_key_a_line() -> None:
    page = data_model.write()
    keys = [key for table in TABLES.tables.values() for key in table.foreign_key_constraints]

    assert sorted(re.findall(r"^### (\w+)$", page, flags=re.MULTILINE)) == sorted(TABLES.tables)
    assert len(re.findall(r"--o\{", page)) == len(keys)
    assert data_model.draw().count("<path ") == len(keys)


def test_a_column_is_explained_by_the_field_that_it_holds() -> None:
    observation = data_model.held_by(ObservationRow)
    preparation = data_model.held_by(PreprocessRunRow)

    assert observation["ra_deg"] == ("position", "ra_deg")
    assert data_model.meaning(Observation, observation["ra_deg"]).startswith("Centre of the frame.")
    # Through the name that the method gives to a part, and through a function that makes several columns.
    assert preparation["quality_fwhm_pix"] == ("quality", "fwhm_pix")
    assert preparation["image_n_bytes"] == ("image", "n_bytes")
    assert data_model.copied_by(InjectedSeedRow)["flux"] == "As in `candidate`."


def test_a_column_that_holds_no_field_has_its_own_words_or_none() -> None:
    page = data_model.write()

    assert "| `companions` | text | yes |  | `companions` | Role, digest and archive_id of each map" in page
    assert data_model.held_by(ObservationRow).keys() <= {one.name for one in ObservationRow.__table__.columns}


def test_tables_stand_right_of_all_that_they_point_to() -> None:
    placed = depths(list(TABLES.tables.values()))

    for table in TABLES.tables.values():
        for key in table.foreign_key_constraints:
            assert key.referred_table is table or placed[key.referred_table.name] < placed[table.name]
