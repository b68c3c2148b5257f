"""The files of this repository, as the tests of its architecture look at them."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = ("astrid_core", "dags", "include", "plugins")
"""The packages that run in production."""


def modules(*packages: str) -> tuple[Path, ...]:
    """Return the Python files of these top-level folders."""
    return tuple(sorted(path for package in packages for path in (ROOT / package).rglob("*.py")))


@cache
def tree(path: Path) -> ast.Module:
    """Return the syntax tree of a file."""
    return ast.parse(path.read_text(), filename=str(path))


def classes(path: Path) -> Iterator[ast.ClassDef]:
    """Yield the classes at the top level of a file."""
    return (node for node in tree(path).body if isinstance(node, ast.ClassDef))


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Yield every function and method of a file."""
    return (node for node in ast.walk(tree(path)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def base_names(node: ast.ClassDef) -> frozenset[str]:
    """Return the names of the base classes, without what is in brackets behind them."""
    plain = (base.value if isinstance(base, ast.Subscript) else base for base in node.bases)
    return frozenset(ast.unparse(base).rsplit(".", 1)[-1] for base in plain)


def pages() -> tuple[Path, ...]:
    """Return every page of documentation."""
    return (ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md")))


def named(path: Path) -> str:
    """Return the path as people write it."""
    return path.relative_to(ROOT).as_posix()
