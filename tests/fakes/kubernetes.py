"""The part of a Kubernetes API that watches pods, on loopback: a pod's command runs as a process of this machine."""

import json
import os
import re
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

_POD = re.compile(r"^/api/v1/namespaces/(?P<namespace>[^/]+)/pods(/(?P<name>[^/]+))?(?P<log>/log)?$")
_POLL_S = 0.05


@dataclass(slots=True)
class Faults:
    """What goes wrong, counted down as it does."""

    server_errors: int = 0
    """Answers 500 to as many requests about pods."""
    cut_logs: int = 0
    """Ends as many streams of logs after their first line."""
    evictions: int = 0
    """Pushes as many pods off their node as soon as they have said something."""
    out_of_memory: int = 0
    """Kills as many pods as the kernel does."""
    lost_pods: int = 0
    """Deletes as many pods while they run, as a drained node does."""


@dataclass(slots=True)
class Pod:
    """One pod and its process."""

    manifest: dict[str, Any]
    process: subprocess.Popen[str]
    listener: threading.Thread = field(default_factory=threading.Thread)
    """Takes what it says, and ends after it."""
    lines: list[str] = field(default_factory=list)
    end: str = ""
    """What ended it from outside: ``Evicted``, ``OOMKilled`` or ``lost``."""


class Cluster:
    """Pods by name, and the server that tells about them; use as a context."""

    def __init__(self, folder: Path, environment: Mapping[str, str] | None = None) -> None:
        self._folder = folder
        self.environment = dict(environment or {})
        """Of every pod, before its own."""
        self._lock = threading.RLock()
        self.pods: dict[str, Pod] = {}
        self.made: list[dict[str, Any]] = []
        """Manifests, in order, of all pods that ever were."""
        self.faults = Faults()
        self.requests: Counter[str] = Counter()
        self._server = _Server(self)

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": _POLL_S}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        for pod in [*self.pods.values()]:
            _kill(pod.process)
            pod.listener.join()

    @property
    def kubeconfig(self) -> Path:
        """A file that leads clients here."""
        path = self._folder / "kubeconfig"
        server = f"http://127.0.0.1:{self._server.server_port}"
        content = {
            "apiVersion": "v1", "kind": "Config", "current-context": "test",
            "clusters": [{"name": "test", "cluster": {"server": server}}],
            "users": [{"name": "test", "user": {}}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
        }  # fmt: skip
        path.write_text(json.dumps(content))
        return path

    @property
    def connection(self) -> str:
        """Airflow's connection ``kubernetes_default``, as JSON."""
        return json.dumps({"conn_type": "kubernetes", "extra": {"kube_config_path": str(self.kubeconfig)}})

    def create(self, namespace: str, manifest: dict[str, Any]) -> dict[str, Any]:
        """Start the command of the container ``base``."""
        container = next(one for one in manifest["spec"]["containers"] if one["name"] == "base")
        told = {one["name"]: one["value"] for one in container.get("env", ()) if "value" in one}
        process = subprocess.Popen(
            [*container.get("command", ()), *container.get("args", ())],
            env={**told, **self.environment}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            start_new_session=True,
        )  # fmt: skip
        name = manifest["metadata"]["name"]
        manifest["metadata"] |= {"namespace": namespace, "uid": name, "creationTimestamp": _now()}
        pod = Pod(manifest=manifest, process=process)
        pod.listener = threading.Thread(target=self._listen, args=(pod,), daemon=True)
        with self._lock:
            self.pods[name] = pod
            self.made.append(manifest)
        pod.listener.start()
        return self.describe(pod)

    def _listen(self, pod: Pod) -> None:
        assert pod.process.stdout is not None
        with pod.process.stdout:
            for line in pod.process.stdout:
                pod.lines.append(f"{_now()} {line.rstrip()}")
                self._hurt(pod)
        pod.process.wait()

    def _hurt(self, pod: Pod) -> None:
        with self._lock:
            for fault, end in (("evictions", "Evicted"), ("out_of_memory", "OOMKilled"), ("lost_pods", "lost")):
                if getattr(self.faults, fault) and not pod.end:
                    setattr(self.faults, fault, getattr(self.faults, fault) - 1)
                    pod.end = end
                    if end == "lost":
                        self.pods.pop(pod.manifest["metadata"]["name"], None)
                    _kill(pod.process)

    def describe(self, pod: Pod) -> dict[str, Any]:
        """Return the pod with its status."""
        return {**pod.manifest, "status": _status(pod)}

    def delete(self, name: str) -> bool:
        """End a pod and forget it."""
        with self._lock:
            pod = self.pods.pop(name, None)
        if pod is not None:
            _kill(pod.process)
        return pod is not None

    def select(self, namespace: str, selector: str) -> list[dict[str, Any]]:
        """Return the pods whose labels fit."""
        with self._lock:
            pods = [one for one in self.pods.values() if one.manifest["metadata"]["namespace"] == namespace]
        return [self.describe(one) for one in pods if _fits(one.manifest["metadata"].get("labels", {}), selector)]

    def log(self, pod: Pod, *, follow: bool) -> Iterator[str]:
        """Return what a pod says, until it ends."""
        n_told = 0
        while True:
            is_over = not pod.listener.is_alive()
            for line in pod.lines[n_told:]:
                n_told += 1
                yield line
                if self._cuts_log():
                    return
            if is_over or not follow:
                return
            time.sleep(_POLL_S)

    def _cuts_log(self) -> bool:
        with self._lock:
            cuts = self.faults.cut_logs > 0
            self.faults.cut_logs -= cuts
            return cuts

    def fails(self) -> bool:
        """Tell whether the next request is to fail."""
        with self._lock:
            fails = self.faults.server_errors > 0
            self.faults.server_errors -= fails
            return fails


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, cluster: Cluster) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.cluster = cluster


class _Handler(BaseHTTPRequestHandler):
    """Requests of clients."""

    server: "_Server"

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        self._answer(self._read)

    def do_POST(self) -> None:
        self._answer(self._create)

    def do_PATCH(self) -> None:
        self._answer(self._patch)

    def do_DELETE(self) -> None:
        self._answer(self._delete)

    def _answer(self, act: Callable[[str, str | None, bool, dict[str, list[str]]], tuple[int, Any]]) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        self.body = json.loads(self.rfile.read(length)) if length else {}
        address = urlsplit(self.path)
        found = _POD.match(address.path)
        self.server.cluster.requests[f"{self.command} {'pods' if found else 'other'}"] += 1
        if found is None:
            self._send(200, {"kind": "List", "apiVersion": "v1", "metadata": {}, "items": []})
        elif self.server.cluster.fails():
            self._send(500, _failure(500, "InternalError"))
        else:
            status, content = act(found["namespace"], found["name"], found["log"] is not None, parse_qs(address.query))
            if status:
                self._send(status, content)

    def _read(self, namespace: str, name: str | None, wants_log: bool, query: dict[str, list[str]]) -> tuple[int, Any]:
        if name is None:
            items = self.server.cluster.select(namespace, query.get("labelSelector", [""])[0])
            return 200, {"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": items}
        pod = self.server.cluster.pods.get(name)
        if pod is None:
            return 404, _failure(404, "NotFound")
        if not wants_log:
            return 200, self.server.cluster.describe(pod)
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.end_headers()
        for line in self.server.cluster.log(pod, follow=query.get("follow", ["false"])[0].lower() == "true"):
            self.wfile.write(f"{line}\n".encode())
            self.wfile.flush()
        return 0, None

    def _create(self, namespace: str, *_: object) -> tuple[int, Any]:
        return 201, self.server.cluster.create(namespace, self.body)

    def _patch(self, _namespace: str, name: str | None, *_: object) -> tuple[int, Any]:
        pod = self.server.cluster.pods.get(name or "")
        if pod is None:
            return 404, _failure(404, "NotFound")
        pod.manifest["metadata"].setdefault("labels", {}).update(self.body["metadata"]["labels"])
        return 200, self.server.cluster.describe(pod)

    def _delete(self, _namespace: str, name: str | None, *_: object) -> tuple[int, Any]:
        there = self.server.cluster.delete(name or "")
        return (200, {"kind": "Status", "status": "Success"}) if there else (404, _failure(404, "NotFound"))

    def _send(self, status: int, content: Any) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _status(pod: Pod) -> dict[str, Any]:
    code = None if pod.listener.is_alive() else pod.process.poll()
    running = {"phase": "Running", "startTime": pod.manifest["metadata"]["creationTimestamp"]}
    scheduled = [{"type": "PodScheduled", "status": "True"}]
    container: dict[str, Any] = {"name": "base", "ready": code is None, "restartCount": 0, "image": "", "imageID": ""}
    if code is None:
        container["state"] = {"running": {"startedAt": running["startTime"]}}
        return running | {"conditions": scheduled, "containerStatuses": [container]}
    if pod.end == "Evicted":
        return {
            "phase": "Failed", "reason": "Evicted", "message": "The node was low on resource: memory.",
            "conditions": scheduled,
        }  # fmt: skip
    if pod.end == "OOMKilled":
        terminated = {"exitCode": 137, "reason": "OOMKilled"}
    else:
        words = "\n".join(line.split(" ", 1)[1] for line in pod.lines[-5:]) if code else ""
        terminated = {"exitCode": code, "reason": "Error" if code else "Completed", "message": words}
    container["state"] = {"terminated": terminated | {"startedAt": running["startTime"], "finishedAt": _now()}}
    return {
        "phase": "Failed" if terminated["exitCode"] else "Succeeded", "conditions": scheduled,
        "containerStatuses": [container],
    }  # fmt: skip


def _fits(labels: Mapping[str, str], selector: str) -> bool:
    for one in filter(None, selector.split(",")):
        if one.startswith("!"):
            if one[1:] in labels:
                return False
        elif "!=" in one:
            name, value = one.split("!=")
            if labels.get(name) == value:
                return False
        else:
            name, value = one.split("=", 1)
            if labels.get(name) != value:
                return False
    return True


def _failure(code: int, reason: str) -> dict[str, Any]:
    return {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason, "code": code}


def _now() -> str:
    return datetime.now(tz=UTC).isoformat().replace("+00:00", "Z")


def _kill(process: "subprocess.Popen[str]") -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
