"""The built page is kept in the repository; these tests keep it from drifting away from its sources."""

import hashlib
import json
import re
from pathlib import Path

import pytest

WEB = Path(__file__).resolve().parents[2] / "plugins" / "web"
SOURCES = ("index.html", "package.json", "package-lock.json", "tsconfig.json", "vite.config.ts")


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _sealed() -> dict[str, str]:
    lines = (WEB / "dist" / "SOURCES.sha256").read_text().splitlines()
    return {name: digest for digest, name in (line.split("  ", 1) for line in lines)}


def _there() -> dict[str, str]:
    files = [WEB / name for name in SOURCES]
    files += [file for folder in ("public", "src", "dist") for file in (WEB / folder).rglob("*") if file.is_file()]
    return {str(file.relative_to(WEB)): _digest(file) for file in files if file.name != "SOURCES.sha256"}


def test_the_built_page_matches_its_sources() -> None:
    sealed, there = _sealed(), _there()
    changed = sorted(name for name in sealed.keys() | there.keys() if sealed.get(name) != there.get(name))
    assert not changed, f"build the page anew (make ui): {changed}"


def test_the_page_asks_nobody_else() -> None:
    page = (WEB / "dist" / "index.html").read_text()
    assert set(re.findall(r'(?:src|href)="([^"]*)"', page)) == {"./app.js", "./app.css", "data:,"}
    style = (WEB / "dist" / "app.css").read_text()
    assert "url(" not in style
    assert "@import" not in style


def test_no_package_is_named_with_the_host_it_came_from() -> None:
    packages = json.loads((WEB / "package-lock.json").read_text())["packages"]
    assert packages
    assert not [name for name, package in packages.items() if "resolved" in package]
    assert all("integrity" in package or "inBundle" in package for name, package in packages.items() if name)


@pytest.mark.parametrize("name", ["app.js", "app.css"])
def test_the_page_is_small(name: str) -> None:
    assert (WEB / "dist" / name).stat().st_size < 400_000
