"""What an exchange of measurements changes in the catalog, with pictures, as one page that needs nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass

from astrid_core.catalog.cutouts import Cutouts
from astrid_core.catalog.entities import CatalogEntry
from astrid_core.catalog.page_templates import templates


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """The most significant detection of an object by one search, with its pictures where their image is kept."""

    exposure: str
    band: str
    mid_mjd: float
    significance: float
    score: float | None
    cutouts: Cutouts | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchanged:
    """One object; ``before`` is None where it is gained, ``after`` where it is lost."""

    before: CatalogEntry | None
    after: CatalogEntry | None
    sight_before: Sight | None = None
    sight_after: Sight | None = None

    @property
    def entry(self) -> CatalogEntry:
        """The object as it is, or as it was; ValueError where there is neither."""
        entry = self.after or self.before
        if entry is None:
            raise ValueError("an object that was not before and is not after")
        return entry

    @property
    def peak(self) -> float:
        """How significant it is at most, before or after."""
        return max(abs(one.peak_significance) for one in (self.before, self.after) if one is not None)

    @property
    def sights(self) -> tuple[tuple[str, Sight], ...]:
        """What each search saw best of it, with a word for it; once where both saw the same."""
        if self.sight_before == self.sight_after and self.sight_after is not None:
            return (("before and after", self.sight_after),)
        told = (("before", self.sight_before), ("after", self.sight_after))
        return tuple((word, sight) for word, sight in told if sight is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Objects of one kind: the most significant ones, and how many there are."""

    kind: str
    n: int
    shown: tuple[Exchanged, ...]


def exchange_page(groups: Sequence[Group], *, survey: str, nights: Sequence[str], counts: str, is_done: bool) -> str:
    """Return one HTML document without any external resource; ``counts`` tells all in one line."""
    return (
        templates()
        .get_template("exchange.html")
        .render(groups=groups, survey=survey, nights=nights, counts=counts, is_done=is_done)
    )
