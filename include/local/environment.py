"""What the processes of Airflow and our tasks find in their environment."""

import os
import socket
from dataclasses import dataclass

from astrid_core.telemetry.open import is_on
from include.local.home import LOGIN, REPOSITORY, Home
from include.local.postgres import Postgres

AIRFLOW_DATABASE, OUR_DATABASE = "airflow", "astrid"
_LOOPBACK = "127.0.0.1"
_PREFERRED_PORT = 8080


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where the API server listens."""

    host: str
    port: int
    path: str = ""
    """What stands before the path of every page, as ``/observatory``; empty: nothing."""

    @property
    def url(self) -> str:
        """As this machine reaches it."""
        host = _LOOPBACK if self.host in {"0.0.0.0", "::"} else self.host  # noqa: S104 - compared, not bound
        return f"http://{host}:{self.port}{self.path}"


def choose_address(last: Address | None = None) -> Address:
    """Return a free address on ASTRID_BIND (by default loopback), the last one again if it is free.

    ASTRID_PATH is its path.
    """
    host = os.environ.get("ASTRID_BIND") or _LOOPBACK
    path = "/".join(["", *filter(None, os.environ.get("ASTRID_PATH", "").split("/"))])
    for port in (last.port if last else _PREFERRED_PORT, _PREFERRED_PORT, 0):
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                trial.bind((host, port))
            except OSError:
                continue
            return Address(host=host, port=trial.getsockname()[1], path=path)
    message = f"no free port on {host}"
    raise OSError(message)


def our_environment(home: Home, postgres: Postgres) -> dict[str, str]:
    """Return the environment of a command of ours that works on this home."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW_")}
    # Byte code that is not kept costs every process ten seconds.
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    ours = {
        "PYTHONPATH": str(REPOSITORY),
        "PYTHONUNBUFFERED": "1",
        "ASTRID_HOME": str(home.folder),
        "ASTRID_DATABASE_URL": os.environ.get("ASTRID_DATABASE_URL") or postgres.url(OUR_DATABASE),
        "TF_CPP_MIN_LOG_LEVEL": "2",
        "GX_ANALYTICS_ENABLED": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    return kept | ours


def n_slots() -> int:
    """Return how many tasks run at once on this machine."""
    return max(2, min(8, os.cpu_count() or 2))


def environment(home: Home, postgres: Postgres, address: Address, *, scheduled: bool = True) -> dict[str, str]:
    """Return the environment of Airflow's processes; ``scheduled`` False: nothing runs but what is triggered."""
    threads = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
    # Batches are the parallelism: threads inside them would only compete.
    ours = {"AIRFLOW_HOME": str(home.airflow), **dict.fromkeys(threads, "1")}
    options = {
        "api__base_url": address.url,
        "api__host": address.host,
        "api__port": str(address.port),
        "api__secret_key": home.secret("session"),
        "api_auth__jwt_secret": home.secret("jwt"),
        "core__dags_folder": str(REPOSITORY / "dags"),
        "core__plugins_folder": str(REPOSITORY / "plugins"),
        "core__load_examples": "False",
        "core__executor": "LocalExecutor",
        "core__parallelism": str(n_slots()),
        "core__execution_api_server_url": f"{address.url}/execution/",
        "core__simple_auth_manager_users": f"{LOGIN}:admin",
        "core__simple_auth_manager_passwords_file": str(home.passwords),
        "core__hostname_callable": "socket.gethostname",
        "database__sql_alchemy_conn": postgres.url(AIRFLOW_DATABASE, driver="psycopg2"),
        "dag_processor__parsing_processes": "1",
        # Of a DAG that is parsed late, as on a busy machine, no task is scheduled once it counts as gone.
        "dag_processor__stale_dag_threshold": "600",
        "logging__base_log_folder": str(home.logs / "tasks"),
        "logging__dag_processor_child_process_log_directory": str(home.logs / "dag_processor"),
        "logging__namespace_levels": "great_expectations=WARNING alembic=WARNING mlflow=WARNING",
        "logging__colored_console_log": "False",
        # Whoever looks at our tasks looks at the runs that they belong to.
        "metrics__otel_on": str(is_on()),
        "traces__otel_on": str(is_on()),
        "scheduler__use_job_schedule": str(scheduled),
        "scheduler__scheduler_idle_sleep_time": "0.2",
        # A scheduler that was killed is noticed after this long, and what it left behind is started again.
        "scheduler__scheduler_health_check_threshold": "20",
        "scheduler__orphaned_tasks_check_interval": "15",
        "scheduler__task_instance_heartbeat_timeout": "60",
        # The API server may be restarting.
        "workers__execution_api_retries": "10",
    }
    return (
        our_environment(home, postgres) | ours | {f"AIRFLOW__{name.upper()}": value for name, value in options.items()}
    )
