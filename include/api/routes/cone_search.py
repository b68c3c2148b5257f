"""Simple Cone Search: objects around a place, as tools of the Virtual Observatory ask for them."""

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any

from anyio import to_thread
from fastapi import APIRouter, Depends, Path, Request, Response

from astrid_core.catalog.exports.cone_search import BadQuery, ConeQuery, read_query
from astrid_core.catalog.exports.votable import MEDIA_TYPE, refusal
from astrid_core.shared.runs import RunKey
from astrid_core.stages.cone_search import search_catalog, search_export
from include.api.context import Context, context_of
from include.api.identity import Reader
from include.api.public import ReleaseReader

router = APIRouter(tags=["catalog"])
_TOLD = {
    "RA": "degrees, ICRS",
    "DEC": "degrees, ICRS",
    "SR": "radius, degrees; 0: the columns only",
    "VERB": "1: name and place; 2 or 3: everything",
    "MAXREC": "rows at most",
    "RESPONSEFORMAT": "votable",
}
_DESCRIBED: dict[str, Any] = {
    "openapi_extra": {
        "parameters": [
            {"name": name, "in": "query", "required": False, "description": told, "schema": {"type": "string"}}
            for name, told in _TOLD.items()
        ]
    },
    "response_class": Response,
    "responses": {200: {"content": {MEDIA_TYPE: {"schema": {"type": "string"}}}}},
}


@router.get("/cone", **_DESCRIBED)
async def catalog(_: Reader, request: Request, context: Annotated[Context, Depends(context_of)]) -> Response:
    """Search the catalog as it is now; what is wrong with a question is told in a VOTable, too."""
    search = partial(search_catalog, context.services, config=context.pipeline.export)
    return await _answered(request, context, search)


@router.get("/exports/{key}/cone", **_DESCRIBED)
async def export(
    _: ReleaseReader,
    request: Request,
    context: Annotated[Context, Depends(context_of)],
    key: Annotated[str, Path(pattern=r"^export-[0-9a-f]{1,64}$")],
) -> Response:
    """Search an extract, which never changes; one that is released perhaps without being known here."""
    return await _answered(request, context, partial(search_export, context.services, RunKey(key)))


async def _answered(request: Request, context: Context, search: Callable[[ConeQuery], str]) -> Response:
    try:
        query = read_query(request.query_params, most=context.settings.cone_max_rows)
    except BadQuery as error:
        return Response(refusal(str(error)), media_type=MEDIA_TYPE)
    return Response(await to_thread.run_sync(search, query), media_type=MEDIA_TYPE)
