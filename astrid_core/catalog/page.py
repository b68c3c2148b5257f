"""The report of a night as one page that needs nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from astrid_core.catalog.completeness_text import describe_half, describe_night, describe_rate
from astrid_core.catalog.coverage_map import coverage_maps, legend
from astrid_core.catalog.cutouts import Cutouts
from astrid_core.catalog.exposure_facts import QUARANTINED, SEARCHED, SKIPPED, UNFINISHED
from astrid_core.catalog.figures import MIN_NIGHTS
from astrid_core.catalog.latency import describe_duration
from astrid_core.catalog.model_track import Share
from astrid_core.catalog.night_table import truth_sentences
from astrid_core.catalog.notices import headline_completeness
from astrid_core.catalog.page_templates import templates
from astrid_core.catalog.report import NightFacts
from astrid_core.catalog.report_links import Links
from astrid_core.catalog.track_text import (
    describe_drift,
    describe_share,
    headline,
    histogram,
    reliability,
    sentences,
    verdict_of,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Portrait:
    """One object with its pictures and what is said of it."""

    name: str
    """Number of the object or the detection."""
    ra_deg: float | None
    dec_deg: float | None
    score: float | None
    significance: float
    mag_ab: float | None
    mag_err: float | None
    band: str
    exposure: str
    is_new: bool | None
    """Seen for the first time in this night; None if it is not in the catalog."""
    truth: str | None
    """What is known at this place; empty for nothing, None without a truth table."""
    is_true: bool | None
    cutouts: Cutouts


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One bar of the funnel."""

    label: str
    count: int
    share: float
    """Of the longest bar of its group, 0 to 1."""
    note: str = ""


def night_page(facts: NightFacts, portraits: Sequence[Portrait], links: Links | None = None) -> str:
    """Return one HTML document without any external resource; only links lead out of it."""
    environment = templates()
    environment.filters["angle"] = _angle
    environment.filters["half"] = describe_half
    environment.filters["rate"] = describe_rate
    environment.filters["share"] = describe_share
    environment.filters["legend"] = legend
    environment.filters["area"] = _area
    environment.filters["duration"] = describe_duration
    environment.filters |= {
        "drift": describe_drift,
        "headline": headline,
        "histogram": histogram,
        "reliability": reliability,
        "sentences": sentences,
        "verdict": verdict_of,
    }
    whole = headline_completeness(facts)
    mjds = [exposure.mid_mjd for exposure in facts.exposures]
    return environment.get_template("night.html").render(
        facts=facts,
        links=links or Links(),
        portraits=portraits,
        title=f"Night of {_long_date(facts.night)}",
        bands=sorted({exposure.band for exposure in facts.exposures if exposure.band}),
        mjd_range=(min(mjds), max(mjds)) if mjds else None,
        searched=[one for one in facts.exposures if one.outcome == SEARCHED],
        skipped=[one for one in facts.exposures if one.outcome == SKIPPED],
        unfinished=[one for one in facts.exposures if one.outcome == UNFINISHED],
        quarantined=[one for one in facts.exposures if one.outcome == QUARANTINED],
        doubtful=[one for one in facts.exposures if one.warning],
        exposure_steps=_exposure_steps(facts),
        detection_steps=_detection_steps(facts),
        times=_times(facts),
        latencies=[(name, one) for name, one in facts.latency.items() if one.n],
        maps=coverage_maps(facts.coverage) if facts.coverage else (),
        completeness=Share.of(whole.n_recovered, whole.n_injected) if whole else None,
        completeness_level=whole.level if whole else "",
        n_nights_before=max((one.n_long for one in facts.comparison), default=0),
        least_nights=MIN_NIGHTS,
        injected=describe_night(facts.quality) if facts.quality is not None else (),
        truth_sentences=[sentence.replace(">=", "≥") for sentence in truth_sentences(facts) or ()],
    )


def _exposure_steps(facts: NightFacts) -> tuple[Step, ...]:
    n_in = len(facts.exposures)
    counts: tuple[tuple[str, int, str], ...] = (
        ("Exposures of the night", n_in, ""),
        ("Searched", facts.count(SEARCHED), f"{facts.total('usable_mpix'):.2f} usable Mpix"),
        ("Skipped", facts.count(SKIPPED), "each with its reason below"),
        ("Failed", facts.count(UNFINISHED), "no settled run"),
    )
    if n_quarantined := facts.count(QUARANTINED):
        counts += (("Quarantined", n_quarantined, "set aside, each with its reason below"),)
    return tuple(Step(label=label, count=n, share=n / max(n_in, 1), note=note) for label, n, note in counts)


def _detection_steps(facts: NightFacts) -> tuple[Step, ...]:
    counts = (
        ("Candidates", int(facts.total("n_candidates")), "peaks of the score image"),
        ("Detections", int(facts.total("n_detections")), f"network score ≥ {facts.min_score:g}"),
        ("Light curve points", int(facts.total("n_published")), "published in the catalog"),
        ("Objects", facts.n_entries_new + facts.n_entries_known, f"{facts.n_entries_new} of them new"),
    )
    longest = max(n for _, n, _ in counts) or 1
    return tuple(Step(label=label, count=n, share=n / longest, note=note) for label, n, note in counts)


def _times(facts: NightFacts) -> tuple[tuple[str, float, float], ...]:
    longest = max(facts.elapsed_s.values(), default=0.0) or 1.0
    return tuple((stage, elapsed_s, elapsed_s / longest) for stage, elapsed_s in facts.elapsed_s.items())


def _long_date(night: str) -> str:
    day = date.fromisoformat(night)
    return f"{day.day} {day:%B %Y}"


def _angle(value: float | None, fmt: str) -> str:
    return "unknown" if value is None else f"{format(value, fmt).replace('-', '−')}°"


def _area(deg2: float) -> tuple[str, str]:
    """Return a value and its unit; frames of a small camera are a few square arcminutes."""
    return (
        (f"{deg2:.3g}" if deg2 < 1000.0 else f"{deg2:,.0f}", "deg²")
        if deg2 >= 0.1
        else (f"{3600.0 * deg2:.3g}", "arcmin²")
    )
