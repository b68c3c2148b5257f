import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from include.local.home import Home
from tests.end_to_end.living import told_by_demo
from tests.end_to_end.small import SURVEY, Small, small_survey, with_references


@pytest.fixture(scope="session")
def workshop() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="astrid-live-") as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def demo(workshop: Path) -> tuple[Home, str]:
    """The home of a demonstration that ran once, and what it told."""
    told = told_by_demo(workshop / "demo")
    return Home.open(workshop / "demo"), told


@pytest.fixture(scope="session")
def made_once(workshop: Path) -> Small:
    return small_survey(workshop / SURVEY)


@pytest.fixture(scope="module")
def small(demo: tuple[Home, str], made_once: Small) -> Iterator[Small]:
    """The small survey, in reach of the network of the demonstration."""
    home, _ = demo
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ASTRID_MLFLOW_URI", f"sqlite:///{home.folder / 'mlflow.sqlite'}")
        patch.setenv("ASTRID_MLFLOW_ARTIFACTS", str(home.folder / "models"))
        yield made_once


@pytest.fixture(scope="module")
def prepared(small: Small, workshop: Path) -> Home:
    """A home with the references of the small survey, its system being down."""
    return with_references(workshop / "prepared", small.folder)
