"""Start runs in Airflow and look how they get on, through its REST API."""

import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from astrid_core.shared.errors import PermanentFailure, TemporaryFailure

_TIMEOUT_S = 20.0
_PATIENCE_S = 120.0
"""How long an API server may be away: it may be restarting."""
_POLL_S = 0.5
_PAGE = 100
_TOKEN_S = 3600.0
_NOT_KNOWN = {httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN}


class RunFailed(PermanentFailure):
    """A run of a DAG ended badly."""


class AirflowSilent(TemporaryFailure):
    """The API server does not answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskState:
    """One task of a run, or one of its batches."""

    id: str
    """Its process is called by it."""
    task: str
    map_index: int
    label: str
    state: str
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run of a DAG."""

    dag: str
    id: str
    state: str
    tasks: tuple[TaskState, ...]

    @property
    def is_over(self) -> bool:
        """Tell whether it ended, well or badly."""
        return self.state in {"success", "failed"}

    @property
    def failed(self) -> tuple[TaskState, ...]:
        """Tasks that failed themselves."""
        return tuple(one for one in self.tasks if one.state == "failed")


@dataclass(slots=True, kw_only=True)
class Airflow:
    """One Airflow, and somebody who may use it."""

    url: str
    login: str
    password: str
    _token: str = field(default="", repr=False)
    _token_until: float = 0.0
    _unpaused: set[str] = field(default_factory=set)

    def trigger(self, dag: str, conf: Mapping[str, object], *, night: str | None = None) -> str:
        """Start a run, for the partition ``night`` if given; return its id. A DAG that was paused works from now on."""
        self._unpause(dag)
        # Named here, so that asking again after a lost answer starts nothing twice.
        run_id = f"asked__{night or 'now'}__{secrets.token_hex(4)}"
        body = {"dag_run_id": run_id, "logical_date": None, "conf": dict(conf), "partition_key": night}
        self._call("POST", f"/dags/{dag}/dagRuns", body)
        return run_id

    def run(self, dag: str, run_id: str) -> Run:
        """Look at a run and all its tasks."""
        where = f"/dags/{dag}/dagRuns/{run_id}"
        state = str(self._call("GET", where)["state"])
        return Run(dag=dag, id=run_id, state=state, tasks=tuple(map(_task_state, self._pages(where))))

    def wait(self, dag: str, run_id: str, *, timeout_s: float, watch: Callable[[Run], None] = lambda _: None) -> Run:
        """Return the run when it has ended; ``watch`` sees it now and then before."""
        deadline = time.monotonic() + timeout_s
        while True:
            run = self.run(dag, run_id)
            watch(run)
            if run.is_over:
                return run
            if time.monotonic() > deadline:
                raise RunFailed("run takes too long", dag=dag, run=run_id, after_s=timeout_s, state=run.state)
            time.sleep(_POLL_S)

    def result(self, dag: str, run_id: str, task: str) -> Any:
        """Return what a task returned."""
        where = f"/dags/{dag}/dagRuns/{run_id}/taskInstances/{task}/xcomEntries/return_value"
        return self._call("GET", f"{where}?deserialize=true")["value"]

    def pause_again(self) -> None:
        """Pause what was paused before runs of it were started here."""
        for dag in sorted(self._unpaused):
            self._call("PATCH", f"/dags/{dag}", {"is_paused": True})
        self._unpaused.clear()

    def _unpause(self, dag: str) -> None:
        if self._known(dag)["is_paused"]:
            self._call("PATCH", f"/dags/{dag}", {"is_paused": False})
            self._unpaused.add(dag)

    def _pages(self, where: str) -> Sequence[Mapping[str, Any]]:
        found: list[Mapping[str, Any]] = []
        while True:
            page = self._call("GET", f"{where}/taskInstances?limit={_PAGE}&offset={len(found)}")
            found += page["task_instances"]
            if len(found) >= page["total_entries"] or not page["task_instances"]:
                return found

    def _known(self, dag: str) -> Mapping[str, Any]:
        """Return what is known of a DAG as soon as it is: a fresh database has none until files are parsed."""
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            known = self._call("GET", f"/dags?dag_id_pattern={dag}")["dags"]
            found = [one for one in known if one["dag_id"] == dag and not one["has_import_errors"]]
            if found:
                return dict(found[0])
            errors = self._call("GET", "/importErrors")["import_errors"]
            if errors:
                raise RunFailed("a DAG file has an error", file=errors[0]["filename"], cause=errors[0]["stack_trace"])
            if time.monotonic() > deadline:
                raise RunFailed("DAG did not appear", dag=dag, after_s=_PATIENCE_S)
            time.sleep(_POLL_S)

    def _call(self, method: str, path: str, body: Mapping[str, object] | None = None) -> Any:
        """Ask, and again while nobody answers: the API server may be restarting."""
        deadline = time.monotonic() + _PATIENCE_S
        has_old_token = time.monotonic() <= self._token_until
        while True:
            try:
                answer = self._ask(method, f"/api/v2{path}", body)
            except httpx.TransportError as error:
                if time.monotonic() > deadline:
                    raise AirflowSilent("Airflow does not answer", url=self.url, after_s=_PATIENCE_S) from error
            else:
                if answer.is_success:
                    return answer.json()
                if answer.status_code == httpx.codes.CONFLICT and method == "POST":
                    return {}
                if answer.status_code in _NOT_KNOWN and has_old_token:
                    # The server has other keys since, or its clock was set.
                    self._token_until, has_old_token = 0.0, False
                    continue
                if answer.is_client_error or time.monotonic() > deadline:
                    raise RunFailed(
                        "Airflow refused", request=f"{method} {path}", status=answer.status_code, said=answer.text
                    )
            time.sleep(_POLL_S)

    def _ask(self, method: str, path: str, body: Mapping[str, object] | None) -> httpx.Response:
        with httpx.Client(base_url=self.url, timeout=_TIMEOUT_S, trust_env=False) as client:
            if time.monotonic() > self._token_until:
                answer = client.post("/auth/token", json={"username": self.login, "password": self.password})
                if not answer.is_success:
                    return answer
                self._token = answer.json()["access_token"]
                self._token_until = time.monotonic() + _TOKEN_S
            return client.request(method, path, json=body, headers={"Authorization": f"Bearer {self._token}"})


def _task_state(one: Mapping[str, Any]) -> TaskState:
    return TaskState(
        id=one["id"],
        task=one["task_id"],
        map_index=one["map_index"],
        label=one.get("rendered_map_index") or "",
        state=one["state"] or "waiting",
        attempt=one["try_number"],
    )
