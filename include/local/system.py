"""The whole system on this machine: up, down, and what is up."""

import contextlib
import fcntl
import importlib.metadata
import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from astrid_core.shared.errors import PermanentFailure
from include.local.environment import AIRFLOW_DATABASE, OUR_DATABASE, Address, choose_address, environment, n_slots
from include.local.health import health
from include.local.home import REPOSITORY, Home
from include.local.postgres import Postgres
from include.local.processes import leave, read_started, start, stop, write_started
from include.local.supervisor import log_of
from include.pools import ARCHIVE, GPU, PURPOSES

Say = Callable[[str], None]

_NEEDED = ("metadatabase", "scheduler", "dag_processor")
_START_TIMEOUT_S = 240.0
_GRACE_S = 20.0
_POLL_S = 0.3
_N_LINES = 8
_SUPERVISOR = "supervisor"
_ARCHIVE_SLOTS = 2


class NotStarted(PermanentFailure):
    """A part of the system did not come up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """A system that is up, or on its way."""

    home: Home
    postgres: Postgres
    address: Address


def database_of(home: Home) -> Postgres:
    """Return the database server of a home."""
    return Postgres(data=home.postgres, log=home.logs / "postgres.log")


def what_is_up(home: Home) -> System | None:
    """Return the system that runs in ``home``, or None."""
    supervisor = read_started(home.processes).get(_SUPERVISOR)
    if supervisor is None or not supervisor.is_running():
        return None
    return System(home=home, postgres=database_of(home), address=last_address(home) or choose_address())


def begin_databases(home: Home, say: Say) -> Postgres:
    """Start PostgreSQL and bring both databases to their newest schema; harmless when that is done."""
    postgres = database_of(home)
    with _alone(home):
        was_running = postgres.is_running()
        postgres.start([AIRFLOW_DATABASE, OUR_DATABASE])
        _migrate(home, postgres)
    if not was_running:
        say("PostgreSQL is up, the databases are migrated")
    return postgres


def begin(home: Home, say: Say, *, scheduled: bool = True) -> System:
    """Start what is not running, and return before Airflow is ready; harmless when all is up."""
    postgres = begin_databases(home, say)
    with _alone(home):
        up = what_is_up(home)
        if up is not None:
            return up
        _end_leftovers(home)
        address = choose_address(last_address(home))
        _address_file(home).write_text(json.dumps(asdict(address)))
        home.password()
        mode = [] if scheduled else ["--unscheduled"]
        process = start(
            [sys.executable, "-m", "include.local", "supervise", *mode],
            environment(home, postgres, address, scheduled=scheduled),
            log_of(home, _SUPERVISOR),
            cwd=REPOSITORY,
        )
        write_started(home.processes, {_SUPERVISOR: leave(process)})
        return System(home=home, postgres=postgres, address=address)


def wait_until_ready(system: System, *, timeout_s: float = _START_TIMEOUT_S) -> None:
    """Return as soon as Airflow is healthy; NotStarted names the part that is not, with the end of its log."""
    deadline = time.monotonic() + timeout_s
    seen: dict[str, str] = {}
    while time.monotonic() < deadline:
        seen = health(system.address.url)
        if all(seen.get(name) == "healthy" for name in _NEEDED):
            return
        if what_is_up(system.home) is None:
            raise NotStarted("the supervisor ended", **end_of(log_of(system.home, _SUPERVISOR)))
        time.sleep(_POLL_S)
    late = next((name for name in _NEEDED if seen.get(name) != "healthy"), "api-server") if seen else "api-server"
    log = log_of(system.home, late.replace("_", "-") if late != "metadatabase" else "postgres")
    raise NotStarted(f"{late} is not healthy", after_s=timeout_s, **end_of(log))


def down(home: Home) -> bool:
    """Stop everything that was started in ``home``; tell whether anything was running."""
    with _alone(home):
        up = what_is_up(home)
        ours = [*read_started(home.processes).values()]
        stop(ours, grace_s=_GRACE_S)
        _end_leftovers(home)
        home.processes.unlink(missing_ok=True)
        postgres = database_of(home)
        was_running = up is not None or postgres.is_running()
        postgres.stop()
        return was_running


def _end_leftovers(home: Home) -> None:
    """End components whose supervisor died."""
    path = home.processes.with_name("components.json")
    stop(list(read_started(path).values()), grace_s=_GRACE_S)
    path.unlink(missing_ok=True)


def _migrate(home: Home, postgres: Postgres) -> None:
    """Bring both databases to their newest schema, side by side."""
    from include.local.survey import migrate

    stamp = home.airflow / "migrated.json"
    if stamp.exists() and json.loads(stamp.read_text()) == _schema(postgres):
        # Asking Airflow itself would take 5 s.
        migrate(home, postgres)
        return
    log = log_of(home, "migrate-airflow")
    command = [sys.executable, "-m", "airflow", "db", "migrate"]
    process = start(command, environment(home, postgres, choose_address()), log, cwd=REPOSITORY)
    migrate(home, postgres)
    if process.wait():
        raise NotStarted("Airflow's database cannot be migrated", status=process.returncode, **end_of(log))
    slots = [f"{GPU}={n_slots()}", f"{ARCHIVE}={_ARCHIVE_SLOTS}"]
    command = [sys.executable, "-m", "include.pools", *slots]
    process = start(command, environment(home, postgres, choose_address()), log, cwd=REPOSITORY)
    if process.wait():
        raise NotStarted("Airflow's pools cannot be made", status=process.returncode, **end_of(log))
    stamp.write_text(json.dumps(_schema(postgres)))


def _schema(postgres: Postgres) -> dict[str, str | None]:
    """Return which Airflow is installed, where its database is, and which pools it was given."""
    revision = postgres.ask(AIRFLOW_DATABASE, "SELECT version_num FROM alembic_version")
    version = importlib.metadata.version("apache-airflow")
    return {"airflow": version, "revision": revision, "pools": ", ".join(sorted(PURPOSES))}


def _address_file(home: Home) -> Path:
    return home.folder / "address.json"


def last_address(home: Home) -> Address | None:
    """Return where the API server of ``home`` listens, or did when it was up."""
    path = _address_file(home)
    return Address(**json.loads(path.read_text())) if path.exists() else None


@contextlib.contextmanager
def _alone(home: Home) -> Iterator[None]:
    """Let nobody else start or stop in this home meanwhile."""
    with (home.folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def end_of(log: Path) -> dict[str, str]:
    """Return the end of a log as facts of an error."""
    return {"log": str(log), "last_lines": "\n  " + "\n  ".join(_lines(log)[-_N_LINES:])}


def last_line(log: Path) -> str:
    """Return what was written last; empty where there is nothing."""
    return (_lines(log) or [""])[-1]


def _lines(log: Path) -> list[str]:
    return log.read_text(errors="replace").strip().splitlines() if log.exists() else []
