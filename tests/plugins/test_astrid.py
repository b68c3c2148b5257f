import importlib
import sys
from collections.abc import Iterator
from types import ModuleType

import pytest

import plugins.astrid
import plugins.data_quality


@pytest.fixture
def plugin(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The plugin as the API server of Airflow loads it."""
    monkeypatch.setattr(sys, "argv", ["airflow", "api-server"])
    yield importlib.reload(plugins.astrid)
    monkeypatch.undo()
    importlib.reload(plugins.astrid)


def test_only_the_api_server_serves(plugin: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    served = {one["url_prefix"] for one in plugin.Astrid.fastapi_apps}
    monkeypatch.setattr(sys, "argv", ["airflow", "scheduler"])

    assert served == {"/astrid/api", "/astrid/ui"}
    assert importlib.reload(plugins.astrid).Astrid.fastapi_apps == []


def test_the_page_is_linked_where_it_is_served(plugin: ModuleType) -> None:
    served = [str(one["url_prefix"]) for one in plugin.Astrid.fastapi_apps]

    assert plugin.Astrid.external_views[0]["href"].rstrip("/") in served


@pytest.mark.parametrize("name", ["Astrid", "DataQuality"])
def test_pages_are_found_where_a_proxy_serves_airflow_below_a_path(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module = plugins.astrid if name == "Astrid" else plugins.data_quality
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://example.org/observatory")
    (view,) = getattr(importlib.reload(module), name).external_views
    monkeypatch.undo()
    importlib.reload(module)

    assert view["href"].startswith("/observatory/astrid/")
