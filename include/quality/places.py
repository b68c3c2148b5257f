"""Where the results of checks lie, and the pages made of them."""

from pathlib import Path

RESULTS = "validations"
PAGES = "pages"


def docs_of(home: Path) -> Path:
    """Return the folder of results and pages."""
    return home / "quality"
