"""Write docs/settings.md from the code: ``python -m docs.settings``. A test writes it again and compares."""

import ast
import dataclasses
import importlib
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

from pydantic import SecretStr

from astrid_core.settings import Settings

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "settings.md"

_HEAD = """# Settings

Written by `python -m docs.settings` from the classes named below; edit those, not this page.

## Where things are

Environment variables, read once when a process opens its services (`astrid_core/settings.py`).

"""
_SCIENCE = """
## What the science does

Keys of [`include/config/pipeline.toml`](../include/config/pipeline.toml), one table per stage; an unknown table or key
is refused. Every value is part of the key of the runs it decides: change one, and exactly the runs that depend on it
are done again. **Value** is what is in force: from the file, or the default of the class.
"""


def write() -> str:
    """Return the page; equal code gives equal text."""
    lines = [_HEAD + "| Variable | Default | Meaning |\n|---|---|---|"]
    meanings = _meanings(ROOT / "astrid_core" / "settings.py", "Settings")
    for name, field in Settings.model_fields.items():
        lines.append(f"| `ASTRID_{name.upper()}` | {_shown(field.default)} | {meanings.get(name, '')} |")
    lines.append(_SCIENCE)
    tables = tomllib.loads((ROOT / "include" / "config" / "pipeline.toml").read_text())
    for table, module, kind in stage_configs():
        lines += _config_lines(table, module, kind, tables.get(table, {}))
    return "\n".join(lines)


def _config_lines(table: str, module: str, kind: str, given: Mapping[str, object]) -> list[str]:
    """Return the section of a table and, after it, those of the tables inside it."""
    path = ROOT / (module.replace(".", "/") + ".py")
    config = getattr(importlib.import_module(module), kind)
    meanings = _meanings(path, kind)
    lines = [f"### [{table}]\n\n`{kind}` in `{path.relative_to(ROOT)}`.\n", "| Key | Value | Meaning |\n|---|---|---|"]
    inner: list[str] = []
    for field in dataclasses.fields(config):
        value = given.get(field.name, getattr(config(), field.name))
        if dataclasses.is_dataclass(value) or isinstance(value, Mapping):
            part = type(getattr(config(), field.name))
            inside = value if isinstance(value, Mapping) else {}
            inner += _config_lines(f"{table}.{field.name}", part.__module__, part.__name__, inside)
        else:
            lines.append(f"| `{field.name}` | {_shown(value)} | {meanings.get(field.name, '')} |")
    return [*lines, "", *inner]


def stage_configs() -> Iterator[tuple[str, str, str]]:
    """Yield table, module and class of the settings of each stage, as ``bootstrap.Pipeline`` lists them."""
    # Read rather than imported: bootstrap brings every adapter along.
    tree = ast.parse((ROOT / "astrid_core" / "bootstrap.py").read_text())
    homes = {alias.name: node.module for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    (pipeline,) = (node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "Pipeline")
    for node in pipeline.body:
        if isinstance(node, ast.AnnAssign):
            kind = ast.unparse(node.annotation)
            yield ast.unparse(node.target), str(homes[kind]), kind


def _meanings(path: Path, kind: str) -> dict[str, str]:
    """Return what the strings behind the fields of a class say."""
    tree = ast.parse(path.read_text())
    (found,) = (node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == kind)
    meanings = {}
    for field, text in zip(found.body, found.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant):
            meanings[ast.unparse(field.target)] = _plain(str(text.value.value))
    return meanings


def _plain(text: str) -> str:
    """Return a docstring as the cell of a table."""
    return " ".join(text.split()).replace("``", "`").replace("<", "&lt;").replace("|", r"\|")


def _shown(value: object) -> str:
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if isinstance(value, Path):
        value = value.relative_to(ROOT) if value.is_absolute() else value
    if isinstance(value, list | tuple):
        return ", ".join(" ".join(map(str, one)) if isinstance(one, list | tuple) else f"`{one}`" for one in value)
    return "" if value in ("", None) else f"`{str(value).lower() if isinstance(value, bool) else value}`"


if __name__ == "__main__":
    PAGE.write_text(write())
