"""What came of nights that were published by different rules, as docs/night_with_network.md."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from astropy.stats import binom_conf_interval

from astrid_core.adapters.models.baseline import read_shipped
from astrid_core.bootstrap import load_pipeline
from astrid_core.catalog.config import PublishConfig
from astrid_core.catalog.truth import TruthTally

PAGE = Path(__file__).resolve().parents[1] / "docs" / "night_with_network.md"
LEAST_COMPLETENESS, LEAST_FALL = 0.95, 5.0
"""What is asked of the network."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What enters the catalog."""

    name: str
    publish: PublishConfig
    with_network: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a rule makes of all nights."""

    rule: Rule
    tallies: tuple[TruthTally, ...]

    @property
    def n_expected(self) -> int:
        """Transients that should be found."""
        return sum(one.n_expected for one in self.tallies)

    @property
    def n_recovered(self) -> int:
        """Those that are in the catalog."""
        return sum(one.n_recovered for one in self.tallies)

    @property
    def n_changed(self) -> int:
        """Objects of the catalog that did change, however faint."""
        return sum(one.n_entries for one in self.tallies) - self.n_false

    @property
    def n_false(self) -> int:
        """Objects of the catalog that are nothing that changed."""
        return sum(len(one.false) for one in self.tallies)

    @property
    def usable_mpix(self) -> float:
        """Area that was searched."""
        return sum(one.usable_mpix for one in self.tallies)


def page(outcomes: Sequence[Outcome], *, seeds: Sequence[int], n_exposures: int) -> str:
    """Return the page; the first of ``outcomes`` is the rule in force, the second every candidate."""
    ours, alone = outcomes[:2]
    drawn = ", ".join(str(seed) for seed in seeds)
    least_snr = load_pipeline().report.min_truth_snr
    lines = [
        "# A night with the network and without",
        "",
        "Written by `python -m benchmarks.night_with_network --work DIR` about the network that comes with the code",
        f"(recipe `{read_shipped().recipe}`). The survey of `make demo`, drawn anew for",
        f"each seed ({drawn}), is searched by `astrid run`: {n_exposures} exposures of {len(seeds)} nights,",
        f"{ours.usable_mpix:.1f} usable Mpix. The same detections are then published by different rules and compared",
        f"with the truth: transients with a predicted S/N of {least_snr:g} or more on unmasked pixels, and objects of",
        "the catalog that are near nothing that changed. The others, however faint, are transients, variable stars and",
        "what moves. By significance, candidates that the network cannot judge count, too.",
        "",
        *_goals(ours, alone),
        "",
        "| published by | transients found | completeness | all that changed | false | false per Mpix | false on |",
        "|---|---|---|---|---|---|---|",
        *(_row(one) for one in outcomes),
        "",
        "Transients found and false objects by seed:",
        "",
        f"| published by | {' | '.join(f'seed {seed}' for seed in seeds)} |",
        "|---" * (len(seeds) + 1) + "|",
        *(_row_by_seed(one) for one in outcomes),
        "",
        *_missed(ours),
    ]
    return "\n".join(lines) + "\n"


def _goals(ours: Outcome, alone: Outcome) -> list[str]:
    completeness, kept = ours.n_recovered / ours.n_expected, ours.n_false / max(alone.n_false, 1)
    low, high = binom_conf_interval(
        min(ours.n_false, alone.n_false), max(alone.n_false, 1), confidence_level=0.95, interval="wilson"
    )
    is_complete, is_clean = completeness >= LEAST_COMPLETENESS, kept <= 1.0 / LEAST_FALL
    return [
        f"- Completeness with the network: {completeness:.3f}.",
        f"  At least {LEAST_COMPLETENESS:g} is asked: {_verdict(is_complete)}.",
        f"- False objects that it leaves: {ours.n_false} of {alone.n_false}, {kept:.1%} (95 % Wilson {low:.1%} to",
        f"  {high:.1%}). At most one in {LEAST_FALL:g} is asked: {_verdict(is_clean)}.",
    ]


def _verdict(is_met: bool) -> str:  # noqa: FBT001 - private, and the question is in the text before it
    return "met" if is_met else "missed"


def _row(one: Outcome) -> str:
    near = Counter(entry.near.replace("_", " ") or "nothing" for night in one.tallies for entry in night.false)
    places = ", ".join(f"{count} {what}" for what, count in near.most_common()) or "-"
    found = f"{one.n_recovered} of {one.n_expected} | {one.n_recovered / one.n_expected:.3f}"
    false = f"{one.n_false} | {one.n_false / one.usable_mpix:.2f}"
    return f"| {one.rule.name} | {found} | {one.n_changed} | {false} | {places} |"


def _row_by_seed(one: Outcome) -> str:
    cells = [f"{night.n_recovered} of {night.n_expected}, {len(night.false)} false" for night in one.tallies]
    return f"| {one.rule.name} | {' | '.join(cells)} |"


def _missed(ours: Outcome) -> list[str]:
    missed = [f"- S/N {one.predicted_snr:+.1f}: {one.seen}" for night in ours.tallies for one in night.missed]
    return ["Transients that are missed with the network, and what the search made of them:", "", *(missed or ["none"])]
