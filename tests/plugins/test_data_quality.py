import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from airflow.api_fastapi.core_api.security import get_user

from include.quality.places import PAGES, docs_of
from plugins.data_quality import DataQuality, app


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ASTRID_HOME", str(tmp_path))
    pages = docs_of(tmp_path) / PAGES
    pages.mkdir(parents=True)
    (pages / "one.html").write_text("<p>all well</p>")
    (tmp_path / "secrets.json").write_text("{}")
    return tmp_path


@pytest.fixture
def logged_in(home: Path) -> Iterator[None]:
    assert home.exists()
    app.dependency_overrides[get_user] = object
    yield
    app.dependency_overrides.clear()


def _get(page: str) -> httpx.Response:
    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://quality") as client:
            return await client.get(page)

    return asyncio.run(ask())


@pytest.mark.usefixtures("logged_in")
def test_the_pages_are_served_to_somebody_who_is_logged_in() -> None:
    assert "Nothing was checked yet" in _get("/").text
    assert "all well" in _get(f"/{PAGES}/one.html").text


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("page", ["/", f"/{PAGES}/one.html"])
def test_nobody_else_sees_them(page: str) -> None:
    assert _get(page).status_code == 401


@pytest.mark.usefixtures("logged_in")
@pytest.mark.parametrize(
    "page", ["%2e%2e/%2e%2e/secrets.json", "../../secrets.json", "..%2f..%2fsecrets.json", "none.html", "validations"]
)
def test_nothing_outside_is_served(page: str) -> None:
    assert _get(f"/{PAGES}/{page}").status_code == 404


def test_the_plugin_is_linked_where_it_is_served() -> None:
    assert DataQuality.external_views[0]["href"].startswith(str(DataQuality.fastapi_apps[0]["url_prefix"]))
