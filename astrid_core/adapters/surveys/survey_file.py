"""surveys.toml: the archives and folders that are searched, one table each."""

import json
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from astrid_core.adapters.surveys.open import FOLDER
from astrid_core.shared.errors import BadConfiguration

SURVEYS = "surveys.toml"
"""Name of the file, in the home folder."""


def read_surveys(path: Path) -> dict[str, dict[str, Any]]:
    """Return the tables by the names of the surveys; none where there is no such file."""
    if not path.exists():
        return {}
    try:
        tables = tomllib.loads(path.read_text())
    except tomllib.TOMLDecodeError as error:
        raise BadConfiguration("surveys.toml cannot be read", path=path, cause=str(error)) from error
    for name, table in tables.items():
        is_folder = isinstance(table, dict) and table.get("kind", FOLDER) == FOLDER
        if not isinstance(table, dict) or (is_folder and not isinstance(table.get("directory"), str)):
            raise BadConfiguration("a survey needs a directory", path=path, survey=name)
    return tables


def add_survey(path: Path, name: str, *, directory: Path, description: str, truth: Path | None) -> None:
    """Name a folder of FITS files; a known name with another folder is BadConfiguration."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]*", name):
        raise BadConfiguration("a survey is named by lower-case letters, digits and hyphens", survey=name)
    tables = read_surveys(path)
    table: dict[str, Any] = {"directory": str(directory.resolve()), "description": description}
    if truth is not None:
        table["truth"] = str(truth.resolve())
    known = tables.get(name)
    if known is not None and known.get("directory") != table["directory"]:
        place = known.get("directory", known.get("kind"))
        raise BadConfiguration("survey has another folder already", survey=name, directory=place)
    tables[name] = {**(known or {}), **table}
    _write(path, tables)


def _write(path: Path, tables: Mapping[str, Mapping[str, Any]]) -> None:
    """Write the tables in place of those that were there: a reader sees the old file or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # Strings, numbers and lists of JSON are TOML, too.
    text = "\n".join(
        f"[{one}]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in values.items())
        for one, values in sorted(tables.items())
    )
    scratch = path.with_name(f"{path.name}.{os.getpid()}")
    scratch.write_text(text)
    scratch.replace(path)
