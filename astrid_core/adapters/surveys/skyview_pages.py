"""What SkyView's pages say: which surveys there are, and where the image is that was asked for."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

from astrid_core.adapters.surveys.http_errors import excerpt, shown
from astrid_core.shared.errors import UnexpectedAnswer, UnusableFile

_LINK = re.compile(r"""href\s*=\s*["']?([^"'\s>]+\.fits)\b""", re.IGNORECASE)
_SETTING = re.compile(r"^x\['(\w+)'\]\s*=\s*'(.*)'\s*$", re.MULTILINE)
_MARK = "surveySettings"
_RGB = "overlay_"
"""Beginning of the ids of menus for colour pictures, which list the surveys once more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One image that SkyView made."""

    url: str
    facts: Mapping[str, str]
    """What the page says about the survey: ``pixelunits``, ``epoch``, ``copyright``, ``reference`` and more."""


def survey_names(page: str, *, url: str) -> dict[str, tuple[str, ...]]:
    """Return the names of surveys by group, as the query form lists them."""
    form = _Form()
    form.feed(page)
    form.close()
    groups = {group: tuple(names) for group, names in form.groups.items() if names}
    if not groups:
        raise UnexpectedAnswer(
            "SkyView's form lists no surveys: it is in maintenance, or the form has changed",
            url=shown(url),
            says=excerpt(iter([page.encode()])),
        )
    return groups


def result(page: str, *, url: str) -> Result:
    """Return the one image of a page of results; UnusableFile where SkyView made none."""
    if _MARK not in page:
        raise UnexpectedAnswer(
            "SkyView answers with a page that is no result: it is in maintenance, or the page has changed",
            url=shown(url),
            says=excerpt(iter([page.encode()])),
        )
    links = sorted(set(_LINK.findall(page)))
    if not links:
        raise UnusableFile("SkyView made no FITS image of this place", url=shown(url))
    if len(links) > 1:
        raise UnexpectedAnswer("SkyView made more images than asked for", url=shown(url), n_images=len(links))
    try:
        link = urljoin(url, links[0])
        is_here = urlsplit(link)[:2] == urlsplit(url)[:2]
    except ValueError as error:
        raise UnexpectedAnswer("SkyView's link to the image is none", url=shown(url), cause=str(error)) from error
    if not is_here:
        raise UnexpectedAnswer("SkyView's image is on another server", url=shown(url), image=shown(link))
    meta = {name.removeprefix("_meta_"): said for name, said in _SETTING.findall(page) if name.startswith("_meta_")}
    return Result(url=link, facts=meta)


class _Form(HTMLParser):
    """Collects the options of every menu of surveys."""

    def __init__(self) -> None:
        super().__init__()
        self.groups: dict[str, list[str]] = {}
        self._group = ""
        self._is_option = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        have = dict(attrs)
        if tag == "select":
            name, group = have.get("name") or "", have.get("id") or ""
            self._group = group if name.lower() == "survey" and not group.startswith(_RGB) else ""
        self._is_option = tag == "option"

    def handle_endtag(self, tag: str) -> None:
        if tag == "select":
            self._group = ""
        self._is_option = False

    def handle_data(self, data: str) -> None:
        if self._group and self._is_option and data.strip():
            self.groups.setdefault(self._group, []).append(data.strip())
