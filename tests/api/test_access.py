"""Every route against every role and every credential that is none: what a route permits is what it names."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import jwt
import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from pydantic import SecretStr

from astrid_core.curation.access import Permission, Role, permissions_of
from astrid_core.settings import Settings
from astrid_core.stages.access import set_roles
from astrid_core.stages.keys import create_key, revoke_key
from include.api.app import Api, create_app
from include.api.identity import Needs, who
from include.api.key_identity import KeyIdentity
from include.api.token_identity import TokenIdentity
from tests.api.client import Client, NamedIdentity, named
from tests.api.night import services_in

OPEN = {("GET", path) for path in ("/v1/health", "/v1/health/live", "/v1/health/ready", "/v1/health/deep")}
"""All that is answered to anybody."""
FOR_ONESELF = {("GET", "/v1/me")}
"""All that is answered to whoever is known, with a role or without."""
ISSUER, SECRET = "https://issuer.example/auth/v1", "a secret of more than thirty-two bytes, for tests"
NOW = datetime.now(UTC)
PARTS = {
    "{observation_id:path}": "demo:x", "{night}": "2024-01-20", "{detection_id}": "detect-0:1", "{key_id}": "0" * 16,
    "{entry_id}": "00000000-0000-0000-0000-000000000000", "{verdict_id}": "00000000-0000-0000-0000-000000000000",
    "{batch}": "00000000-0000-0000-0000-000000000000", "{digest}": "0" * 64, "{login}": "nobody",
    "{key}": "export-0",
}  # fmt: skip
Route = tuple[str, str]


def _calls(dependant: Dependant) -> Iterator[object]:
    """Yield everything that a route depends on."""
    for one in dependant.dependencies:
        yield one.call
        yield from _calls(one)


def _needed() -> dict[Route, Permission | None]:
    """Return the permission that each route names."""
    found: dict[Route, Permission | None] = {}
    for route in create_app([]).routes:
        assert isinstance(route, APIRoute), f"{route} is served and nobody is asked"
        permissions = {one.permission for one in _calls(route.dependant) if isinstance(one, Needs)}
        assert len(permissions) <= 1, route.path
        assert permissions or any(one is who for one in _calls(route.dependant)) or ("GET", route.path) in OPEN
        found |= dict.fromkeys(((method, route.path) for method in route.methods), next(iter(permissions), None))
    return found


NEEDED = _needed()
GUARDED = sorted(route for route in NEEDED if route not in OPEN)


def _asked(route: Route) -> Route:
    method, path = route
    for part, value in PARTS.items():
        path = path.replace(part, value)
    assert "{" not in path
    return method, path.removeprefix("/v1")


@pytest.fixture
def everybody(app: Api) -> Iterator[Client]:
    """Somebody of every role is on record under its name; ``nobody`` has none."""
    with services_in(app.state.context.settings) as services:
        for role in Role:
            set_roles(services, login=role.value, roles=[role])
    client = Client(app)
    yield client
    client.close()


def test_only_what_is_meant_for_all_names_no_permission() -> None:
    assert {route for route, permission in NEEDED.items() if permission is None} == OPEN | FOR_ONESELF


def test_changing_takes_more_than_reading() -> None:
    # What reading permits to change concerns only whoever asks: keys, which never permit more than their roles do.
    changing = {route for route, needed in NEEDED.items() if route[0] != "GET" and needed is Permission.READ}

    assert changing == {
        ("POST", "/v1/me/keys"), ("POST", "/v1/me/keys/{key_id}/revoke"), ("HEAD", "/v1/artifacts/{digest}"),
    }  # fmt: skip


@pytest.mark.parametrize("role", [None, *Role])
def test_a_role_opens_what_it_permits_and_nothing_else(everybody: Client, role: Role | None) -> None:
    permitted = permissions_of([role] if role else [])
    headers = named(role.value, role) if role else named("nobody")
    answers = everybody.ask_all([_asked(route) for route in GUARDED], headers=headers)

    for route, answer in zip(GUARDED, answers, strict=True):
        needed = NEEDED[route]
        is_open = needed is None or needed in permitted
        assert answer.status_code != 401, route
        assert (answer.status_code != 403) == is_open, (route, answer.status_code)
        assert answer.status_code < 500, (route, answer.text)


@pytest.mark.parametrize(
    "authorization", ["", "Bearer", "Bearer ", "Basic YWRtaW46YWRtaW4=", "ada:admin", "Bearer :admin", "bearer"]
)
def test_nobody_opens_nothing(everybody: Client, authorization: str) -> None:
    answers = everybody.ask_all([_asked(route) for route in GUARDED], headers={"Authorization": authorization})

    for route, answer in zip(GUARDED, answers, strict=True):
        assert answer.status_code == 401, route
        assert answer.headers["www-authenticate"] == "Bearer"
    assert everybody.get("/health", headers={"Authorization": authorization}).json() == {"status": "ok"}
    assert everybody.get("/health", headers=named("vera")).json()["database"] == "ok"


def _keys(settings: Settings) -> dict[str, str]:
    """Make a key for the arbiter that reads, and others that do not open anything any more, or never did."""
    until = NOW + timedelta(days=1)
    with services_in(settings) as services:
        made = {
            name: create_key(services, owner="arbiter", name=name, scopes=[Permission.READ], expires=until, at=at)
            for name, at in (("good", NOW), ("revoked", NOW))
        }
        early = NOW - timedelta(days=2)
        made["expired"] = create_key(
            services, owner="arbiter", name="old", scopes=[Permission.READ], expires=early + timedelta(days=1), at=early
        )
        revoke_key(services, key_id=made["revoked"].key.id, at=NOW)
    texts = {name: one.shown.text for name, one in made.items()}
    good, other = texts["good"], texts["expired"]
    return texts | {
        "of another secret": good[:24] + other[24:],
        "cut off": good[:-1],
        "unknown": good.replace(made["good"].key.id, "0" * 16),
    }


def test_a_key_opens_what_its_scopes_and_its_owner_permit(everybody: Client) -> None:
    settings = everybody.app.state.context.settings
    texts = _keys(settings)
    client = Client(create_app([KeyIdentity(), NamedIdentity()], settings, opener=services_in))
    for name, text in texts.items():
        answers = client.ask_all([_asked(route) for route in GUARDED], headers={"Authorization": f"Bearer {text}"})
        for route, answer in zip(GUARDED, answers, strict=True):
            if name != "good":
                assert answer.status_code == 401, (name, route)
                assert text[-20:] not in answer.text
            elif NEEDED[route] in (None, Permission.READ):
                assert answer.status_code not in {401, 403}, (name, route, answer.text)
            else:
                assert answer.status_code == 403, (name, route)
    with services_in(settings) as services:
        set_roles(services, login="arbiter", roles=[])
    gone = client.get("/detections", headers={"Authorization": f"Bearer {texts['good']}"})

    assert gone.status_code == 403
    client.close()


def _tokens() -> dict[str, str]:
    """Make a token that holds and all kinds that do not."""
    good = {
        "iss": ISSUER, "aud": "astrid", "sub": "tess", "exp": NOW + timedelta(hours=1), "roles": ["reviewer"],
    }  # fmt: skip
    wrong = {
        "expired": {**good, "exp": NOW - timedelta(hours=1)},
        "of another audience": {**good, "aud": "airflow"},
        "of another issuer": {**good, "iss": "https://elsewhere.example"},
        "without an end": {name: value for name, value in good.items() if name != "exp"},
        "without a name": {name: value for name, value in good.items() if name != "sub"},
    }
    made = {name: jwt.encode(claims, SECRET, algorithm="HS256") for name, claims in {"good": good, **wrong}.items()}
    made["of another signature"] = jwt.encode(good, "another secret of enough bytes for HS256", algorithm="HS256")
    made["unsigned"] = jwt.encode(good, "", algorithm="none")
    head, claims, _ = made["good"].split(".")
    made["of changed claims"] = ".".join((head, claims[:-4] + "AAAA", made["good"].rpartition(".")[2]))
    return made | {"cut off": f"{head}.{claims}."}


def test_a_token_opens_what_its_issuer_and_we_permit_while_it_holds(everybody: Client) -> None:
    told = everybody.app.state.context.settings.model_copy(
        update={
            "token_issuer": ISSUER,
            "token_audience": "astrid",
            "token_secret": SecretStr(SECRET),
            "token_roles_claim": "roles",
        }
    )
    client = Client(create_app([KeyIdentity(), TokenIdentity()], told, opener=services_in))
    for name, text in _tokens().items():
        answers = client.ask_all([_asked(route) for route in GUARDED], headers={"Authorization": f"Bearer {text}"})
        for route, answer in zip(GUARDED, answers, strict=True):
            is_open = NEEDED[route] in (None, *permissions_of([Role.REVIEWER]))
            expected = 401 if name != "good" else None if is_open else 403
            assert (answer.status_code if answer.status_code in {401, 403} else None) == expected, (name, route)
    client.close()


def test_keys_are_made_shown_once_and_ended_over_the_api(everybody: Client) -> None:
    until = (NOW + timedelta(days=30)).isoformat()
    mine, admin = named("reviewer", Role.REVIEWER), named("admin", Role.ADMIN)
    wish = {"name": "script", "scopes": ["read", "judge"], "expires": until}
    made = everybody.post("/me/keys", headers=mine, json=wish)
    (listed,) = everybody.get("/me/keys", headers=mine).json()["items"]

    assert made.status_code == 201
    assert made.json()["text"].startswith("astrid_")
    assert "text" not in listed
    assert made.json()["text"][-43:] not in everybody.get("/audit", headers=admin).text
    assert everybody.post("/me/keys", headers=mine, json={**wish, "scopes": ["audit"]}).status_code == 403
    assert everybody.post("/me/keys", headers=mine, json={**wish, "expires": "2199-01-01T00:00:00Z"}).status_code == 422
    assert everybody.post("/keys", headers=admin, json={**wish, "owner": "reviewer"}).status_code == 403
    other = everybody.post("/keys", headers=admin, json={**wish, "owner": "viewer", "scopes": ["read"]}).json()
    assert everybody.post(f"/me/keys/{other['id']}/revoke", headers=mine).status_code == 404
    assert everybody.post(f"/keys/{other['id']}/revoke", headers=admin).json()["revoked"]
    assert everybody.post(f"/me/keys/{listed['id']}/revoke", headers=mine).json()["revoked"]


def test_nobody_gives_themselves_power(everybody: Client) -> None:
    admin = named("admin", Role.ADMIN)
    own = everybody.ask("PUT", "/people/admin/roles", headers=admin, json={"roles": ["admin", "arbiter"]})
    other = everybody.ask("PUT", "/people/ada/roles", headers=admin, json={"roles": ["reviewer"]})

    assert own.status_code == 403
    assert other.json() == {"login": "ada", "roles": ["reviewer"]}
    assert everybody.get("/people/ada/roles", headers=admin).json()["roles"] == ["reviewer"]
    assert {one["login"] for one in everybody.get("/people", headers=admin).json()["items"]} >= {"ada", "admin"}
