"""Pages of lists, as clients ask for them."""

import base64
import binascii
import json
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Query
from pydantic import BaseModel

from astrid_core.adapters.db.reading.pages import Ask, BadKey, Key, Page

T = TypeVar("T")
LARGEST = 200


class Listed(BaseModel, Generic[T]):
    """Some of a list; ``next`` is given as ``after`` to see what follows, and null at its end."""

    items: list[T]
    next: str | None


async def asked(
    after: Annotated[str | None, Query(max_length=2000, description="The next of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=LARGEST)] = 50,
) -> Ask:
    """Return which page a request asks for."""
    return Ask(after=None if after is None else read_key(after), limit=limit)


def listed(page: Page, shape: Callable[..., T]) -> Listed[T]:
    """Return a page as its answer, each item made by ``shape``."""
    following = None if page.next is None else write_key(page.next)
    return Listed(items=[shape(**item) for item in page.items], next=following)


def write_key(key: Key) -> str:
    """Return a key as text that needs no quoting in an address."""
    text = json.dumps(list(key), default=_as_text, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_key(text: str) -> list[Any]:
    """Read what ``write_key`` wrote; BadKey for anything else."""
    try:
        found = json.loads(base64.urlsafe_b64decode(text.encode() + b"=" * (-len(text) % 4)))
    except (binascii.Error, ValueError, RecursionError) as error:
        raise BadKey("not a key of a page") from error
    if not isinstance(found, list):
        raise BadKey("not a key of a page")
    return found


def _as_text(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
