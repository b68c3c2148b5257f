"""The values for the official Airflow chart say what it takes, give nothing away, and encrypt what leaves a pod.

No cluster and no Helm is needed: the files are checked, not rendered.
"""

import json
import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml
from airflow.providers.cncf.kubernetes.get_provider_info import get_provider_info as kubernetes_provider_info
from airflow.providers.fab.get_provider_info import get_provider_info
from jsonschema import Draft202012Validator
from kubernetes import client

from astrid_core.settings import Settings
from include.api.app import create_app
from include.api.paths import API
from tests.architecture.repository import ROOT

HELM = ROOT / "include" / "deploy" / "helm"
BOTH = ["values.yaml", "values-celery.yaml"]
VALUES: dict[str, Any] = yaml.safe_load((HELM / "values.yaml").read_text())
POLICIES: list[dict[str, Any]] = list(yaml.safe_load_all((HELM / "network-policies.yaml").read_text()))
SECRET = re.compile(r"PASSWORD|SECRET|KEY|TOKEN|DSN|DATABASE_URL")


@pytest.fixture(name="validator", scope="module")
def _validator() -> Draft202012Validator:
    schema = json.loads((Path(__file__).parent / "helm.schema.json").read_text())
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def _unknown(value: Any, kind: str, where: str = "") -> Iterator[str]:
    """Yield what Kubernetes does not know of an object of this kind, and what lacks."""
    if (inner := re.fullmatch(r"list\[(.+)\]", kind)) is not None:
        assert isinstance(value, list), where
        for number, one in enumerate(value):
            yield from _unknown(one, inner[1], f"{where}[{number}]")
    elif kind.startswith("V1"):
        model = getattr(client, kind)
        names = {told: name for name, told in model.attribute_map.items()}
        for told, one in value.items():
            if told not in names:
                yield f"{where}.{told}"
            else:
                yield from _unknown(one, model.openapi_types[names[told]], f"{where}.{told}")
        model(**{names[told]: one for told, one in value.items() if told in names})


@pytest.mark.parametrize("name", BOTH)
def test_the_values_are_those_of_the_chart(name: str, validator: Draft202012Validator) -> None:
    values = yaml.safe_load((HELM / name).read_text())

    assert [f"{'.'.join(map(str, error.path))}: {error.message}" for error in validator.iter_errors(values)] == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"networkPolicy": {"enabled": True}},
        {"executor": "LocalExecutor"},
        {"triggerer": {"keda": {"enabled": True, "maxReplicas": 3}}},
        {"ingress": {"apiServer": {"hosts": [{"name": "a", "tls": {"enabled": False, "secretName": "b"}}]}}},
    ],
)
def test_the_schema_refuses_mistakes(wrong: dict[str, Any], validator: Draft202012Validator) -> None:
    assert not validator.is_valid({**VALUES, **wrong})


def test_kubernetes_knows_what_is_passed_on_to_it() -> None:
    assert [*_unknown(VALUES["securityContexts"]["pod"], "V1PodSecurityContext")] == []
    assert [*_unknown(VALUES["securityContexts"]["containers"], "V1SecurityContext")] == []
    assert [*_unknown(VALUES["volumes"], "list[V1Volume]")] == []
    assert [*_unknown(VALUES["volumeMounts"], "list[V1VolumeMount]")] == []
    for name in ("apiServer", "scheduler", "dagProcessor", "triggerer", "workers"):
        assert [*_unknown(VALUES[name]["resources"], "V1ResourceRequirements")] == [], name
        assert [*_unknown(VALUES[name].get("extraContainers", []), "list[V1Container]")] == [], name
    for policy in POLICIES:
        assert [*_unknown(policy, "V1NetworkPolicy")] == [], policy["metadata"]["name"]
        assert (policy["apiVersion"], policy["kind"]) == ("networking.k8s.io/v1", "NetworkPolicy")


def test_a_field_that_kubernetes_does_not_know_is_found() -> None:
    assert [*_unknown({"runAsNonRoot": True, "runAsUsr": 1}, "V1SecurityContext")] == [".runAsUsr"]
    assert [*_unknown([{"name": "a", "emptyDir": {"size": "1Gi"}}], "list[V1Volume]")] == ["[0].emptyDir.size"]


def test_nothing_runs_as_root_or_writes_where_it_should_not() -> None:
    pod, container = VALUES["securityContexts"]["pod"], VALUES["securityContexts"]["containers"]
    (user,) = re.findall(r"^USER (\d+)$", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)

    assert pod["runAsNonRoot"] is True
    assert int(user) == pod["runAsUser"] == VALUES["uid"]
    for one in (container, *(extra["securityContext"] for extra in VALUES["apiServer"]["extraContainers"])):
        assert one["readOnlyRootFilesystem"] is True
        assert one["allowPrivilegeEscalation"] is False
        assert one["capabilities"] == {"drop": ["ALL"]}
    assert {"/tmp", "/opt/airflow"} <= {mount["mountPath"] for mount in VALUES["volumeMounts"]}
    assert {mount["name"] for mount in VALUES["volumeMounts"]} == {volume["name"] for volume in VALUES["volumes"]}


def test_secrets_are_named_and_never_written_down() -> None:
    plain = {one["name"] for one in VALUES["env"]}

    assert {name for name in plain if SECRET.search(name)} == set()
    for name in BOTH:
        text = re.sub(r"#.*", "", (HELM / name).read_text())
        assert not re.search(r"://[^\s/]*:[^\s/]*@", text)
    assert {one["secretName"] for one in VALUES["secret"]} <= set(re.findall(r"\bastrid-[a-z0-9-]+", _operations()))


def test_every_secret_is_explained() -> None:
    named = re.findall(r"(?:SecretName|secretName): ([a-z0-9-]+)", "".join((HELM / name).read_text() for name in BOTH))

    assert named
    assert {name for name in named if f"`{name}`" not in _operations()} == set()


def _operations() -> str:
    return (ROOT / "docs" / "operations.md").read_text()


def test_our_settings_and_those_of_airflow_are_known() -> None:
    known = {f"ASTRID_{name.upper()}" for name in Settings.model_fields}
    ours = {one["name"] for one in VALUES["env"]} | {one["envName"] for one in VALUES["secret"]}
    options = yaml.safe_load(files("airflow").joinpath("config_templates/config.yml").read_text())
    options |= get_provider_info()["config"] | kubernetes_provider_info()["config"]

    assert {name for name in ours if name.startswith("ASTRID_")} <= known
    for section, chosen in VALUES["config"].items():
        assert set(chosen) <= set(options[section]["options"]), section


def test_what_leaves_a_pod_is_encrypted() -> None:
    for one in VALUES["env"]:
        assert not one["value"].startswith("http://"), one["name"]
    assert all(host["tls"]["enabled"] for host in VALUES["ingress"]["apiServer"]["hosts"])
    text = (HELM / "values.yaml").read_text()
    assert text.count("sslmode=verify-full") == 2
    assert "rediss://" in (HELM / "values-celery.yaml").read_text()


def test_probes_ask_what_is_served_to_anybody() -> None:
    (ready,) = VALUES["apiServer"]["extraContainers"]
    path = ready["readinessProbe"]["httpGet"]["path"]
    served = {f"{API}{getattr(route, 'path', '')}" for route in create_app([]).routes}

    assert path in served
    assert ready["readinessProbe"]["timeoutSeconds"] > Settings.model_fields["health_timeout_s"].default


def test_nothing_comes_in_that_is_not_named_and_tasks_get_no_credentials_of_machines() -> None:
    (closed,) = (one["spec"] for one in POLICIES if one["spec"]["podSelector"] == {})
    (tasks,) = (one["spec"] for one in POLICIES if one["spec"]["policyTypes"] == ["Egress"])
    (outside,) = (peer["ipBlock"] for rule in tasks["egress"] for peer in rule["to"] if "ipBlock" in peer)

    assert closed == {"podSelector": {}, "policyTypes": ["Ingress"]}
    assert "169.254.0.0/16" in outside["except"]
    assert {port["port"] for rule in tasks["egress"] for port in rule["ports"]} == {53, 443, 4318, 5432, 8080}
