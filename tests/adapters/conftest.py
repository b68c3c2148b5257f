"""Fresh databases and buckets for every test."""

import shutil
import subprocess
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from moto.server import ThreadedMotoServer

from astrid_core.adapters.db.migrate import migrate
from astrid_core.adapters.storage.s3 import connect
from tests.adapters.databases import AnyDatabase, PostgresServer, SqlDatabase
from tests.fakes.records import MemoryDatabase


@pytest.fixture(scope="session")
def postgres_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    # Not below pytest's own folder: a server started as root runs as another user, who may not enter that.
    folder = Path(tempfile.mkdtemp(prefix="astrid-postgres-"))
    with pytest.MonkeyPatch.context() as patch:
        # The package keeps a lock there when it is imported, and warns if there is no such folder.
        patch.setenv("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("runtime")))
        yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def postgres(postgres_folder: Path) -> Iterator[PostgresServer]:
    """One server for all tests."""
    server = _start(postgres_folder / "shared")
    yield server
    server.remove()


@pytest.fixture
def own_postgres(postgres_folder: Path) -> Iterator[PostgresServer]:
    """A server that the test may stop and start."""
    server = _start(postgres_folder / "own")
    yield server
    server.remove()


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("migrated") / "astrid.sqlite"
    migrate(f"sqlite:///{file}")
    return file


@pytest.fixture(scope="session")
def migrated_template(postgres: PostgresServer) -> str:
    postgres.execute("CREATE DATABASE astrid_migrated")
    migrate(postgres.url("astrid_migrated"))
    return "astrid_migrated"


@pytest.fixture
def sqlite_url(migrated_file: Path, tmp_path: Path) -> str:
    """The URL of a fresh SQLite file with our schema."""
    shutil.copy(migrated_file, tmp_path / "astrid.sqlite")
    return f"sqlite:///{tmp_path / 'astrid.sqlite'}"


@pytest.fixture
def postgres_url(postgres: PostgresServer, migrated_template: str) -> str:
    """The URL of a fresh PostgreSQL database with our schema."""
    return postgres.create_database(template=migrated_template)


@pytest.fixture(params=["sqlite", "postgres"])
def sql_url(request: pytest.FixtureRequest) -> str:
    """The URL of a fresh database with our schema, of either kind."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
def sql_database(sql_url: str) -> Iterator[SqlDatabase]:
    opened = SqlDatabase(sql_url)
    yield opened
    opened.close()


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def database(request: pytest.FixtureRequest) -> Iterator[AnyDatabase]:
    """A fresh database with our schema, of every kind: what the contract suites run on."""
    opened: AnyDatabase
    if request.param == "memory":
        opened = MemoryDatabase()
    else:
        opened = SqlDatabase(request.getfixturevalue(f"{request.param}_url"))
    yield opened
    opened.close()


def _start(folder: Path) -> PostgresServer:
    folder.mkdir()
    try:
        return PostgresServer(folder)
    except (ImportError, OSError, subprocess.SubprocessError) as error:
        pytest.skip(f"the embedded PostgreSQL does not start here: {error}")


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def client(server: str) -> Any:
    urllib.request.urlopen(urllib.request.Request(f"{server}/moto-api/reset", method="POST")).close()  # noqa: S310 - loopback
    client = connect(endpoint_url=server, region="us-east-1", access_key_id="key", secret_access_key="secret")
    client.create_bucket(Bucket="astrid")
    return client
