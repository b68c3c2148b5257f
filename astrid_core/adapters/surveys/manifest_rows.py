"""What stands in a manifest: CSV with a head, or JSON, one file per row."""

import csv
import io
import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

from astrid_core.adapters.surveys.http_errors import shown
from astrid_core.observations.entities import ListedFile
from astrid_core.shared.errors import UnexpectedAnswer
from astrid_core.shared.sky import SkyPosition

COLUMNS = frozenset({"url", "name", "size", "sha256", "ra_deg", "dec_deg", "mid_mjd"})
"""All but ``url`` may be left out, as columns and in single rows."""

_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A file of the list, and where it is."""

    file: ListedFile
    url: str


def read_entries(text: str, *, location: str) -> dict[str, Entry]:
    """Return the files by name; UnexpectedAnswer, with the row, where a list is not what it should be."""
    found: dict[str, Entry] = {}
    for number, row in enumerate(_rows(text, location), start=1):
        entry = _entry(row, location, number)
        name = entry.file.archive_id
        if name in found:
            raise UnexpectedAnswer("manifest names two files alike", url=shown(location), row=number, name=ascii(name))
        found[name] = entry
    return found


def _rows(text: str, location: str) -> Iterator[Mapping[str, str]]:
    beginning = text.lstrip("\ufeff \t\r\n")[:1]
    if beginning == "<":
        raise UnexpectedAnswer("archive answers with a web page instead of a manifest", url=shown(location))
    if beginning in ("[", "{"):
        yield from _json_rows(text.lstrip("\ufeff"), location)
        return
    table = csv.DictReader(io.StringIO(text.lstrip("\ufeff"), newline=""), strict=True, skipinitialspace=True)
    _require_columns(table.fieldnames or (), location, row=0)
    try:
        for number, row in enumerate(table, start=1):
            if None in row or None in row.values():
                raise UnexpectedAnswer("manifest has a broken row", url=shown(location), row=number)
            yield row
    except csv.Error as error:
        raise UnexpectedAnswer("manifest cannot be read", url=shown(location), cause=str(error)) from error


def _json_rows(text: str, location: str) -> Iterator[Mapping[str, str]]:
    try:
        content: Any = json.loads(text)
    except ValueError as error:
        raise UnexpectedAnswer("manifest cannot be read", url=shown(location), cause=str(error)) from error
    rows = content.get("files") if isinstance(content, dict) else content
    if not isinstance(rows, list):
        raise UnexpectedAnswer("manifest has no list of files", url=shown(location), holds=", ".join(sorted(content)))
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, dict):
            raise UnexpectedAnswer("manifest has a broken row", url=shown(location), row=number)
        _require_columns(tuple(row), location, row=number)
        yield {name: "" if value is None else str(value) for name, value in row.items()}


def _require_columns(names: object, location: str, *, row: int) -> None:
    have = set(names) if isinstance(names, list | tuple) else set()
    if "url" not in have or have - COLUMNS:
        # A checksum under another name would be a checksum that nobody looks at.
        raise UnexpectedAnswer(
            "manifest has other columns than a manifest has",
            url=shown(location),
            row=row,
            missing="" if "url" in have else "url",
            unknown=ascii(", ".join(sorted(str(one) for one in have - COLUMNS)))[:200],
            known=", ".join(sorted(COLUMNS)),
        )


def _entry(row: Mapping[str, str], location: str, number: int) -> Entry:
    given = row["url"].strip()
    if not given:
        raise UnexpectedAnswer("manifest has a row without address", url=shown(location), row=number)
    url = _absolute(given, location)
    problems: list[str] = []
    if urlsplit(url).scheme not in ("http", "https", "s3"):
        problems.append("its address begins with none of http, https, s3")
    sha256 = row.get("sha256", "").strip().lower()
    if sha256 and not _SHA256.fullmatch(sha256):
        problems.append(f"its checksum is no SHA-256: {ascii(sha256)[:80]}")
    size = row.get("size", "").strip()
    if size and not re.fullmatch(r"\d{1,15}", size):
        problems.append(f"its size is no number of bytes: {ascii(size)[:80]}")
    place, mid_mjd = _listed_place(row, problems), _number(row, "mid_mjd", problems)
    file = ListedFile(
        archive_id=row.get("name", "").strip() or _name(url, location),
        n_bytes=int(size) if size and not problems else None,
        sha256=sha256 if not problems else "",
        problem="; ".join(problems),
        position=place,
        mid_mjd=mid_mjd,
    )
    return Entry(file=file, url=url)


def _absolute(url: str, location: str) -> str:
    # urljoin knows no s3, and joins nothing to what it does not know.
    scheme = urlsplit(location).scheme
    joined = urljoin(location.replace("s3://", "http://", 1) if scheme == "s3" else location, url)
    is_relative = not urlsplit(url).scheme
    return joined.replace("http://", "s3://", 1) if scheme == "s3" and is_relative else joined


def _name(url: str, location: str) -> str:
    """Return the path below the list's own folder, else host or bucket with the path."""
    parts, home = urlsplit(url), urlsplit(location)
    folder = f"{home.path.rpartition('/')[0]}/"
    if (parts.scheme, parts.netloc) == (home.scheme, home.netloc) and parts.path.startswith(folder):
        return unquote(parts.path.removeprefix(folder))
    return unquote(f"{parts.hostname or parts.scheme}/{parts.path.lstrip('/')}")


def _listed_place(row: Mapping[str, str], problems: list[str]) -> SkyPosition | None:
    ra_deg, dec_deg = _number(row, "ra_deg", problems), _number(row, "dec_deg", problems)
    if ra_deg is None or dec_deg is None:
        return None
    try:
        return SkyPosition(ra_deg=ra_deg, dec_deg=dec_deg)
    except ValueError as error:
        problems.append(f"its position is none: {error}")
        return None


def _number(row: Mapping[str, str], name: str, problems: list[str]) -> float | None:
    text = row.get(name, "").strip()
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if math.isfinite(value):
        return value
    problems.append(f"{name} is no number: {ascii(text)[:80]}")
    return None
