"""The facts of a night as text that fits a terminal."""

from collections.abc import Callable, Sequence
from textwrap import wrap

from astrid_core.catalog.completeness_text import curve_rows, describe_night
from astrid_core.catalog.exposure_facts import QUARANTINED, SEARCHED, SKIPPED, UNFINISHED, ExposureFacts
from astrid_core.catalog.report import NightFacts
from astrid_core.differencing.entities import QualityLevel

WIDTH = 100
_NAME_WIDTH = 30

_COLUMNS: tuple[tuple[str, str, int, Callable[[ExposureFacts], str]], ...] = (
    ("", "band", 6, lambda one: one.band[:6]),
    ("seeing", "arcsec", 6, lambda one: _number(one.fwhm_arcsec, ".2f")),
    ("sky", "counts", 7, lambda one: _number(one.sky, ".5g")),
    ("", "stars", 5, lambda one: _number(one.n_stars, "d")),
    ("regis.", "px", 6, lambda one: _number(one.registration_rms_pix, ".3f")),
    ("score", "noise", 5, lambda one: _number(one.score_noise, ".2f")),
    ("usable", "Mpix", 6, lambda one: _number(one.usable_mpix, ".2f")),
    ("candi-", "dates", 6, lambda one: _number(one.n_candidates, "d")),
    ("detec-", "tions", 6, lambda one: _number(one.n_detections, "d")),
)


def night_table(facts: NightFacts) -> str:
    """Return the night as aligned lines of at most 100 columns."""
    lines = [f"Night {facts.night}, survey {facts.survey}", "=" * WIDTH]
    lines += _pairs(_headline(facts))
    lines += ["", *_exposure_lines(facts)]
    if facts.quality is not None and facts.quality.completeness:
        lines += ["", "Injected sources recovered, by predicted S/N", *curve_rows(facts.quality.completeness)]
    for title, rows in (
        (
            "Skipped",
            [(one.archive_id, f"{one.stage}: {one.reason}") for one in facts.exposures if one.outcome == SKIPPED],
        ),
        (
            "Failed",
            [(one.archive_id, f"{one.stage}: {one.reason}") for one in facts.exposures if one.outcome == UNFINISHED],
        ),
        ("Exposures to be careful with", [(one.archive_id, one.warning) for one in facts.exposures if one.warning]),
        ("Quarantined", [(one.archive_id, one.reason) for one in facts.exposures if one.outcome == QUARANTINED]),
        ("Rejected files", [(one.archive_id, one.reason) for one in facts.rejected]),
    ):
        if rows:
            lines += ["", f"{title} ({len(rows)})", *_pairs(rows)]
    if facts.truth is not None and (facts.truth.missed or facts.truth.false):
        lines += ["", "Against the truth", *_pairs(_truth_rows(facts))]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def truth_sentences(facts: NightFacts) -> tuple[str, str] | None:
    """Return what was recovered and what is false, each with its denominator; None without a truth table."""
    truth = facts.truth
    if truth is None:
        return None
    share = f" ({100.0 * truth.n_recovered / truth.n_expected:.1f} %)" if truth.n_expected else ""
    recovered = (
        f"{truth.n_recovered} of {truth.n_expected} transients with predicted S/N >= {truth.min_snr:g} "
        f"on unmasked pixels{share}; {len(truth.missed)} missed, {truth.n_hidden} more on masked pixels"
    )
    rate = f", {4.0 * len(truth.false) / truth.usable_mpix:.2f} per 4 Mpix" if truth.usable_mpix else ""
    false = f"{len(truth.false)} of {truth.n_entries} catalog entries in {truth.usable_mpix:.2f} usable Mpix{rate}"
    return recovered, false


def _headline(facts: NightFacts) -> list[tuple[str, str]]:
    n_quarantined = facts.count(QUARANTINED)
    exposures = (
        f"{len(facts.exposures)} in: {facts.count(SEARCHED)} searched, {facts.count(SKIPPED)} skipped, "
        f"{facts.count(UNFINISHED)} failed"
        + (f", {n_quarantined} quarantined" if n_quarantined else "")
        + f"; {len(facts.rejected)} files of the survey rejected"
    )
    catalog = (
        f"{facts.n_entries_new + facts.n_entries_known} entries: {facts.n_entries_new} new, "
        f"{facts.n_entries_known} known; {facts.total('n_published'):.0f} light curve points"
    )
    levels = [one.quality for one in facts.exposures if one.quality]
    rows = [
        ("Exposures", exposures),
        *([("Quality", ", ".join(f"{levels.count(one)} {one}" for one in QualityLevel))] if levels else []),
        ("Candidates", f"{facts.total('n_candidates'):.0f} in {facts.total('usable_mpix'):.2f} usable Mpix"),
        ("Detections", f"{facts.total('n_detections'):.0f} with score >= {facts.min_score:g}"),
        ("Catalog", catalog),
    ]
    sentences = truth_sentences(facts)
    if sentences is not None:
        rows += [("Recovered", sentences[0]), ("False", sentences[1])]
    if facts.quality is not None:
        rows += [("Injected" if number == 0 else "", text) for number, text in enumerate(describe_night(facts.quality))]
    rows += [("Worth a look" if number == 0 else "", one.text) for number, one in enumerate(facts.notices)]
    times = ", ".join(f"{stage} {elapsed_s:.1f} s" for stage, elapsed_s in facts.elapsed_s.items())
    return [*rows, ("Time", f"{times}; {sum(facts.elapsed_s.values()):.1f} s in all")]


def _exposure_lines(facts: NightFacts) -> list[str]:
    searched = [one for one in facts.exposures if one.outcome == SEARCHED]
    if not searched:
        return ["No exposure was searched."]
    heads = [
        f"{'' if row == 0 else 'exposure':<{_NAME_WIDTH}}"
        + "".join(f" {column[row]!s:>{column[2]}}" for column in _COLUMNS)
        for row in (0, 1)
    ]
    body = [
        f"{_shortened(one.archive_id, _NAME_WIDTH):<{_NAME_WIDTH}}"
        + "".join(f" {show(one):>{width}}" for _, _, width, show in _COLUMNS)
        for one in searched
    ]
    return [*heads, "-" * WIDTH, *body]


def _truth_rows(facts: NightFacts) -> list[tuple[str, str]]:
    if facts.truth is None:
        return []
    missed = [
        (
            f"missed {one.object_id}",
            f"RA {one.ra_deg:.5f} Dec {one.dec_deg:+.5f}, predicted S/N {one.predicted_snr:.1f}"
            + (f"; {one.seen}" if one.seen else ""),
        )
        for one in facts.truth.missed
    ]
    false = [
        (
            f"false {one.entry_id[:8]}",
            f"RA {one.ra_deg:.5f} Dec {one.dec_deg:+.5f}, score {one.score:.3f}, {one.significance:+.1f} sigma"
            + (f", on a {one.near}" if one.near else ""),
        )
        for one in facts.truth.false
    ]
    return missed + false


def _pairs(rows: Sequence[tuple[str, str]]) -> list[str]:
    """Return names on the left and texts, wrapped, on the right."""
    width = min(_NAME_WIDTH, max(len(name) for name, _ in rows))
    lines = []
    for name, text in rows:
        first, *rest = wrap(text, WIDTH - width - 2) or [""]
        lines.append(f"{_shortened(name, width):<{width}}  {first}")
        lines += [" " * (width + 2) + line for line in rest]
    return lines


def _shortened(name: str, width: int) -> str:
    return name if len(name) <= width else "…" + name[-(width - 1) :]


def _number(value: float | None, fmt: str) -> str:
    return "-" if value is None else format(value, fmt)
