"""The Dockerfile builds what docker-compose.yaml runs: pinned, byte-compiled, without root."""

import re

import pytest

from tests.architecture.repository import ROOT


@pytest.fixture(name="steps", scope="module")
def _steps() -> list[tuple[str, str]]:
    text = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(line.split(" ", 1)[0], line.split(" ", 1)[1]) for line in lines]


def test_the_base_is_pinned_and_is_the_python_of_the_lock(steps: list[tuple[str, str]]) -> None:
    instruction, base = steps[0]

    assert instruction == "FROM"
    assert re.fullmatch(r"python:3\.11\.\d+-slim-\w+", base)


def test_what_is_copied_exists_and_is_sent_to_the_builder(steps: list[tuple[str, str]]) -> None:
    sent = set((ROOT / ".dockerignore").read_text().split())
    sources = [source for step, rest in steps if step == "COPY" for source in rest.split()[:-1]]

    assert sources
    for source in sources:
        assert (ROOT / source).exists(), source
        assert f"!{source}" in sent, source


def test_the_lock_is_installed_and_compiled_by_the_same_tool_as_in_make(steps: list[tuple[str, str]]) -> None:
    commands = " ".join(rest for step, rest in steps if step == "RUN")
    (version,) = re.findall(r"^UV_VERSION := (\S+)$", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)

    assert f"uv=={version}" in commands
    assert "--compile-bytecode --requirement requirements.txt" in commands
    assert "compileall" in commands


def test_it_does_not_run_as_root(steps: list[tuple[str, str]]) -> None:
    users = [rest for step, rest in steps if step == "USER"]

    assert users == ["astrid"]
    assert [step for step, _ in steps].index("USER") > max(n for n, (step, _) in enumerate(steps) if step == "RUN")
