"""Who asks, who may do what, and keys for programs."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field, StringConstraints

from astrid_core.curation.access import Permission, Principal, Role
from astrid_core.curation.api_keys import LONGEST_LIFE, ApiKey
from astrid_core.shared.errors import UnknownRecord
from astrid_core.stages.access import people, set_roles
from astrid_core.stages.keys import create_key, list_keys, revoke_key
from include.api.acting import Act, Acting
from include.api.identity import Administrator, Known, Reader
from include.api.paging import Listed
from include.api.problems import Refused
from include.api.votes import Asked, Line

router = APIRouter(tags=["access"])
Login = Annotated[str, Path(max_length=300, pattern=r"^\S(?:[^\x00]*\S)?$")]
KeyId = Annotated[str, Path(pattern=r"^[0-9a-f]{16}$")]
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300, pattern=r"^[^\x00]*$")]


class MeShape(BaseModel):
    """Somebody who is known, and what they may do."""

    login: str
    roles: list[Role]
    permissions: list[Permission]
    via: str
    """``airflow``, ``token`` or ``key``."""


class PersonShape(BaseModel):
    """Somebody, and the roles that were granted to them here."""

    login: str
    roles: list[Role]


class RolesBody(Asked):
    """The roles that somebody shall have."""

    roles: list[Role]


class KeyBody(Asked):
    """A key that is wanted."""

    name: Words
    scopes: Annotated[list[Permission], Field(min_length=1)]
    expires: datetime


class KeyForBody(KeyBody):
    """A key for somebody else."""

    owner: Line


class KeyShape(BaseModel):
    """A key without its secret."""

    id: str
    owner: str
    name: str
    scopes: list[Permission]
    created: datetime
    expires: datetime
    revoked: datetime | None
    last_used: datetime | None


class NewKeyShape(KeyShape):
    """A key at the only time that it is shown."""

    text: str


@router.get("/me")
async def me(person: Known) -> MeShape:
    """Show who asks."""
    return MeShape(
        login=person.login, roles=sorted(person.roles), permissions=sorted(person.permissions), via=person.via
    )


@router.get("/me/keys")
async def my_keys(person: Reader, act: Acting) -> Listed[KeyShape]:
    """List the keys of whoever asks."""
    return _keys(await act(list_keys, owner=person.login))


@router.post("/me/keys", status_code=201)
async def make_my_key(person: Reader, act: Acting, body: KeyBody) -> NewKeyShape:
    """Make a key that acts for whoever asks; its text is shown once."""
    return await _make(act, person, body, owner=person.login)


@router.post("/me/keys/{key_id}/revoke")
async def end_my_key(person: Reader, act: Acting, key_id: KeyId) -> KeyShape:
    """End a key of whoever asks."""
    if key_id not in {one.id for one in await act(list_keys, owner=person.login)}:
        raise UnknownRecord("no key of theirs", key=key_id)
    return await _end(act, person, key_id)


@router.get("/keys")
async def keys(_: Administrator, act: Acting) -> Listed[KeyShape]:
    """List the keys of everybody."""
    return _keys(await act(list_keys))


@router.post("/keys", status_code=201)
async def make_key(person: Administrator, act: Acting, body: KeyForBody) -> NewKeyShape:
    """Make a key for somebody else; never one that judges or releases in their name."""
    return await _make(act, person, body, owner=body.owner)


@router.post("/keys/{key_id}/revoke")
async def end_key(person: Administrator, act: Acting, key_id: KeyId) -> KeyShape:
    """End a key of anybody."""
    return await _end(act, person, key_id)


@router.get("/people")
async def everybody(_: Administrator, act: Acting) -> Listed[PersonShape]:
    """List everybody who is known."""
    return Listed(items=[PersonShape(login=one.login, roles=sorted(one.roles)) for one in await act(people)], next=None)


@router.get("/people/{login}/roles")
async def roles(_: Administrator, act: Acting, login: Login) -> PersonShape:
    """Show the roles of somebody; none for a stranger."""
    return await _person(act, login)


@router.put("/people/{login}/roles")
async def change_roles(person: Administrator, act: Acting, login: Login, body: RolesBody) -> PersonShape:
    """Make these the roles that were granted here; nobody gives themselves more."""
    await act(set_roles, login=login, roles=body.roles, by=person.login)
    return await _person(act, login)


async def _person(act: Act, login: str) -> PersonShape:
    found = {one.login: one.roles for one in await act(people)}
    return PersonShape(login=login, roles=sorted(found.get(login, ())))


async def _make(act: Act, person: Principal, body: KeyBody, *, owner: str) -> NewKeyShape:
    now = datetime.now(UTC)
    expires = body.expires if body.expires.tzinfo else body.expires.replace(tzinfo=UTC)
    if not now < expires <= now + LONGEST_LIFE:
        raise Refused(422, f"a key expires within {LONGEST_LIFE.days} days")
    wish = {"owner": owner, "name": body.name, "scopes": body.scopes, "expires": expires.astimezone(UTC)}
    made = await act(create_key, **wish, at=now, by=person)
    return NewKeyShape(**dict(_key(made.key)), text=made.shown.text)


async def _end(act: Act, person: Principal, key_id: str) -> KeyShape:
    await act(revoke_key, key_id=key_id, at=datetime.now(UTC), by=person)
    (found,) = [one for one in await act(list_keys) if one.id == key_id]
    return _key(found)


def _keys(found: Sequence[ApiKey]) -> Listed[KeyShape]:
    return Listed(items=[_key(one) for one in found], next=None)


def _key(one: ApiKey) -> KeyShape:
    told = {name: getattr(one, name) for name in KeyShape.model_fields}
    return KeyShape(**{**told, "scopes": sorted(one.scopes)})
