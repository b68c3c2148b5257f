"""Where the results of checks lie, and the pages made of them."""

from pathlib import Path

INDEX = "index.html"
"""The first page."""
PAGES = "pages"


def docs_of(home: Path) -> Path:
    """Return the folder of results and pages."""
    return home / "quality"


def pages_of(home: Path) -> Path:
    """Return the folder of the pages."""
    return docs_of(home) / PAGES
