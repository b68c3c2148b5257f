import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from include.local.home import Home
from tests.end_to_end.living import told_by_demo


@pytest.fixture(scope="session")
def workshop() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="astrid-live-") as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def demo(workshop: Path) -> tuple[Home, str]:
    """The home of a demonstration that ran once, and what it told."""
    told = told_by_demo(workshop / "demo")
    return Home.open(workshop / "demo"), told
