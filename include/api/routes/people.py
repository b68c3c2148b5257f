"""Who asks."""

from fastapi import APIRouter
from pydantic import BaseModel

from astrid_core.curation.access import Permission, Role
from include.api.identity import Known

router = APIRouter(tags=["access"])


class MeShape(BaseModel):
    """Somebody who is known, and what they may do."""

    login: str
    roles: list[Role]
    permissions: list[Permission]
    via: str
    """``airflow``, ``token`` or ``key``."""


@router.get("/me")
async def me(person: Known) -> MeShape:
    """Show who asks."""
    return MeShape(
        login=person.login, roles=sorted(person.roles), permissions=sorted(person.permissions), via=person.via
    )
