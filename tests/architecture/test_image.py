"""The Dockerfile builds what docker-compose.yaml runs: pinned, in stages, byte-compiled, without root or tools."""

import json
import re
import tomllib
from importlib.metadata import distributions

import pytest
from packaging.requirements import Requirement

from include.sbom import bill
from tests.architecture.repository import ROOT

EXTRA = ROOT / "include" / "deploy" / "requirements-extra.txt"
DEBIAN = """Package: libc6
Status: install ok installed
Architecture: amd64
Version: 2.36-9+deb12u10

Package: gone
Status: deinstall ok config-files
Architecture: amd64
Version: 1.0
"""


@pytest.fixture(name="steps", scope="module")
def _steps() -> list[tuple[str, str]]:
    text = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(line.split(" ", 1)[0], line.split(" ", 1)[1]) for line in lines]


def _pins(text: str) -> dict[str, str]:
    return dict(re.findall(r"^([A-Za-z0-9._-]+)==([^\s;]+)", text, flags=re.MULTILINE))


def test_the_base_is_pinned_and_is_the_python_of_the_lock(steps: list[tuple[str, str]]) -> None:
    (base,) = (rest.removeprefix("PYTHON=") for step, rest in steps if step == "ARG" and rest.startswith("PYTHON="))

    assert re.fullmatch(r"python:3\.11\.\d+-slim-\w+", base)
    assert [rest for step, rest in steps if step == "FROM"] == ["${PYTHON} AS build", "${PYTHON} AS run"]


def test_what_is_copied_exists_and_is_sent_to_the_builder(steps: list[tuple[str, str]]) -> None:
    sent = set((ROOT / ".dockerignore").read_text().split())
    copied = [rest.split() for step, rest in steps if step == "COPY" and "--from" not in rest]
    sources = [source for words in copied for source in words[:-1]]

    assert sources
    for source in sources:
        assert (ROOT / source).exists(), source
        assert f"!{source.split('/')[0]}" in sent, source


def test_the_locks_limit_what_is_installed_by_the_same_tool_as_in_make(steps: list[tuple[str, str]]) -> None:
    commands = " ".join(rest for step, rest in steps if step == "RUN")
    (version,) = re.findall(r"^UV_VERSION := (\S+)$", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)

    assert f"uv=={version}" in commands
    assert "--compile-bytecode" in commands
    assert "--constraint requirements.txt --constraint include/deploy/requirements-extra.txt" in " ".join(
        commands.split()
    )
    assert "compileall" in commands
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert set(re.findall(r"--extra (\w+)", commands)) == set(extras) - {"dev"}


def test_the_second_lock_adds_to_the_first_and_changes_nothing_of_it() -> None:
    first, second = _pins((ROOT / "requirements.txt").read_text()), _pins(EXTRA.read_text())
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]

    assert not set(first) & set(second)
    for wanted in (one for name, some in extras.items() if name != "dev" for one in some):
        needed = Requirement(wanted)
        assert needed.specifier.contains((first | second)[needed.name]), wanted


def test_what_runs_is_not_root_and_was_built_elsewhere(steps: list[tuple[str, str]]) -> None:
    second = max(n for n, (step, _) in enumerate(steps) if step == "FROM")
    run = steps[second:]

    assert [rest for step, rest in run if step == "USER"] == ["10001"]
    assert [step for step, _ in run].index("USER") > max(n for n, (step, _) in enumerate(run) if step == "RUN")
    # No compiler, no package manager of ours, nothing from the network behind the first stage.
    assert not re.search(r"\bpip\b|\buv\b|apt", " ".join(rest for step, rest in run if step == "RUN"))
    (environment,) = (rest for step, rest in run if step == "ENV")
    assert {"HOME=/tmp", "PYTHONDONTWRITEBYTECODE=1"} <= set(environment.split())


def test_the_bill_of_materials_names_every_part_once() -> None:
    made = bill(distributions(), DEBIAN)
    purls = [part["purl"] for part in made["components"]]

    assert (made["bomFormat"], made["specVersion"]) == ("CycloneDX", "1.6")
    assert len(set(purls)) == len(purls) > 100
    assert "pkg:deb/debian/libc6@2.36-9+deb12u10?arch=amd64" in purls
    assert not any("gone" in purl for purl in purls)
    assert any(purl.startswith("pkg:pypi/apache-airflow@") for purl in purls)
    assert json.dumps(made) == json.dumps(bill(distributions(), DEBIAN))
