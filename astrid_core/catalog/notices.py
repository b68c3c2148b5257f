"""What is worth a look in a night, the worst first."""

from collections.abc import Iterator, Sequence

from astrid_core.catalog.exposure_facts import QUARANTINED, SEARCHED, SKIPPED, UNFINISHED, ExposureFacts
from astrid_core.catalog.figures import Compared
from astrid_core.catalog.report import NightFacts, Notice
from astrid_core.catalog.track_text import headline
from astrid_core.differencing.completeness import CANDIDATES, DETECTIONS, EVERYWHERE, Completeness
from astrid_core.differencing.entities import QualityLevel

_N_NAMES = 3
"""Exposures named in a line; the rest is counted."""


def notices(facts: NightFacts) -> Iterator[Notice]:
    """Yield what is bad, then what is worth knowing; nothing where all is as it should be."""
    found = [*_of_the_network(facts), *_of_exposures(facts), *_of_figures(facts), *_of_measuring(facts)]
    yield from sorted(found, key=lambda one: not one.is_bad)


def headline_completeness(facts: NightFacts) -> Completeness | None:
    """Return the completeness of what the network believes, else of the candidates; None without injections."""
    curves = facts.quality.completeness if facts.quality else ()
    found = {one.level: one for one in curves if one.place == EVERYWHERE}
    return found.get(DETECTIONS) or found.get(CANDIDATES)


def _of_the_network(facts: NightFacts) -> Iterator[Notice]:
    for track in facts.tracks:
        if track.alarm:
            yield Notice(
                is_bad=True, text=f"The network may be failing: {headline(track)}: {track.alarm}.", place="network"
            )


def _of_exposures(facts: NightFacts) -> Iterator[Notice]:
    if facts.exposures and not facts.count(SEARCHED):
        yield Notice(is_bad=True, text="No exposure was searched.")
    for outcome, place in ((UNFINISHED, "failed"), (QUARANTINED, "quarantined"), (SKIPPED, "skipped")):
        found = [one for one in facts.exposures if one.outcome == outcome]
        if found:
            yield Notice(is_bad=outcome == UNFINISHED, text=f"{outcome.capitalize()}: {_named(found)}.", place=place)
    for level in (QualityLevel.RED, QualityLevel.ORANGE):
        found = [one for one in facts.exposures if one.quality == level.value]
        if found:
            is_bad = level is QualityLevel.RED
            yield Notice(is_bad=is_bad, text=f"Quality {level.value}: {_named(found)}.", place="careful")


def _of_figures(facts: NightFacts) -> Iterator[Notice]:
    for one in facts.comparison:
        if one.unusual:
            yield Notice(is_bad=one.is_worse, text=_unusual(one), place="comparison")


def _of_measuring(facts: NightFacts) -> Iterator[Notice]:
    if facts.count(SEARCHED) and headline_completeness(facts) is None:
        yield Notice(is_bad=False, text="How complete the search is was not measured: no injections with a result.")
    if facts.reviews and facts.reviews.n_disputed:
        n = facts.reviews.n_disputed
        text = f"{n} disputed detection{' waits' if n == 1 else 's wait'} for an arbiter."
        yield Notice(is_bad=False, text=text, place="people")


def _unusual(one: Compared) -> str:
    figure = one.figure
    label = f"{figure.label} in {one.band}" if one.band else figure.label
    unit = f" {figure.unit}" if figure.unit else ""
    value, usual = (f"{figure.show(number)}{unit}" for number in (one.value, one.median_long))
    return f"{label} is far {one.unusual} than usual: {value}, median of {one.n_long} earlier nights {usual}."


def _named(exposures: Sequence[ExposureFacts]) -> str:
    names = ", ".join(one.archive_id for one in exposures[:_N_NAMES])
    rest = len(exposures) - _N_NAMES
    more = f" and {rest} more" if rest > 0 else ""
    return f"{len(exposures)} exposure{'' if len(exposures) == 1 else 's'}: {names}{more}"
