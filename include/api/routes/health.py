"""Whether the system answers."""

from importlib.metadata import version
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel
from sqlalchemy import text

from astrid_core.shared.errors import DatabaseUnavailable
from include.api.context import Context, context_of
from include.api.identity import NotAuthenticated, who

router = APIRouter(tags=["health"])


class HealthShape(BaseModel):
    """Whether the parts answer; more than the status is told only to somebody who is known."""

    status: str
    database: str | None = None
    version: str | None = None


@router.get("/health", response_model_exclude_none=True)
async def health(request: Request, context: Annotated[Context, Depends(context_of)]) -> HealthShape:
    """Tell everybody that this answers, and whoever is known more."""
    try:
        await who(request, context)
    except NotAuthenticated:
        return HealthShape(status="ok")
    return HealthShape(status="ok", database=await _database(context), version=version("astrid"))


async def _database(context: Context) -> str:
    try:
        async with context.reading.reading() as connection:
            await connection.execute(text("SELECT 1"))
    except DatabaseUnavailable:
        return "unavailable"
    return "ok"
