"""docker-compose.yaml says what the Compose specification allows, starts in the right order, and gives nothing away.

No Docker engine is needed: the file is checked, not started.
"""

import ast
import importlib
import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml
from airflow.providers.fab.get_provider_info import get_provider_info
from jsonschema import Draft202012Validator

from astrid_core.curation.access import Role, airflow_role_named
from astrid_core.settings import Settings
from tests.architecture.repository import ROOT

_VARIABLE = re.compile(r"\$\{(\w+)(:[?-][^}]*)?\}")


@pytest.fixture(name="compose", scope="module")
def _compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yaml").read_text())
    return loaded


@pytest.fixture(name="validator", scope="module")
def _validator() -> Draft202012Validator:
    schema = json.loads((Path(__file__).parent / "compose.schema.json").read_text())
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def test_the_file_follows_the_specification(compose: dict[str, Any], validator: Draft202012Validator) -> None:
    assert [f"{'.'.join(map(str, error.path))}: {error.message}" for error in validator.iter_errors(compose)] == []


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("imagee", "postgres:18"),
        ("restart", True),
        ("ports", [8080]),
        ("depends_on", {"postgres": {"condition": "healthy"}}),
        ("healthcheck", {"test": "true", "interval": 5}),
        ("volumes", ["nowhere"]),
        ("environment", {"A": ["list"]}),
    ],
)
def test_the_schema_refuses_mistakes(
    compose: dict[str, Any], validator: Draft202012Validator, key: str, value: object
) -> None:
    services = compose["services"] | {"scheduler": compose["services"]["scheduler"] | {key: value}}

    assert not validator.is_valid(compose | {"services": services})


def test_everything_that_is_named_exists(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        assert set(service.get("depends_on", {})) <= set(compose["services"]), name
        assert {config["source"] for config in service.get("configs", [])} <= set(compose["configs"]), name
        named = {volume.split(":")[0] for volume in service.get("volumes", []) if volume[0] not in "$./"}
        assert named <= set(compose["volumes"]), name


def test_whoever_waits_for_health_waits_for_a_health_check(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        for other, how in service.get("depends_on", {}).items():
            target = compose["services"][other]
            if how["condition"] == "service_healthy":
                assert "healthcheck" in target, f"{name} -> {other}"
            if how["condition"] == "service_completed_successfully":
                assert target["restart"] == "no", f"{name} -> {other}"


def test_services_start_in_an_order_that_exists(compose: dict[str, Any]) -> None:
    started: list[str] = []
    waiting = {name: set(service.get("depends_on", {})) for name, service in compose["services"].items()}
    while waiting:
        ready = sorted(name for name, others in waiting.items() if others <= set(started))
        assert ready, f"these wait for each other: {sorted(waiting)}"
        started += ready
        waiting = {name: others for name, others in waiting.items() if name not in ready}

    for late in ("scheduler", "dag-processor", "triggerer"):
        assert started.index("postgres") < started.index("migrate") < started.index("api-server") < started.index(late)


def test_the_scheduler_waits_for_a_healthy_api_server(compose: dict[str, Any]) -> None:
    for name in ("scheduler", "dag-processor", "triggerer"):
        assert compose["services"][name]["depends_on"]["api-server"] == {"condition": "service_healthy"}


def test_whatever_runs_ours_or_is_asked_from_outside_is_bounded(compose: dict[str, Any]) -> None:
    # PostgreSQL's own start changes its user and owns its folder; the bucket is made once.
    for name, service in compose["services"].items():
        if name in {"postgres", "buckets"}:
            continue
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name


def test_who_runs_airflow_may_write_where_airflow_writes(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        if service.get("command", [""])[0] in {"airflow", "bash"}:
            written = {mount.split(":")[0] for mount in service["tmpfs"]}
            assert {"/tmp", "/opt/airflow"} <= written, name
            assert "logs:/opt/airflow/logs" in service["volumes"], name


def test_files_that_are_mounted_exist(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        for volume in service.get("volumes", []):
            if volume.startswith("./"):
                assert (ROOT / volume.split(":")[0]).exists(), f"{name}: {volume}"


def test_without_a_profile_nothing_waits_for_what_only_a_profile_starts(compose: dict[str, Any]) -> None:
    profiles = {name: set(service.get("profiles", [])) for name, service in compose["services"].items()}
    for name, service in compose["services"].items():
        for other in service.get("depends_on", {}):
            assert not profiles[other] or (profiles[name] and profiles[name] <= profiles[other]), f"{name} -> {other}"

    assert set().union(*profiles.values()) == {"celery", "gpu", "monitoring"}


def test_images_of_both_kinds_are_built_from_the_same_file(compose: dict[str, Any]) -> None:
    built = {
        service["image"]: service["build"]["args"]["VARIANT"]
        for service in compose["services"].values()
        if "build" in service
    }

    assert sorted(built.values()) == ["cpu", "gpu"]
    assert {"ASTRID_ARRAYS": "cupy"}.items() <= compose["services"]["gpu-worker"]["environment"].items()


def test_images_are_pinned(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        tag = service["image"].partition(":")[2]
        assert re.search(r"\d", tag), f"{name} runs {service['image']}"
        assert tag != "latest"


def test_no_secret_has_a_default(compose: dict[str, Any]) -> None:
    secret = re.compile(r"PASSWORD|SECRET|FERNET|JWT")
    for name, service in compose["services"].items():
        for key, value in service.get("environment", {}).items():
            if secret.search(key):
                assert re.fullmatch(r"\$\{\w+:\?[^}]+\}", str(value)), f"{name}: {key}"
    for variable, rest in _VARIABLE.findall((ROOT / "docker-compose.yaml").read_text()):
        if secret.search(variable):
            assert rest.startswith(":?"), variable
    assert not re.search(r"://\w+:(?!\$\{)[^/\s]*@", (ROOT / "docker-compose.yaml").read_text()), (
        "a password in an address"
    )


def test_nothing_is_published_beyond_this_machine(compose: dict[str, Any]) -> None:
    published = [port for service in compose["services"].values() for port in service.get("ports", [])]

    assert published
    assert [port for port in published if not port.startswith("127.0.0.1:")] == []


def test_every_variable_is_explained(compose: dict[str, Any]) -> None:
    text = (ROOT / "docs" / "operations.md").read_text()
    variables = {name for name, _ in _VARIABLE.findall(json.dumps(compose))}

    assert {name for name in variables if f"`{name}`" not in text} == set()


def test_our_settings_are_known(compose: dict[str, Any]) -> None:
    ours = {key for key in compose["x-airflow"]["environment"] if key.startswith("ASTRID_")}
    known = {f"ASTRID_{name.upper()}" for name in Settings.model_fields}

    assert ours
    assert ours <= known


def _celery_options() -> dict[str, Any]:
    """Return the options of the provider that the image has; where it is not installed, those that were seen in it."""
    try:
        provider = importlib.import_module("airflow.providers.celery.get_provider_info")
    except ImportError:
        return {"celery": {"options": {"broker_url", "result_backend", "worker_concurrency"}}}
    found: dict[str, Any] = provider.get_provider_info()["config"]
    return found


def test_every_role_of_ours_can_be_given_in_airflow_and_sees_our_pages(compose: dict[str, Any]) -> None:
    made = json.loads(compose["x-airflow"]["environment"]["AIRFLOW__FAB__CUSTOM_ROLES"])

    assert {airflow_role_named(name) for name in made} == set(Role)
    assert all({"action": "can_read", "resource": "Plugins"} in permissions for permissions in made.values())


def test_airflow_knows_every_option_that_is_set(compose: dict[str, Any]) -> None:
    options = yaml.safe_load(files("airflow").joinpath("config_templates/config.yml").read_text())
    options |= get_provider_info()["config"] | _celery_options()
    for key in compose["x-airflow"]["environment"]:
        if key.startswith("AIRFLOW__"):
            _, section, option = key.lower().split("__")
            assert option in options[section]["options"], key


@contextmanager
def answering(body: object) -> Iterator[str]:
    """Serve one JSON body with status 200 on loopback."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base class
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(
    ("body", "part", "expected"),
    [
        ({"scheduler": {"status": "healthy"}}, "scheduler", 0),
        ({"scheduler": {"status": "unhealthy"}}, "scheduler", 1),
        ({"scheduler": {"status": None}}, "scheduler", 1),
        ({"experiments": [{"experiment_id": "0"}]}, "experiments", 0),
        ({"experiments": []}, "experiments", 1),
        ({"status": "ok", "parts": {}}, "status", 0),
        ({"status": "degraded", "parts": {}}, "status", 1),
        ({"error": "no such thing"}, "scheduler", 1),
    ],
)
def test_health_is_read_from_the_body(compose: dict[str, Any], body: object, part: str, expected: int) -> None:
    script = compose["configs"]["health"]["content"]
    with answering(body) as url:
        done = subprocess.run([sys.executable, "-c", script, url, part], capture_output=True, timeout=30, check=False)

    assert done.returncode == expected, done.stderr


def test_every_airflow_component_asks_for_its_own_part(compose: dict[str, Any]) -> None:
    components = {
        name: service for name, service in compose["services"].items() if service.get("command", [""])[0] == "airflow"
    }
    asked = {name: service["healthcheck"]["test"][-1] for name, service in components.items()}

    assert {name: part for name, part in asked.items() if name not in {"worker", "gpu-worker"}} == {
        "api-server": "status",
        "scheduler": "scheduler",
        "dag-processor": "dag_processor",
        "triggerer": "triggerer",
    }


def test_python_inside_the_file_compiles_and_imports(compose: dict[str, Any]) -> None:
    ast.parse(compose["configs"]["health"]["content"])
    migrate = compose["services"]["migrate"]["command"][-1]
    (statement,) = re.findall(r"python -c '([^']+)'", migrate)
    (imported,) = (node for node in ast.parse(statement).body if isinstance(node, ast.ImportFrom))

    assert imported.module == "astrid_core.bootstrap"
    assert f"def {imported.names[0].name}(" in (ROOT / "astrid_core" / "bootstrap.py").read_text()
