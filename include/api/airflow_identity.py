"""Whoever is logged in to Airflow."""

from functools import partial

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.core_api.security import bearer_scheme, get_user
from anyio import to_thread
from fastapi import HTTPException, Request

from astrid_core.curation.access import Principal, airflow_role_named
from astrid_core.stages.access import admit
from include.api.context import Context
from include.api.identity import NotAuthenticated


def login_url() -> str:
    """Return where people log in to Airflow."""
    return str(get_auth_manager().get_url_login())


class AirflowIdentity:
    """The session or token of Airflow; roles are those that were granted here, and Airflow's that are named AstrID."""

    async def principal(self, request: Request, context: Context) -> Principal | None:
        """Return whoever Airflow knows."""
        try:
            user = await get_user(request, None, await bearer_scheme(request))
        except HTTPException as error:
            raise NotAuthenticated(str(error.detail)) from error
        login = str(user.get_name())
        named = (airflow_role_named(str(one.name)) for one in getattr(user, "roles", ()) or ())
        roles = {role for role in named if role is not None}
        return await to_thread.run_sync(partial(admit, context.services, login=login, via="airflow", roles=roles))
