"""Write docs/data-model.md and docs/diagrams/data-model.svg from the tables: ``python -m docs.data_model``.

What a column means is said once, at the field of the entity that it holds (or at the column, where it holds no field):
``values`` of the row tells which field that is. A test writes both again and compares.
"""

import ast
import dataclasses
import importlib
import inspect
import types
import typing
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum, StrEnum
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import Column, Table, UniqueConstraint

from astrid_core.adapters.db.rows import every
from astrid_core.adapters.db.rows.table import Row
from docs import data_model_picture as picture

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "data-model.md"
PICTURE = ROOT / "docs" / "diagrams" / "data-model.svg"

_HEAD = """# The data model

Written by `python -m docs.data_model` from the rows in `astrid_core/adapters/db/rows`; edit those, and the entities
that they hold, not this page. What the nouns mean is in the [glossary](glossary.md), where else something is remembered
in [architecture](architecture.md#four-kinds-of-memory).

![Tables and foreign keys](diagrams/data-model.svg)

*Left to right as rows point: each table stands right of all that its foreign keys name. Loops are keys into the same
table. Colours are domains.*

The same tables are in SQLite and in PostgreSQL, made by the migrations in `astrid_core/adapters/db/migrations`. Rows of
the log and verdicts are never changed ([the log](operations.md#the-log)); pixels are not in here, but the digests of
artifacts that hold them, with type and size. In the tables below **Key** tells `PK` (primary key), `FK` (and what it
names), `UK` (unique) and `index`; **Holds** is the field of the entity.
"""


def write() -> str:
    """Return the page; equal code gives equal text."""
    parts = [_HEAD]
    for domain, rows in by_domain().items():
        parts.append(f"## {domain}\n\n{_diagram(rows)}\n")
        parts += [_section(row) for row in rows]
    return "\n".join(parts)


def draw() -> str:
    """Return the picture as SVG text; equal code gives equal text."""
    domains = {domain: [table_of(row) for row in rows] for domain, rows in by_domain().items()}
    return picture.draw(domains)


def by_domain() -> Mapping[str, Sequence[type[Row]]]:
    """Return the rows of each domain in the order of their names; the domains as data come to be."""
    assert every.TABLES.tables  # noqa: S101 - importing it has declared every row
    rows = sorted((mapper.class_ for mapper in Row.registry.mappers), key=lambda row: row.__tablename__)
    found: dict[str, list[type[Row]]] = {}
    for row in rows:
        found.setdefault(domain_of(row), []).append(row)
    order = ("observations", "preprocessing", "differencing", "detection", "curation", "catalog", "alerts", "shared")
    return {domain: found.pop(domain) for domain in order if domain in found} | found


def table_of(row: type[Row]) -> Table:
    """Return the table of a row."""
    return typing.cast("Table", row.__table__)


def domain_of(row: type[Row]) -> str:
    """Return the domain whose entity a row holds; of one without an entity, what its module imports most from."""
    entity = entity_of(row)
    if entity is not None:
        return entity.__module__.split(".")[1]
    imported = (
        str(node.module).split(".")[1]
        for node in _tree(row.__module__).body
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("astrid_core.")
    )
    return Counter(name for name in imported if name not in {"adapters", "shared"}).most_common(1)[0][0]


def entity_of(row: type[Row]) -> type | None:
    """Return the class that a row is turned into."""
    if "entity" not in vars(row):
        return None
    told = typing.get_type_hints(vars(row)["entity"])["return"]
    return told if isinstance(told, type) and dataclasses.is_dataclass(told) else None


def held_by(row: type[Row]) -> Mapping[str, tuple[str, ...]]:
    """Return the path of fields of the entity that each column holds, as ``values`` of the row says."""
    entity = entity_of(row)
    method = next((vars(row)[name] for name in ("values", "values_of_all") if name in vars(row)), None)
    if entity is None or method is None:
        return {}
    code = ast.parse(inspect.cleandoc("\n" + inspect.getsource(method.__func__)))
    aliases = dict(_aliases_in(code))
    found: dict[str, tuple[str, ...]] = {}
    for name, value in _columns_in(code):
        paths = (_path(node, aliases) for node in ast.walk(value) if isinstance(node, ast.Attribute))
        known = [path for path in (_fields(entity, path) for path in paths) if path]
        if known:
            found[name] = max(known, key=len)
    return found


def copied_by(row: type[Row]) -> Mapping[str, str]:
    """Return which row's column of the same name ``values`` copies, for columns that it copies by name."""
    method = vars(row).get("values")
    if method is None:
        return {}
    module = importlib.import_module(row.__module__)
    code = ast.parse(inspect.cleandoc("\n" + inspect.getsource(method.__func__)))
    makers = {
        name.id: ast.unparse(node.value.func).partition(".")[0]
        for node in ast.walk(code)
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call)
        for name in ast.walk(node.targets[0])
        if isinstance(name, ast.Name)
    }
    found: dict[str, str] = {}
    for node in ast.walk(code):
        if isinstance(node, ast.DictComp) and isinstance(node.value, ast.Subscript):
            maker = getattr(module, makers[ast.unparse(node.value.value)])
            names = getattr(module, ast.unparse(node.generators[0].iter))
            found |= dict.fromkeys(names, f"As in `{maker.__tablename__}`.")
    return found


def meaning(entity: type, path: Sequence[str]) -> str:
    """Return what the fields on a path say of themselves, the outermost first."""
    texts: list[str] = []
    kind: type | None = entity
    for name in path:
        if kind is None:
            break
        hint = typing.get_type_hints(kind).get(name)
        texts += [field_texts(kind).get(name) or _of_property(kind, name) or _of_words(hint), _words_in(hint)]
        kind = _dataclass_in(hint)
    return " ".join(text for text in texts if text)


@cache
def field_texts(kind: type) -> Mapping[str, str]:
    """Return what the strings behind the fields of a class say."""
    (found,) = (
        node
        for node in ast.walk(_tree(kind.__module__))
        if isinstance(node, ast.ClassDef) and node.name == kind.__name__
    )
    return {
        ast.unparse(field.target): " ".join(str(text.value.value).split())
        for field, text in zip(found.body, found.body[1:], strict=False)
        if isinstance(field, ast.AnnAssign) and isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant)
    }


def _aliases_in(code: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    for node in ast.walk(code):
        if isinstance(node, ast.Assign):
            (target,), value = node.targets, node.value
            pairs = (
                zip(target.elts, value.elts, strict=True)
                if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple)
                else [(target, value)]
            )
            yield from ((name.id, one) for name, one in pairs if isinstance(name, ast.Name))


def _columns_in(code: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    for node in ast.walk(code):
        if not isinstance(node, ast.Dict):
            continue
        for key, value in zip(node.keys, node.values, strict=True):
            if isinstance(key, ast.Constant):
                yield str(key.value), value
            elif isinstance(value, ast.Call) and ast.unparse(value.func) == "artifact_values":
                name = ast.literal_eval(value.args[0])
                for part in ("digest", "media_type", "n_bytes"):
                    yield f"{name}_{part}", ast.Attribute(value=value.args[1], attr=part)


def _path(node: ast.expr, aliases: Mapping[str, ast.expr]) -> tuple[str, ...]:
    """Return the attributes of a chain such as ``run.quality.n_stars``, without what it begins with."""
    if isinstance(node, ast.Attribute):
        return (*_path(node.value, aliases), node.attr)
    if isinstance(node, ast.Name) and isinstance(aliases.get(node.id), ast.Attribute):
        return _path(aliases[node.id], {name: one for name, one in aliases.items() if name != node.id})
    return ()


def _fields(entity: type, path: Sequence[str]) -> tuple[str, ...]:
    """Return the beginning of a path that is made of fields or properties of dataclasses."""
    kept: list[str] = []
    kind: type | None = entity
    for name in path:
        if kind is None or not (name in typing.get_type_hints(kind) or isinstance(vars(kind).get(name), property)):
            break
        kept.append(name)
        kind = _dataclass_in(typing.get_type_hints(kind).get(name))
    return tuple(kept)


def _dataclass_in(hint: Any) -> type | None:
    return next((one for one in _classes_in(hint) if dataclasses.is_dataclass(one)), None)


def _classes_in(hint: Any) -> list[type]:
    options = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    return [one for one in options if isinstance(one, type)]


def _of_property(kind: type, name: str) -> str:
    found = vars(kind).get(name)
    return inspect.getdoc(found) or "" if isinstance(found, property) else ""


def _of_words(hint: Any) -> str:
    """Return what an enumeration says of itself."""
    return next((inspect.getdoc(one) or "" for one in _classes_in(hint) if issubclass(one, Enum)), "")


def _words_in(hint: Any) -> str:
    """Return the values of an enumeration of words."""
    for one in _classes_in(hint):
        if issubclass(one, StrEnum):
            return "One of " + ", ".join(f"`{word.value}`" for word in one) + "."
    return ""


def _diagram(rows: Sequence[type[Row]]) -> str:
    """Return the tables of a domain and what their foreign keys name, as Mermaid."""
    lines = ["```mermaid", "erDiagram"]
    for row in rows:
        table = table_of(row)
        lines.append(f"    {table.name} {{")
        lines += [f"        {_type(one)} {one.name} {_marks(one)}" for one in table.columns if _is_key(one)]
        lines.append("    }")
    for row in rows:
        for key in sorted(table_of(row).foreign_key_constraints, key=lambda key: list(key.column_keys)):
            many = "|o" if any(table_of(row).columns[name].nullable for name in key.column_keys) else "||"
            lines.append(f"    {key.referred_table.name} {many}--o{{ {key.table.name} : {'_'.join(key.column_keys)}")
    return "\n".join([*lines, "```"])


def _section(row: type[Row]) -> str:
    table, entity = table_of(row), entity_of(row)
    held, own, copied = held_by(row), field_texts(row), copied_by(row)
    kind = "" if entity is None else f" Holds `{entity.__name__}` of `{entity.__module__}`."
    lines = [
        f"### {table.name}\n",
        f"`{row.__name__}`: {_plain(inspect.getdoc(row) or '')}{kind}\n",
        "| Column | Type | Null | Key | Holds | What it is |",
        "|---|---|---|---|---|---|",
    ]
    for one in table.columns:
        path = held.get(one.name, ())
        text = own.get(one.name) or ("" if entity is None else meaning(entity, path)) or copied.get(one.name, "")
        field = f"`{'.'.join(path)}`" if path else ""
        null = "yes" if one.nullable else ""
        lines.append(f"| `{one.name}` | {_type(one)} | {null} | {_keys(one)} | {field} | {_plain(text)} |")
    return "\n".join([*lines, ""])


def _is_key(column: "Column[Any]") -> bool:
    return column.primary_key or bool(column.foreign_keys)


def _marks(column: "Column[Any]") -> str:
    return ", ".join(mark for mark, is_so in (("PK", column.primary_key), ("FK", column.foreign_keys)) if is_so)


def _keys(column: "Column[Any]") -> str:
    table = column.table
    words = ["PK"] if column.primary_key else []
    words += [f"FK `{key.target_fullname}`" for key in sorted(column.foreign_keys, key=lambda key: key.target_fullname)]
    unique = (one for one in table.constraints if isinstance(one, UniqueConstraint))
    words += ["UK" for one in unique if column.name in one.columns]
    if any(column.name in one.columns for one in table.indexes):
        words.append("index")
    return ", ".join(words)


def _type(column: "Column[Any]") -> str:
    return column.type.__class__.__name__.removeprefix("Exact").removeprefix("Utc").lower()


def _plain(text: str) -> str:
    return " ".join(text.split()).replace("``", "`").replace("<", "&lt;").replace("|", r"\|")


@cache
def _tree(module: str) -> ast.Module:
    return ast.parse(inspect.getsource(importlib.import_module(module)))


if __name__ == "__main__":
    PAGE.write_text(write())
    PICTURE.write_text(draw())
