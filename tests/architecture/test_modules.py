"""Shape of the code: small modules, functions that fit a screen, names that say something (house.md, 2)."""

import pytest

from tests.architecture.repository import PRODUCT, ROOT, functions, modules, named

MAX_MODULE_LINES = 250
MAX_FUNCTION_LINES = 70
MAX_TEST_LINES = 350
"""A contract suite has one home, and every kind of broken file is one sentence there."""
FORBIDDEN = {"utils", "util", "helpers", "helper", "common", "base", "misc"}


def test_modules_are_short() -> None:
    limits = dict.fromkeys(modules(*PRODUCT), MAX_MODULE_LINES)
    limits |= dict.fromkeys(modules("tests", "benchmarks", "docs"), MAX_TEST_LINES)
    long = {
        named(path): n_lines
        for path, limit in limits.items()
        if (n_lines := len(path.read_text().splitlines())) > limit
    }

    assert long == {}


def test_functions_fit_a_screen() -> None:
    long = {
        f"{named(path)}:{function.lineno} {function.name}": n_lines
        for path in modules(*PRODUCT)
        for function in functions(path)
        if (n_lines := (function.end_lineno or 0) - function.lineno + 1) > MAX_FUNCTION_LINES
    }

    assert long == {}


def test_package_files_are_empty() -> None:
    filled = [named(path) for path in modules(*PRODUCT, "tests") if path.name == "__init__.py" and path.stat().st_size]

    assert filled == []


def test_no_module_is_named_for_nothing() -> None:
    names = {
        named(path)
        for path in (*modules(*PRODUCT, "tests"), *(path.parent for path in modules(*PRODUCT, "tests")))
        if path.stem in FORBIDDEN
    }

    assert names == set()


@pytest.mark.parametrize("phrase", ["TODO", "FIXME", "XXX", "except Exception", "except BaseException", "lorem ipsum"])
def test_nothing_is_left_for_later_or_swallowed(phrase: str) -> None:
    found = [named(path) for path in modules(*PRODUCT) if phrase in path.read_text()]

    assert found == []


def test_tests_mirror_the_domains() -> None:
    domains = {path.parent.name for path in modules("astrid_core") if path.name == "entities.py"}

    assert domains
    for domain in domains:
        assert list((ROOT / "tests" / domain).glob("test_*.py")), f"no test of {domain}"
