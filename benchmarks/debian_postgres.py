"""A PostgreSQL server of the operating system, with q3c, where there is one."""

import os
import pwd
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psycopg

_SERVERS = Path("/usr/lib/postgresql")
_EXTENSIONS = Path("/usr/share/postgresql")
_USER = "nobody"
"""Who PostgreSQL runs as where we are root, as whom it refuses to."""


def q3c_server() -> Path | None:
    """Return the programs of the newest server of this system that has q3c; None without one."""
    found = sorted(_EXTENSIONS.glob("*/extension/q3c.control"), key=lambda one: float(one.parts[-3]))
    return _SERVERS / found[-1].parts[-3] / "bin" if found else None


@contextmanager
def debian_server(programs: Path, folder: Path, *, settings: Sequence[str]) -> Iterator[str]:
    """Run a server in a folder, which may hold one of an earlier time, on a port of this machine.

    Yield its URL for psycopg. ``settings`` are ``name=value``; nothing here has to survive a power cut.
    """
    data = folder / "data"
    as_user = {"user": _USER, "group": pwd.getpwnam(_USER).pw_gid, "extra_groups": []} if os.geteuid() == 0 else {}
    if not data.exists():
        data.mkdir(mode=0o700)
        if as_user:
            shutil.chown(folder, _USER)
            shutil.chown(data, _USER)
        made = [programs / "initdb", "-D", data, "-U", "astrid", "-A", "trust", "-E", "UTF8", "--no-sync"]
        subprocess.run(made, check=True, stdout=subprocess.DEVNULL, **as_user)  # type: ignore[call-overload]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    told = ["-D", data, "-h", "127.0.0.1", "-p", str(port), "-k", ""]
    told += [part for one in ("fsync=off", "jit=off", *settings) for part in ("-c", one)]
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(  # type: ignore[call-overload]
            [programs / "postgres", *told], stdout=log, stderr=log, **as_user
        )
    try:
        url = f"postgresql://astrid@127.0.0.1:{port}/postgres"
        _wait(url)
        yield url
    finally:
        server.terminate()
        server.wait()


def _wait(url: str) -> None:
    until = time.monotonic() + 60.0
    while True:
        try:
            psycopg.connect(url).close()
        except psycopg.OperationalError:
            if time.monotonic() > until:
                raise
            time.sleep(0.2)
        else:
            return
