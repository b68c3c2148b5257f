"""The REST API of AstrID and the page of the curators, inside Airflow."""

import sys
from typing import ClassVar

from airflow.plugins_manager import AirflowPlugin

from include.api.airflow_identity import AirflowIdentity
from include.api.app import create_app

API = "/astrid/api"


def _apps() -> list[dict[str, object]]:
    """Return what is served: every process of Airflow loads its plugins, and only one kind answers requests."""
    if "api-server" not in sys.argv:
        return []
    return [{"app": create_app([AirflowIdentity()]), "url_prefix": API, "name": "AstrID API"}]


class Astrid(AirflowPlugin):  # type: ignore[misc]
    """The API under the roof of Airflow: the same server, the same session."""

    name = "astrid"
    fastapi_apps: ClassVar[list[dict[str, object]]] = _apps()
