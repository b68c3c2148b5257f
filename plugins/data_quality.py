"""The pages of Great Expectations, inside the UI of Airflow."""

from typing import Annotated, ClassVar

from airflow.api_fastapi.core_api.security import GetUserDep
from airflow.plugins_manager import AirflowPlugin
from fastapi import FastAPI, HTTPException
from fastapi import Path as PathParam
from fastapi.responses import FileResponse

from astrid_core.settings import Settings
from include.quality.places import INDEX, pages_of

app = FastAPI(title="AstrID data quality", docs_url=None, openapi_url=None)


@app.get("/{page:path}")
def show(page: Annotated[str, PathParam()], _user: GetUserDep) -> FileResponse:
    """Return one file of the pages to somebody who is logged in."""
    folder = pages_of(Settings().home).resolve()
    wanted = (folder / (page or INDEX)).resolve()
    if not wanted.is_relative_to(folder) or not wanted.is_file():
        raise HTTPException(404, "No such page; the first one is made when a night passes a gate.")
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
            "href": f"/astrid/quality/{INDEX}",
            "destination": "nav",
            "category": "browse",
            "url_route": "astrid-quality",
        }
    ]
