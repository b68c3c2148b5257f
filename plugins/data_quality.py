"""What Great Expectations checked, inside the UI of Airflow."""

from typing import ClassVar

from airflow.api_fastapi.core_api.security import GetUserDep
from airflow.plugins_manager import AirflowPlugin
from fastapi import FastAPI, HTTPException
from fastapi.responses import FileResponse, HTMLResponse

from astrid_core.settings import Settings
from include.address import as_browsers_ask
from include.quality.overview import overview, read_checks
from include.quality.places import PAGES, docs_of

app = FastAPI(title="AstrID data quality", docs_url=None, openapi_url=None)


@app.get("/", response_class=HTMLResponse)
def show_all(_user: GetUserDep) -> str:
    """Return every recent check to somebody who is logged in."""
    return overview(read_checks(docs_of(Settings().home)))


@app.get(f"/{PAGES}/{{page:path}}")
def show_one(page: str, _user: GetUserDep) -> FileResponse:
    """Return a file of the pages of Great Expectations to somebody who is logged in."""
    folder = (docs_of(Settings().home) / PAGES).resolve()
    wanted = (folder / page).resolve()
    if not wanted.is_relative_to(folder) or not wanted.is_file():
        raise HTTPException(404, "No such page; those of old checks are removed.")
    return FileResponse(wanted)


class DataQuality(AirflowPlugin):  # type: ignore[misc]
    """A page of the UI that says what was checked about every night."""

    name = "astrid_data_quality"
    fastapi_apps: ClassVar[list[dict[str, object]]] = [
        {"app": app, "url_prefix": "/astrid/quality", "name": "AstrID data quality"}
    ]
    external_views: ClassVar[list[dict[str, str]]] = [
        {
            "name": "Data quality",
            "href": as_browsers_ask("/astrid/quality/"),
            "destination": "nav",
            "category": "browse",
            "url_route": "astrid-quality",
        }
    ]
