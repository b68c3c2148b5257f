"""The question-and-answer protocol of MAST (Mashup): services by name, filters as JSON, answers in pages."""

import json
import re
from collections.abc import Mapping
from typing import Any

from astrid_core.adapters.surveys.http import HttpClient
from astrid_core.adapters.surveys.http_errors import AttemptFailed, shown
from astrid_core.shared.errors import ArchiveUnavailable, BadConfiguration, QueryRefused, UnexpectedAnswer

Row = Mapping[str, Any]

_WAIT_S = 60
"""How long the service may compute before it answers that it still does."""
_PASSES = re.compile(r"time[d -]*out|deadlock|try again|temporar|overload|connection", re.IGNORECASE)
"""What the message of a failed query says when the database behind it, not the query, is at fault."""


class Mashup:
    """Asks the services of one MAST server."""

    def __init__(self, client: HttpClient, server: str, *, page_size: int = 2000, max_rows: int = 20000) -> None:
        self._client = client
        self._url = f"{server.rstrip('/')}/api/v0/invoke"
        self._page_size = page_size
        self._max_rows = max_rows

    def rows(self, service: str, params: Mapping[str, object], *, columns: frozenset[str]) -> tuple[Row, ...]:
        """Return all rows of all pages, each with at least ``columns``.

        Raise QueryRefused where the service says that the query failed, UnexpectedAnswer where a column is gone, and
        BadConfiguration where there are more than ``max_rows``.
        """
        rows: list[Row] = []
        page = n_pages = 1
        n_rows = 0
        while page <= n_pages:
            n_before = len(rows)
            answer = self._ask(service, params, page)
            if page == 1:
                n_pages, n_rows = _paging(answer, self._url)
                if n_rows > self._max_rows:
                    raise BadConfiguration(
                        "too many observations match: narrow region, time or filters",
                        found=n_rows,
                        allowed=self._max_rows,
                    )
            rows += self._checked(answer, columns)
            page += 1
            # Whatever number of pages it claims, an archive does not keep us busy for ever.
            if len(rows) == n_before or len(rows) >= n_rows:
                break
        if len(rows) != n_rows:
            raise ArchiveUnavailable(
                "archive changed while its pages were read", url=shown(self._url), announced=n_rows, got=len(rows)
            )
        return tuple(rows)

    def _ask(self, service: str, params: Mapping[str, object], page: int) -> dict[str, Any]:
        request = {
            "service": service,
            "params": params,
            "format": "json",
            "pagesize": self._page_size,
            "page": page,
            "timeout": _WAIT_S,
        }
        form = {"request": json.dumps(request)}
        return self._client.json(self._url, form=form, accept=self._accepted)

    def _accepted(self, answer: Any) -> dict[str, Any]:
        """Return a finished answer; AttemptFailed while the service is still at it."""
        url = shown(self._url)
        if not isinstance(answer, dict):
            raise UnexpectedAnswer("archive answers with JSON that is no object", url=url, kind=type(answer).__name__)
        status = answer.get("status")
        if status == "COMPLETE":
            return answer
        if status == "EXECUTING":
            still = ArchiveUnavailable("archive is still working on the query", url=url)
            raise AttemptFailed("still executing", ends_as=still)
        if status != "ERROR":
            raise UnexpectedAnswer("archive answers without a status that we know", url=url, status=status)
        says = " ".join(str(answer.get("msg") or "nothing more").split())[:300]
        refused = QueryRefused("archive says that the query failed", url=url, says=says)
        if _PASSES.search(says):
            later = ArchiveUnavailable("archive could not do the query now", url=url, says=says)
            raise AttemptFailed(says, ends_as=later) from refused
        raise refused

    def _checked(self, answer: Mapping[str, Any], columns: frozenset[str]) -> list[Row]:
        rows, fields = answer.get("data"), answer.get("fields")
        url = shown(self._url)
        if not isinstance(rows, list) or not isinstance(fields, list):
            raise UnexpectedAnswer("archive answers without rows or columns", url=url, holds=", ".join(sorted(answer)))
        named = [field.get("name") for field in fields if isinstance(field, dict)]
        for have in (named, *rows):
            missing = sorted(columns - set(have)) if isinstance(have, list | dict) else sorted(columns)
            if missing:
                raise UnexpectedAnswer(
                    "archive has changed the names of its columns: the client needs a new version",
                    url=url,
                    missing=", ".join(missing),
                )
        return rows


def _paging(answer: Mapping[str, Any], url: str) -> tuple[int, int]:
    """Return the numbers of pages and of rows in all of them."""
    paging = answer.get("paging")
    if isinstance(paging, dict):
        n_pages, n_rows = paging.get("pagesFiltered"), paging.get("rowsFiltered")
        if isinstance(n_pages, int) and isinstance(n_rows, int):
            return n_pages, n_rows
    raise UnexpectedAnswer("archive does not say how many pages there are", url=shown(url), paging=paging)
