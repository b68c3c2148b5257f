"""The figures of a night, beside those of earlier nights."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from statistics import median

from astrid_core.catalog.exposure_facts import SEARCHED
from astrid_core.catalog.figures import compare
from astrid_core.catalog.notices import headline_completeness, notices
from astrid_core.catalog.report import NightFacts
from astrid_core.differencing.entities import QualityLevel


def beside(facts: NightFacts, earlier: Sequence[Mapping[str, float | None]]) -> NightFacts:
    """Return the facts with their figures, these beside those of ``earlier`` nights, and what is worth a look."""
    figures = night_figures(facts)
    compared = replace(facts, figures=figures, comparison=compare(figures, earlier))
    return replace(compared, notices=tuple(notices(compared)))


def night_figures(facts: NightFacts) -> dict[str, float | None]:
    """Return the figures of a night by name; None for what was not measured."""
    searched = [one for one in facts.exposures if one.outcome == SEARCHED]
    judged = [one.quality for one in searched if one.quality]
    mpix, area = facts.total("usable_mpix"), facts.coverage.area_deg2 if facts.coverage else None
    whole = headline_completeness(facts)
    figures: dict[str, float | None] = {
        "searched": len(searched) / len(facts.exposures) if facts.exposures else None,
        "green": judged.count(QualityLevel.GREEN.value) / len(judged) if judged else None,
        "area_deg2": area,
    }
    for band in sorted({one.band for one in searched}):
        inside = [one for one in searched if one.band == band]
        figures[f"seeing_arcsec.{band}"] = _median(one.fwhm_arcsec for one in inside)
        figures[f"limiting_mag.{band}"] = _median(one.limiting_mag for one in inside)
        figures[f"zero_point_mag.{band}"] = _median(one.zero_point_mag for one in inside)
    return figures | {
        "astrometric_rms_mas": _median(one.astrometric_rms_mas for one in searched),
        "score_noise": _median(one.score_noise for one in searched),
        "candidates_per_mpix": facts.total("n_candidates") / mpix if mpix else None,
        "detections_per_mpix": facts.total("n_detections") / mpix if mpix else None,
        "new_per_deg2": facts.n_entries_new / area if area else None,
        "completeness": whole.n_recovered / whole.n_injected if whole and whole.n_injected else None,
        "purity": facts.reviews.purity.fraction if facts.reviews else None,
    }


def _median(values: Iterable[float | None]) -> float | None:
    known = [one for one in values if one is not None]
    return median(known) if known else None
