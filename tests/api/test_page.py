"""The page of the curators is served to whoever is known, and nothing beside it."""

import asyncio
import base64
import hashlib
from pathlib import Path

import httpx
import pytest
from starlette.routing import Mount

from astrid_core.settings import Settings
from include.api.context import Context
from include.api.page import Page, create_page
from include.api.paths import API, PAGE
from include.api.serve import create_site
from include.api.survey import FRAME
from tests.api.client import NamedIdentity, named

ADA = named("ada", "viewer")


@pytest.fixture
def page(tmp_path: Path) -> Page:
    (tmp_path / "dist" / "assets").mkdir(parents=True)
    (tmp_path / "dist" / "index.html").write_text("<title>Curation</title>")
    (tmp_path / "dist" / "assets" / "page.js").write_text("1")
    (tmp_path / "secret.txt").write_text("secret")
    return create_page(
        [NamedIdentity()], Context(Settings(home=tmp_path)), built=tmp_path / "dist", login_url=lambda: "/auth/login"
    )


def _get(page: Page, path: str, **headers: str) -> httpx.Response:
    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(page), base_url="http://astrid") as client:
            return await client.get(path, headers=headers)

    return asyncio.run(ask())


def _policy(page: Page, path: str) -> dict[str, str]:
    policy = _get(page, path, **ADA).headers["content-security-policy"]
    return dict(part.strip().partition(" ")[::2] for part in policy.split(";"))


def test_whoever_is_known_gets_the_page_and_its_parts(page: Page) -> None:
    answer = _get(page, "/", **ADA)

    assert "Curation" in answer.text
    assert answer.headers["content-type"].startswith("text/html")
    assert _get(page, "/assets/page.js", **ADA).headers["content-type"].startswith("text/javascript")


def test_the_page_may_run_its_own_scripts_and_stand_in_our_own_frame_only(page: Page) -> None:
    told = _policy(page, "/")

    assert told["default-src"] == "'none'"
    assert told["script-src"] == told["connect-src"] == told["frame-ancestors"] == "'self'"


@pytest.fixture
def surveyed(tmp_path: Path) -> Page:
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist" / "index.html").write_text("<title>Curation</title>")
    (tmp_path / "dist" / FRAME).write_text("<script>let it = 1</script>")
    settings = Settings(
        home=tmp_path, aladin_url="https://a.example:8443/x/aladin.js", aladin_survey="https://s.example/dss"
    )
    return create_page([NamedIdentity()], Context(settings), built=tmp_path / "dist")


def test_without_a_survey_nothing_is_framed_or_told_of(page: Page, tmp_path: Path) -> None:
    (tmp_path / "dist" / FRAME).write_text("<script></script>")

    assert _get(page, "/page.json", **ADA).json() == {"survey": None}
    assert _get(page, f"/{FRAME}", **ADA).status_code == 404
    assert _policy(page, "/")["frame-src"] == "'none'"


def test_only_the_frame_of_the_survey_may_load_from_elsewhere_and_it_is_nobodys(surveyed: Page) -> None:
    told = _policy(surveyed, f"/{FRAME}")
    digest = base64.b64encode(hashlib.sha256(b"let it = 1").digest()).decode()

    assert told["sandbox"] == "allow-scripts"
    assert told["script-src"] == f"'sha256-{digest}' https://a.example:8443 'wasm-unsafe-eval'"
    assert told["connect-src"] == "data: https://a.example:8443 https://s.example"
    assert told["default-src"] == "'none'"
    page = _policy(surveyed, "/")
    assert (page["script-src"], page["connect-src"], page["frame-src"]) == ("'self'",) * 3
    assert _get(surveyed, "/page.json", **ADA).json()["survey"]["survey"] == "https://s.example/dss"


@pytest.mark.parametrize("path", ["/page.json", f"/{FRAME}"])
def test_a_stranger_learns_nothing_of_the_survey(surveyed: Page, path: str) -> None:
    assert _get(surveyed, path).status_code == 401


@pytest.mark.parametrize("address", ["aladin.js", "javascript:x", "https://a.example/x; script-src *", "https://a b/x"])
def test_an_address_that_would_say_more_in_a_policy_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="pattern"):
        Settings(aladin_url=address)


def test_a_stranger_is_sent_to_the_login_and_their_script_is_refused(page: Page) -> None:
    sent = _get(page, "/", accept="text/html")

    assert (sent.status_code, sent.headers["location"]) == (307, "/auth/login?next=http%3A%2F%2Fastrid%2F")
    assert _get(page, "/assets/page.js").status_code == 401


@pytest.mark.parametrize(
    "path", ["/../secret.txt", "/%2e%2e/secret.txt", "/..%2fsecret.txt", "//etc/passwd", "/assets", "/none.js", "/%00"]
)
def test_nothing_beside_the_page_is_served(page: Page, path: str) -> None:
    assert _get(page, path, **ADA).status_code == 404


def test_the_server_without_airflow_has_both_where_airflow_has_them(tmp_path: Path) -> None:
    site = create_site(Settings(home=tmp_path))

    assert {route.path for route in site.routes if isinstance(route, Mount)} == {API, PAGE}
