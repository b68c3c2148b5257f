"""docs/science.md names the bits, extensions, header cards and columns that files really have."""

import re

from astrid_core.shared.images import MaskPlane
from tests.architecture.repository import ROOT

PAGE = (ROOT / "docs" / "science.md").read_text()
PRODUCTS = (ROOT / "astrid_core" / "differencing" / "products.py").read_text()


def test_the_bits_are_those_of_the_mask_planes() -> None:
    rows = re.findall(r"^\| (\d+) \| (\w+) \|", PAGE, flags=re.MULTILINE)

    assert {name: int(bit) for bit, name in rows} == {plane.name: plane.value for plane in MaskPlane}


def test_header_cards_are_written() -> None:
    (paragraph,) = re.findall(r"The primary header holds.*?\n\n", PAGE, flags=re.DOTALL)
    cards = set(re.findall(r"\b[A-Z]{6,8}\b", paragraph))

    assert len(cards) > 8
    assert {card for card in cards if f'"{card}"' not in PRODUCTS} == set()


def test_extensions_are_written() -> None:
    (table,) = re.findall(r"\| Extension \|.*?\n\n", PAGE, flags=re.DOTALL)
    names = re.findall(r"\b[A-Z]{3,}\b(?=[, |])", re.sub(r"\|[^|]*\|[^|]*\|$", "|", table, flags=re.MULTILINE))

    assert {"DIFFERENCE", "SCORE", "VARIANCE", "MASK", "PSF", "SCIENCE", "REFERENCE", "FLUXERR"} == set(names)
    assert {name for name in names if f'"{name}"' not in PRODUCTS} == set()


def test_candidate_columns_are_written() -> None:
    (sentence,) = re.findall(r"`candidates.ecsv`: (.*?); strongest first", PAGE, flags=re.DOTALL)
    columns = set(re.findall(r"\b(?:\w+_(?:deg|pix)|score|flux|flux_err|chi2|ellipticity|flags)\b", sentence))

    assert len(columns) == 13
    assert {column for column in columns if f'"{column}"' not in PRODUCTS} == set()
