"""Whoever is logged in to Airflow."""

from airflow.api_fastapi.core_api.security import bearer_scheme, get_user
from anyio import to_thread
from fastapi import HTTPException, Request

from astrid_core.curation.access import Principal, Role, airflow_role_named
from astrid_core.stages.services import Services
from include.api.context import Context
from include.api.identity import NotAuthenticated


class AirflowIdentity:
    """The session or token of Airflow; roles are those that were granted here, and Airflow's that are named AstrID."""

    async def principal(self, request: Request, context: Context) -> Principal | None:
        """Return whoever Airflow knows."""
        try:
            user = await get_user(request, None, await bearer_scheme(request))
        except HTTPException as error:
            raise NotAuthenticated(str(error.detail)) from error
        login = str(user.get_name())
        granted = await to_thread.run_sync(_granted, context.services, login)
        named = (airflow_role_named(str(one.name)) for one in getattr(user, "roles", ()) or ())
        return Principal(login=login, roles=granted | {role for role in named if role is not None}, via="airflow")


def _granted(services: Services, login: str) -> frozenset[Role]:
    with services.transaction() as records:
        curator = records.curators.find(login)
    return frozenset() if curator is None else frozenset(curator.roles)
