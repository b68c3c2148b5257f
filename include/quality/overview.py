"""Every recent check on one page that needs no other file, as those of Great Expectations do."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, select_autoescape

from include.quality.places import PAGES, RESULTS

_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent), autoescape=select_autoescape(), trim_blocks=True, lstrip_blocks=True
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One table that was held against its suite."""

    table: str
    about: str
    at: str
    """UTC, to the second."""
    n_expectations: int
    failed: tuple[str, ...]
    """What was expected of which column, and how many rows are otherwise."""
    page: str
    """Of Great Expectations, from the folder of its pages."""


def rule(kind: str, about: Mapping[str, object]) -> str:
    """Return an expectation as people say it."""
    words = kind.removeprefix("expect_column_").replace("_", " ")
    limits = ", ".join(f"{name}={value}" for name, value in sorted(about.items()) if value is not None)
    return f"{words} ({limits})" if limits else words


def read_checks(docs: Path) -> tuple[Check, ...]:
    """Return the checks whose results lie in ``docs``, newest first."""
    found = (_check(path, docs / RESULTS) for path in (docs / RESULTS).rglob("*.json"))
    return tuple(sorted((one for one in found if one is not None), key=lambda check: check.at, reverse=True))


def overview(checks: Sequence[Check]) -> str:
    """Return the page."""
    return _TEMPLATES.get_template("overview.html").render(checks=checks, pages=PAGES)


def _check(path: Path, results: Path) -> Check | None:
    """Return what a file tells; None for one that is being written or was removed meanwhile."""
    try:
        told = json.loads(path.read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return None
    return Check(
        table=told["suite_name"],
        about=told["meta"]["run_id"]["run_name"],
        at=told["meta"]["run_id"]["run_time"][:19].replace("T", " "),
        n_expectations=told["statistics"]["evaluated_expectations"],
        failed=tuple(_failure(one) for one in told["results"] if not one["success"]),
        page=f"validations/{path.relative_to(results).with_suffix('.html').as_posix()}",
    )


def _failure(result: Mapping[str, Any]) -> str:
    config = result["expectation_config"]
    about = {name: value for name, value in config["kwargs"].items() if name != "batch_id"}
    columns = [str(about.pop(key)) for key in ("column", "column_A", "column_B") if key in about]
    counted = result["result"]
    rows = f"{counted.get('unexpected_count', 0)} of {counted['element_count']} rows" if counted else "no row counted"
    return f"{' and '.join(columns)}: {rule(config['type'], about)}: {rows} are not"
