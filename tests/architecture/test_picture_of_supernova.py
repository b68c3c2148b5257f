"""The picture in the README is of a real result, and its program still finds it."""

import io
import os
from pathlib import Path

import pytest
from PIL import Image

from docs import supernova
from tests.architecture.repository import ROOT

PAIR = Path(os.environ.get("ASTRID_REAL_DATA", ROOT.parent / "shared" / "data")) / "pair-sn2007i"


@pytest.mark.real
@pytest.mark.skipif(not PAIR.is_dir(), reason=f"the real pair is not at {PAIR}; set ASTRID_REAL_DATA")
def test_the_supernova_is_found_and_drawn(tmp_path: Path) -> None:
    found, product = supernova.find(PAIR, tmp_path)

    assert float(found["x_pix"]) == pytest.approx(499.0, abs=2.0)
    assert float(found["y_pix"]) == pytest.approx(501.0, abs=2.0)
    assert float(found["score"]) > 7.5
    with Image.open(io.BytesIO(supernova.picture(found, product))) as drawn, Image.open(supernova.PICTURE) as kept:
        assert drawn.size == kept.size


def test_the_readme_shows_it_with_its_sources() -> None:
    text = (ROOT / "README.md").read_text()

    assert f"]({supernova.PICTURE.relative_to(ROOT).as_posix()})" in text
    assert "Pan-STARRS1" in text
    assert "ESO" in text
