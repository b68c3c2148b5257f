"""What dashboards and alert rules ask for is what the product tells, and every alert has a recipe."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml

from astrid_core.telemetry.figures import FIGURES
from tests.architecture.repository import ROOT

DEPLOY = ROOT / "include" / "deploy"
DASHBOARDS = sorted((DEPLOY / "grafana" / "dashboards").glob("*.json"))
PROMTOOL = shutil.which("promtool")
"""In Debian's package prometheus."""
_NAME = re.compile(r"\b(?:astrid|airflow)_\w+|\bup\b|\bALERTS\b")
_SELECTED = re.compile(r"\b(astrid_\w+)\{([^}]*)\}")
_OF_PROMETHEUS = {"up", "ALERTS"}


def _read(name: str) -> Any:
    return yaml.safe_load((DEPLOY / name).read_text())


def _rules() -> list[dict[str, Any]]:
    return [rule for group in _read("alerts.yaml")["groups"] for rule in group["rules"]]


def _queries() -> Iterator[tuple[str, str]]:
    for rule in _rules():
        yield f"alert {rule['alert']}", rule["expr"]
    for path in DASHBOARDS:
        for panel in json.loads(path.read_text())["panels"]:
            for target in panel["targets"]:
                yield f"{path.stem}: {panel['title']}", target["expr"]


def _told() -> set[str]:
    """Return every name that the product or Airflow tells Prometheus."""
    ours = {series for one in FIGURES for series in one.series}
    registry = files("airflow").joinpath("_shared/observability/metrics/metrics_template.yaml").read_text()
    theirs = {
        f"airflow_{one['name'].replace('.', '_')}{'_total' if one['type'] == 'counter' else ''}"
        for one in yaml.safe_load(registry)["metrics"]
        if one["type"] in {"counter", "gauge"}
    }
    return ours | theirs | _OF_PROMETHEUS


@pytest.mark.parametrize(("where", "query"), list(_queries()), ids=[where for where, _ in _queries()])
def test_a_query_asks_for_what_is_told(where: str, query: str) -> None:
    names = set(_NAME.findall(query))

    assert names, where
    assert names <= _told()
    labels = {series: set(one.attributes) for one in FIGURES for series in one.series}
    for name, selected in _SELECTED.findall(query):
        assert set(re.findall(r"(\w+)\s*[=!]", selected)) <= labels[name], where
    for grouped in re.findall(r"\b(?:by|ignoring) \(([^)]*)\)", query):
        known = {"le", "pool_name"}.union(*(labels.get(name, set()) for name in names))
        assert set(re.split(r",\s*", grouped)) <= known, where


def test_everything_that_is_told_is_looked_at() -> None:
    asked = {name for _, query in _queries() for name in _NAME.findall(query)}

    assert [one.name for one in FIGURES if not asked & set(one.series)] == []


def test_every_alert_has_a_recipe_and_every_recipe_an_alert() -> None:
    recipes = (ROOT / "docs" / "incidents.md").read_text()

    assert re.findall(r"^### (\w+)$", recipes, flags=re.MULTILINE) == [rule["alert"] for rule in _rules()]


def test_a_recipe_says_how_urgent_it_is() -> None:
    recipes = (ROOT / "docs" / "incidents.md").read_text()

    assert dict(re.findall(r"^### (\w+)\n\n\*(\w+)\.\*", recipes, flags=re.MULTILINE)) == {
        rule["alert"]: rule["labels"]["severity"] for rule in _rules()
    }


def test_alerts_say_how_urgent_they_are_and_what_they_are_about() -> None:
    for rule in _rules():
        assert rule["labels"]["severity"] in {"page", "ticket"}, rule["alert"]
        assert rule["annotations"]["summary"], rule["alert"]


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed (Debian's package prometheus)")
def test_prometheus_understands_its_settings_and_the_alerts_fire_when_they_should(tmp_path: Path) -> None:
    settings = (DEPLOY / "prometheus.yaml").read_text().replace("/etc/prometheus/alerts.yaml", f"{DEPLOY}/alerts.yaml")
    (tmp_path / "prometheus.yaml").write_text(settings)
    tried = Path(__file__).parent / "alerts.test.yaml"
    for command in (["check", "config", f"{tmp_path}/prometheus.yaml"], ["test", "rules", str(tried)]):
        done = subprocess.run([str(PROMTOOL), *command], capture_output=True, text=True, timeout=120, check=False)

        assert done.returncode == 0, done.stdout + done.stderr


def test_the_alerts_that_page_somebody_are_tried() -> None:
    tried = yaml.safe_load((Path(__file__).parent / "alerts.test.yaml").read_text())
    names = {one["alertname"] for test in tried["tests"] for one in test["alert_rule_test"] if one.get("exp_alerts")}

    # Whether a target answers is Prometheus' own to say.
    assert {rule["alert"] for rule in _rules() if rule["labels"]["severity"] == "page"} - names == {"CollectorDown"}


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_a_dashboard_can_be_provisioned(path: Path) -> None:
    board = json.loads(path.read_text())
    (source,) = _read("grafana/provisioning/datasources.yaml")["datasources"]
    panels = board["panels"]

    assert board["uid"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    for panel in panels:
        assert panel["datasource"]["uid"] == source["uid"], panel["title"]
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24, panel["title"]


def test_the_collector_uses_what_it_defines_and_prometheus_asks_where_it_answers() -> None:
    collector = _read("otel-collector.yaml")
    used: dict[str, set[str]] = {"receivers": set(), "processors": set(), "exporters": set()}
    for pipeline in collector["service"]["pipelines"].values():
        for kind, names in pipeline.items():
            used[kind] |= set(names)

    assert used == {kind: set(collector[kind]) for kind in used}
    assert set(collector["service"]["extensions"]) == set(collector["extensions"])
    offered = {one["endpoint"].rpartition(":")[2] for name, one in collector["exporters"].items() if "endpoint" in one}
    (job,) = (one for one in _read("prometheus.yaml")["scrape_configs"] if one["job_name"] == "astrid")
    assert {target.rpartition(":")[2] for target in job["static_configs"][0]["targets"]} == offered


def test_sums_of_short_processes_are_put_together_before_they_are_shown() -> None:
    (sums,) = (
        one for name, one in _read("otel-collector.yaml")["service"]["pipelines"].items() if name == "metrics/sums"
    )

    assert sums["processors"][-2:] == ["transform/together", "deltatocumulative"]
