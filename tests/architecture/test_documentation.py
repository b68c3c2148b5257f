"""What the pages say is what the code does: pictures and tables are fresh, commands and links exist."""

import argparse
import re
import shlex
import tomllib
from pathlib import Path

import pytest

from astrid_core.cli.main import build_parser
from docs import architecture, catalog, settings
from tests.architecture.repository import ROOT, named, pages

_CODE_PATH = re.compile(r"`((?:astrid_core|dags|docs|include|plugins|tests|benchmarks)/[\w./-]*)`")
_LINK = re.compile(r"(?<!`)\[[^\]]*\]\(([^)\s]+)\)")
_MAKE = re.compile(r"\bmake ([a-z-]+)")


def commands() -> dict[str, argparse.ArgumentParser]:
    (choose,) = (one for one in build_parser()._actions if isinstance(one, argparse._SubParsersAction))
    return dict(choose.choices)


def test_the_architecture_picture_is_fresh() -> None:
    assert architecture.draw() == architecture.PICTURE.read_text(), "run: python -m docs.architecture"


def test_the_architecture_picture_shows_every_part_of_the_library() -> None:
    parts = {
        path.stem for path in (ROOT / "astrid_core").iterdir() if path.suffix == ".py" or (path / "ports.py").exists()
    }

    for part in parts - {"__init__"}:
        assert f">{part}</text>" in architecture.PICTURE.read_text()


def test_the_page_of_the_catalog_is_fresh() -> None:
    assert catalog.write() == catalog.PAGE.read_text(), "run: python -m docs.catalog"


def test_every_stage_of_a_night_records_something() -> None:
    stages = (ROOT / "astrid_core" / "stages").glob("*.py")
    silent = [path.stem for path in stages if architecture.is_stage(path) and not architecture.stage_records(path)]

    # The registry and the event log, not a table of ours, record models, what is decided about them and how they did;
    # what reconcile finds is recorded by ingest, what the breaker sets aside by lifecycle, masters by record_master.
    # The answers of people change a status, or are events. What publish and remeasure change is written by objects,
    # what heavy computes by the stages that it names.
    assert sorted(silent) == [
        "acceptance", "breaker", "calibrations", "explain", "gate", "heavy", "promote", "publish", "reconcile",
        "release", "remeasure", "track", "train",
    ]  # fmt: skip


def test_the_settings_page_is_fresh() -> None:
    assert settings.write() == settings.PAGE.read_text(), "run: python -m docs.settings"


def test_every_setting_says_what_it_means() -> None:
    unexplained = [line for line in settings.write().splitlines() if re.fullmatch(r"\| `.*\|  \|", line)]

    assert unexplained == []


@pytest.mark.parametrize("name", sorted(commands()))
def test_every_command_is_documented_with_all_its_options(name: str) -> None:
    page = (ROOT / "docs" / "commands.md").read_text()
    (section,) = re.findall(rf"^## `astrid {name}`\n(.*?)(?=^## |\Z)", page, flags=re.MULTILINE | re.DOTALL)

    for action in commands()[name]._actions:
        for option in action.option_strings[-1:]:
            assert option == "--help" or f"`{option}" in section, f"astrid {name} {option}"


def test_no_command_is_documented_that_does_not_exist() -> None:
    page = (ROOT / "docs" / "commands.md").read_text()

    assert set(re.findall(r"^## `astrid (\S+)`$", page, flags=re.MULTILINE)) == set(commands())
    for path in pages():
        for name in re.findall(r"\bastrid ([a-z]+)(?= --| -v|`| \[)", path.read_text()):
            assert name in commands(), f"{named(path)}: astrid {name}"


def test_commands_that_are_shown_parse(capsys: pytest.CaptureFixture[str]) -> None:
    parser, shown = build_parser(), [(path, line) for path in pages() for line in _shown_commands(path.read_text())]

    wrong = []
    for path, line in shown:
        try:
            parser.parse_args(shlex.split(line))
        except SystemExit:
            wrong.append(f"{named(path)}: astrid {line}: {capsys.readouterr().err.splitlines()[-1]}")
    assert wrong == []
    assert len([path for path, _ in shown if path.parent.name == "first-hour"]) > 20


@pytest.mark.parametrize("path", pages(), ids=named)
def test_links_lead_somewhere(path: Path) -> None:
    for target in _LINK.findall(path.read_text()):
        if "://" in target or target.startswith("mailto:"):
            continue
        file, _, anchor = target.partition("#")
        place = (path.parent / file).resolve() if file else path
        assert place.exists(), f"{named(path)}: {target}"
        assert not anchor or anchor in anchors(place), f"{named(path)}: {target}"


@pytest.mark.parametrize("path", pages(), ids=named)
def test_paths_and_make_targets_exist(path: Path) -> None:
    text = path.read_text()
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))

    assert [found for found in _CODE_PATH.findall(text) if not (ROOT / found).exists()] == []
    code = "\n".join(re.findall(r"`[^`]+`|^    .*$", text, flags=re.MULTILINE))
    assert set(_MAKE.findall(code)) <= targets


def test_every_page_can_be_reached_from_the_readme() -> None:
    seen: set[Path] = set()
    waiting = [ROOT / "README.md", ROOT / "CHANGELOG.md"]
    while waiting:
        page = waiting.pop()
        seen.add(page)
        links = [(page.parent / target.partition("#")[0]).resolve() for target in _LINK.findall(page.read_text())]
        waiting += [link for link in links if link.suffix == ".md" and link.is_file() and link not in seen]

    assert {named(page) for page in set(pages()) - seen} == set()


def test_every_decision_has_context_choice_and_cost() -> None:
    decisions = sorted((ROOT / "docs" / "decisions").glob("*.md"))

    assert [path.name[:4] for path in decisions] == [f"{n:04d}" for n in range(1, len(decisions) + 1)]
    for path in decisions:
        assert re.findall(r"^## (\w+)$", path.read_text(), flags=re.MULTILINE) == ["Context", "Choice", "Cost"], path


def test_the_changelog_begins_with_this_version() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    headings = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), flags=re.MULTILINE)

    assert headings[0] == version


def _shown_commands(text: str) -> list[str]:
    """Return the arguments of every call of astrid in the code of a page, without what a shell does around it."""
    found = re.findall(
        r"^    (?:\$ )?(?:\w+=\$\()?(?:\.venv/bin/)?astrid (?!\w+:)((?:[^#;|)\n\"']|\"[^\"\n]*\"|'[^'\n]*')+)",
        text,
        flags=re.MULTILINE,
    )
    return [line.strip() for line in found]


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
