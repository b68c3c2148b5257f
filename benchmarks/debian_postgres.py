"""A PostgreSQL server of the operating system, with q3c, where there is one."""

import os
import pwd
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

_SERVERS = Path("/usr/lib/postgresql")
_EXTENSIONS = Path("/usr/share/postgresql")
_USER = "nobody"
"""Who PostgreSQL runs as where we are root, as whom it refuses to."""
_SETTINGS = ("shared_buffers=512MB", "work_mem=256MB", "fsync=off", "jit=off", "max_parallel_workers_per_gather=0")


def q3c_server() -> Path | None:
    """Return the programs of the newest server of this system that has q3c; None without one."""
    found = sorted(_EXTENSIONS.glob("*/extension/q3c.control"), key=lambda one: float(one.parts[-3]))
    return _SERVERS / found[-1].parts[-3] / "bin" if found else None


@contextmanager
def debian_server(programs: Path, folder: Path) -> Iterator[str]:
    """Run a fresh server in a folder, on a port of this machine, and yield its URL for psycopg."""
    data = folder / "data"
    data.mkdir(mode=0o700)
    owner = None
    if os.geteuid() == 0:
        owner = pwd.getpwnam(_USER)
        shutil.chown(folder, _USER)
        shutil.chown(data, _USER)
    user, group, extra = (owner.pw_uid, owner.pw_gid, ()) if owner else (None, None, None)
    made = [str(programs / "initdb"), "-D", str(data), "-U", "astrid", "-A", "trust", "-E", "UTF8", "--no-sync"]
    subprocess.run(made, check=True, stdout=subprocess.DEVNULL, user=user, group=group, extra_groups=extra)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    told = [str(programs / "postgres"), "-D", str(data), "-h", "127.0.0.1", "-p", str(port), "-k", ""]
    settings = [part for one in _SETTINGS for part in ("-c", one)]
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(
            [*told, *settings], stdout=log, stderr=log, user=user, group=group, extra_groups=extra
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
