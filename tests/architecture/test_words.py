"""One word, one meaning: the glossary and the classes of the library agree (house.md, 4)."""

import re

from tests.architecture.repository import ROOT, base_names, classes, modules, named

_ROW = re.compile(r"^\| `(\w+)` \|", flags=re.MULTILINE)
_NO_NOUN = {"Enum", "StrEnum", "IntFlag", "Protocol"}


def glossary() -> list[str]:
    return _ROW.findall((ROOT / "docs" / "glossary.md").read_text())


def test_every_word_of_the_glossary_is_a_class_of_one_domain() -> None:
    homes: dict[str, list[str]] = {word: [] for word in glossary()}
    for path in modules("astrid_core"):
        for node in classes(path):
            if node.name in homes:
                homes[node.name].append(named(path))

    assert len(homes) > 15
    assert {word: where for word, where in homes.items() if len(where) != 1} == {}


def test_every_entity_is_in_the_glossary() -> None:
    entities = {
        node.name
        for path in modules("astrid_core")
        if path.name == "entities.py"
        for node in classes(path)
        if not base_names(node) & _NO_NOUN
    }

    assert entities
    assert entities - set(glossary()) == set()


def test_the_glossary_explains_each_word_once() -> None:
    words = glossary()

    assert len(words) == len(set(words))
