"""The description of the API is valid, and what the API does is what it describes, whatever is sent."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from openapi_spec_validator import validate
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import ignored_auth, positive_data_acceptance

from astrid_core.curation.access import Role
from astrid_core.settings import Settings
from astrid_core.stages.access import set_roles
from include.api.app import create_app
from tests.api.client import Client, NamedIdentity, named
from tests.api.night import services_in

DESCRIPTION = create_app([]).openapi()
NOT_ASKED = [
    ignored_auth,  # the test of access walks every route; here everybody is let in
    positive_data_acceptance,  # that a key ends within a year, or a cone has three numbers, no schema says
]
OPERATIONS = {
    f"{one.ok().method.upper()} {one.ok().path}": one.ok()
    for one in schemathesis.openapi.from_dict(DESCRIPTION).get_all_operations()
    if isinstance(one, Ok)
}


@pytest.fixture(scope="module")
def tried(night_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """An API with a night that may be changed, asked by somebody with every role."""
    home = tmp_path_factory.mktemp("tried")
    shutil.copy(night_home / "astrid.sqlite", home / "astrid.sqlite")
    (home / "artifacts").symlink_to(night_home / "artifacts")
    told = Settings(home=home, api_rate_per_s=1e6, api_burst=10**6)
    with services_in(told) as services:
        set_roles(services, login="root", roles=list(Role))
    client = Client(create_app([NamedIdentity()], told, opener=services_in), named("root", *Role))
    yield client
    client.close()


def test_the_description_is_valid() -> None:
    validate(DESCRIPTION)


def test_every_operation_is_described() -> None:
    operations = [one for path in DESCRIPTION["paths"].values() for one in path.values()]

    assert len(operations) == len(OPERATIONS) > 40
    assert all(one["summary"] and one["description"] for one in operations)
    assert all("application/problem+json" in one["responses"]["422"]["content"] for one in operations)


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_whatever_is_sent_is_answered_as_described(tried: Client, name: str) -> None:
    @given(case=OPERATIONS[name].as_strategy())
    @settings(
        max_examples=8,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    def send(case: Any) -> None:
        told = case.as_transport_kwargs(base_url="http://astrid")
        told.pop("cookies", None)
        headers = {**dict(told.pop("headers", None) or {}), **tried.headers}
        headers.pop("Content-Length", None)
        answer = tried.send(told.pop("method"), told.pop("url"), headers=headers, **told)
        assert answer.status_code < 500, answer.text
        case.validate_response(answer, excluded_checks=NOT_ASKED)

    send()
