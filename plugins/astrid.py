"""The REST API of AstrID and the page of the curators, inside Airflow."""

import sys
from typing import ClassVar

from airflow.plugins_manager import AirflowPlugin

from include.address import as_browsers_ask
from include.api.airflow_identity import AirflowIdentity, login_url
from include.api.app import create_app
from include.api.key_identity import KeyIdentity
from include.api.page import create_page
from include.api.paths import API, PAGE
from include.api.token_identity import TokenIdentity


def _apps() -> list[dict[str, object]]:
    """Return what is served: every process of Airflow loads its plugins, and only one kind answers requests."""
    if "api-server" not in sys.argv:
        return []
    # Airflow's own comes last: it holds every other token for a wrong one.
    identities = (KeyIdentity(), TokenIdentity(), AirflowIdentity())
    api = create_app(identities)
    page = create_page(identities, api.state.context, login_url=login_url)
    return [
        {"app": api, "url_prefix": API, "name": "AstrID API"},
        {"app": page, "url_prefix": PAGE, "name": "AstrID curation"},
    ]


class Astrid(AirflowPlugin):  # type: ignore[misc]
    """API and page under the roof of Airflow: the same server, the same session."""

    name = "astrid"
    fastapi_apps: ClassVar[list[dict[str, object]]] = _apps()
    external_views: ClassVar[list[dict[str, str]]] = [
        {
            "name": "Curation",
            "href": as_browsers_ask(f"{PAGE}/"),
            "destination": "nav",
            "category": "browse",
            "url_route": "astrid-curation",
        }
    ]
