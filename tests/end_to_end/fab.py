"""People with a login of their own: the authentication that docker-compose.yaml sets up, on a local system."""

import secrets
import subprocess
import sys
from collections.abc import Iterator
from configparser import RawConfigParser
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx
import yaml

from include.local.client import Airflow
from include.local.environment import choose_address, environment
from include.local.home import LOGIN, REPOSITORY, Home
from include.local.system import begin_databases
from tests.end_to_end.living import Living, living_in

_OPTIONS = {
    "core": {"auth_manager": "AIRFLOW__CORE__AUTH_MANAGER"},
    "fab": {"custom_roles": "AIRFLOW__FAB__CUSTOM_ROLES"},
}
_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class Logins:
    """Who can log in to a system that is up."""

    living: Living
    passwords: dict[str, str] = field(default_factory=dict)

    def add(self, login: str, *roles: str) -> None:
        """Let somebody in, with roles of Airflow."""
        self.passwords[login] = secrets.token_urlsafe(9)
        person = {"username": login, "email": f"{login}@localhost", "first_name": login, "last_name": "of the tests"}
        body = {**person, "password": self.passwords[login], "roles": [{"name": role} for role in roles]}
        with httpx.Client(base_url=self.living.system.address.url, timeout=_TIMEOUT_S) as client:
            headers = {"Authorization": f"Bearer {self._token(client, LOGIN, self.living.home.password())}"}
            client.post("/auth/fab/v1/users", json=body, headers=headers).raise_for_status()

    def airflow(self, login: str) -> Airflow:
        """Return Airflow as somebody's program sees it."""
        return Airflow(url=self.living.system.address.url, login=login, password=self.passwords[login])

    def answer(self, login: str, path: str) -> httpx.Response:
        """Ask something of ours with a token of somebody."""
        with httpx.Client(base_url=self.living.system.address.url, timeout=_TIMEOUT_S) as client:
            return client.get(
                path, headers={"Authorization": f"Bearer {self._token(client, login, self.passwords[login])}"}
            )

    @staticmethod
    def _token(client: httpx.Client, login: str, password: str) -> str:
        answer = client.post("/auth/token", json={"username": login, "password": password}).raise_for_status()
        return str(answer.json()["access_token"])


@contextmanager
def living_with_logins(home: Home) -> Iterator[Logins]:
    """Start the system of a home in which the one login of a local system is one of many."""
    compose = yaml.safe_load((REPOSITORY / "docker-compose.yaml").read_text())["x-airflow"]["environment"]
    chosen = RawConfigParser()
    chosen.read_dict({
        section: {name: compose[variable] for name, variable in names.items()} for section, names in _OPTIONS.items()
    })  # fmt: skip
    with (home.airflow / "airflow.cfg").open("w") as file:
        chosen.write(file)
    # Logins have tables of their own.
    (home.airflow / "migrated.json").unlink(missing_ok=True)
    postgres = begin_databases(home, print)
    person = {"username": LOGIN, "password": home.password(), "email": f"{LOGIN}@localhost", "role": "Admin"}
    words = [f"--{name}={value}" for name, value in {**person, "firstname": "First", "lastname": "Admin"}.items()]
    # Before the API server starts: two that make the same roles at once are in each other's way.
    first = subprocess.run(
        [sys.executable, "-m", "airflow", "users", "create", *words], cwd=REPOSITORY, check=False,
        env=environment(home, postgres, choose_address()), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert first.returncode == 0, first.stderr
    with living_in(home) as living:
        yield Logins(living)
