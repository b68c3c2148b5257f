import asyncio
from pathlib import Path

import httpx
import pytest

from astrid_core.settings import Settings
from include.api.page import Page, create_page
from tests.api.client import NamedIdentity, named


@pytest.fixture
def page(tmp_path: Path) -> Page:
    built = tmp_path / "dist"
    built.mkdir()
    (tmp_path / "package.json").write_text("{}")
    for name in ("index.html", "app.js", "app.css"):
        (built / name).write_text(f"this is {name}")
    return create_page([NamedIdentity()], Settings(home=tmp_path), built=built, login_url=lambda: "/auth/login")


def _get(page: Page, path: str, headers: dict[str, str] | None = None) -> httpx.Response:
    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(page, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://astrid") as client:
            return await client.get(path, headers=headers)

    return asyncio.run(ask())


@pytest.mark.parametrize(
    ("path", "content", "media_type"),
    [("/", "index.html", "text/html"), ("/app.js", "app.js", "text/javascript"), ("/app.css", "app.css", "text/css")],
)
def test_whoever_is_logged_in_gets_the_page(page: Page, path: str, content: str, media_type: str) -> None:
    answer = _get(page, path, named("vera"))
    assert answer.text == f"this is {content}"
    assert answer.headers["content-type"].startswith(media_type)


@pytest.mark.parametrize("path", ["/", "/app.js", "/app.css"])
def test_nobody_else_does(page: Page, path: str) -> None:
    assert _get(page, path).status_code == 401


def test_a_browser_without_a_login_is_sent_to_it(page: Page) -> None:
    answer = _get(page, "/", {"Accept": "text/html"})
    assert answer.status_code == 307
    assert answer.headers["location"] == "/auth/login?next=http%3A%2F%2Fastrid%2F"


@pytest.mark.parametrize("path", ["/../package.json", "/%2e%2e/package.json", "/none.js", "/docs", "/openapi.json"])
def test_nothing_else_is_served(page: Page, path: str) -> None:
    assert _get(page, path, named("vera")).status_code == 404


def test_a_browser_runs_only_our_scripts_and_frames_us_only_in_airflow(page: Page) -> None:
    policy = _get(page, "/", named("vera")).headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "frame-ancestors 'self'" in policy
    assert "unsafe" not in policy


def test_a_browser_asks_whether_its_copy_is_still_the_newest(page: Page) -> None:
    first = _get(page, "/app.js", named("vera"))
    assert "no-cache" in first.headers["cache-control"]
    assert first.headers["etag"]
