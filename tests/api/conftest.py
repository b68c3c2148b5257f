import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from astrid_core.settings import Settings
from include.api.app import Api, create_app
from include.api.context import Context
from tests.api.client import Client, NamedIdentity, named
from tests.api.night import make_night, services_in


@pytest.fixture(scope="session")
def night_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a night in it, which no test may change."""
    home = tmp_path_factory.mktemp("night") / "home"
    make_night(home)
    return home


@pytest.fixture
def home(night_home: Path, tmp_path: Path) -> Path:
    """A home of one test: the same artifacts, a database of its own."""
    shutil.copy(night_home / "astrid.sqlite", tmp_path / "astrid.sqlite")
    (tmp_path / "artifacts").symlink_to(night_home / "artifacts")
    return tmp_path


@pytest.fixture(scope="session")
def made_app() -> Api:
    """Made once: to describe its routes takes longer than to answer a few."""
    return create_app([NamedIdentity()])


@pytest.fixture
def app(made_app: Api, home: Path) -> Api:
    made_app.state.context = Context(Settings(home=home), services_in)
    return made_app


@pytest.fixture
def client(app: Api) -> Iterator[Client]:
    """Somebody who may read."""
    client = Client(app, named("vera", "viewer"))
    yield client
    client.close()
