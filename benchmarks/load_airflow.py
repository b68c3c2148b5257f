"""What Airflow and the database of a home add to the work: processor time, tasks, seconds, rows and bytes."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

import psutil

from astrid_core.adapters.db.engine import open_database
from astrid_core.adapters.db.migrate import migrate
from astrid_core.shared.events import Actor
from include.local.client import Airflow
from include.local.environment import AIRFLOW_DATABASE, OUR_DATABASE
from include.local.home import LOGIN, Home
from include.local.processes import read_started
from include.local.system import System, database_of

_TIMEOUT_S = 6 * 3600.0
_SIZES = """
SELECT c.relname, pg_total_relation_size(c.oid)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND n.nspname = 'public' ORDER BY c.relname
"""
_TASKS = """
SELECT task_id, count(*), avg(extract(epoch FROM end_date - start_date)), avg(extract(epoch FROM start_date - queued_dttm))
FROM task_instance WHERE dag_id = '{dag}' AND run_id = '{run}' AND end_date IS NOT NULL AND start_date IS NOT NULL
GROUP BY task_id ORDER BY min(start_date)
"""  # noqa: E501 - a statement
_SINCE = "SELECT count(*) FROM task_instance WHERE start_date >= '{moment}' AND start_date IS NOT NULL"
_PAUSE_S = 1.0
_SCRATCH, _N_EVENTS = "load_events", 300


@dataclass(frozen=True, slots=True, kw_only=True)
class AirflowRun:
    """One run of a DAG."""

    state: str
    wall_s: float
    cpu_s: float
    """Of all components and of every task, which are their children."""
    tasks: Mapping[str, tuple[int, float, float]]
    """By name: how many, mean seconds from start to end, mean seconds in the queue."""
    n_tasks_meanwhile: int
    """Tasks that were started from beginning to end, those of other runs included: the processor time is of all."""


def cpu_s(home: Home) -> float:
    """Return processor seconds that the components of a home and all their ended children have used so far."""
    total = 0.0
    for part in read_started(home.processes.with_name("components.json")).values():
        seen = psutil.Process(part.pid)
        for one in [seen, *seen.children(recursive=True)]:
            try:
                times = one.cpu_times()
            except psutil.NoSuchProcess:  # its time is in its parent's sum of children from now on
                continue
            total += times.user + times.system + times.children_user + times.children_system
    return total


def idle_cpu_per_s(home: Home, seconds: float) -> float:
    """Return processor seconds that the components use each second while nothing is to do."""
    before, started = cpu_s(home), time.monotonic()
    time.sleep(seconds)
    return (cpu_s(home) - before) / (time.monotonic() - started)


def events_per_s(home: Home) -> float:
    """Return how many events a second go into an empty log on the server of a home, one in each transaction."""
    server = database_of(home)
    server.start([_SCRATCH])
    url = server.url(_SCRATCH)
    migrate(url)
    database = open_database(url)
    try:
        started = time.monotonic()
        for number in range(_N_EVENTS):
            with database.transaction(actor=Actor(name="load")) as records:
                records.events.append("load.measured", subject=str(number))
        return _N_EVENTS / (time.monotonic() - started)
    finally:
        database.close()
        server.ask(AIRFLOW_DATABASE, f"DROP DATABASE {_SCRATCH}")


def run_night(system: System, survey: str, night: str) -> AirflowRun:
    """Search a night, and return what that took."""
    home = system.home
    airflow = Airflow(url=system.address.url, login=LOGIN, password=home.password())
    before, started = cpu_s(home), time.monotonic()
    moment = database_of(home).ask(AIRFLOW_DATABASE, "SELECT now()")
    run_id = airflow.trigger("nightly_survey", {"survey": survey}, night=night)
    while not airflow.run("nightly_survey", run_id).is_over:
        time.sleep(_PAUSE_S)
    wall_s = time.monotonic() - started
    state = airflow.run("nightly_survey", run_id).state
    airflow.pause_again()
    return AirflowRun(
        state=state, wall_s=wall_s, cpu_s=cpu_s(home) - before, tasks=tasks_of(home, run_id),
        n_tasks_meanwhile=int(database_of(home).ask(AIRFLOW_DATABASE, _SINCE.format(moment=moment)) or 0),
    )  # fmt: skip


def tasks_of(home: Home, run_id: str) -> dict[str, tuple[int, float, float]]:
    """Return number, mean seconds and mean seconds in the queue of the tasks of a run, as Airflow recorded them."""
    told = database_of(home).ask(AIRFLOW_DATABASE, _TASKS.format(dag="nightly_survey", run=run_id))
    lines = [line.split("|") for line in (told or "").splitlines()]
    return {name: (int(number), float(each), float(queued or 0.0)) for name, number, each, queued in lines}


def tables_of(home: Home) -> dict[str, tuple[int, int]]:
    """Return rows and bytes, indexes and all, of every table of ours; the server must run."""
    server = database_of(home)
    sizes = [line.split("|") for line in (server.ask(OUR_DATABASE, _SIZES) or "").splitlines()]
    # The names are the database's own.
    counts = {name: server.ask(OUR_DATABASE, f'SELECT count(*) FROM "{name}"') for name, _ in sizes}  # noqa: S608
    return {name: (int(counts[name] or 0), int(size)) for name, size in sizes}
