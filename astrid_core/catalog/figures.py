"""The figures that nights are compared by."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from astrid_core.shared.robust import sigma_of

SHORT, LONG = 7, 30
"""Earlier nights that a night is compared with."""
MIN_NIGHTS = 5
"""With fewer earlier nights nothing is called unusual."""
_FAR = 4.0
"""So many robust standard deviations from the median of the earlier nights are unusual."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One figure of a night: how it is shown, and which way it is worrying."""

    label: str
    unit: str
    fmt: str
    worse: str
    """``higher``, ``lower``, or ``either``."""
    least: float
    """Nights that differ by less than this scatter as much as they may."""
    is_relative: bool = False
    """``least`` is a part of the median."""

    def show(self, value: float | None) -> str:
        """Return a value as text; large ones without exponent."""
        if value is None:
            return "–"
        return f"{value:,.0f}" if abs(value) >= 1000.0 else f"{value:{self.fmt}}".replace("-", "−")


FIGURES: Mapping[str, Figure] = {
    "searched": Figure(label="Share of exposures searched", unit="", fmt=".2f", worse="lower", least=0.05),
    "green": Figure(label="Share of green exposures", unit="", fmt=".2f", worse="lower", least=0.05),
    "area_deg2": Figure(label="Sky covered", unit="deg²", fmt=".3g", worse="lower", least=0.2, is_relative=True),
    "seeing_arcsec": Figure(label="Seeing", unit="arcsec", fmt=".2f", worse="higher", least=0.1),
    "limiting_mag": Figure(label="Depth, 5σ", unit="mag", fmt=".2f", worse="lower", least=0.05),
    "zero_point_mag": Figure(label="Zero point", unit="mag", fmt=".3f", worse="either", least=0.02),
    "astrometric_rms_mas": Figure(label="Astrometry, rms", unit="mas", fmt=".0f", worse="higher", least=5.0),
    "score_noise": Figure(label="Noise of the score", unit="σ", fmt=".2f", worse="either", least=0.03),
    "candidates_per_mpix": Figure(
        label="Candidates per Mpix", unit="", fmt=".3g", worse="higher", least=0.1, is_relative=True
    ),
    "detections_per_mpix": Figure(
        label="Detections per Mpix", unit="", fmt=".3g", worse="higher", least=0.1, is_relative=True
    ),
    "new_per_deg2": Figure(
        label="New objects per deg²", unit="", fmt=".3g", worse="higher", least=0.1, is_relative=True
    ),
    "completeness": Figure(label="Completeness", unit="", fmt=".2f", worse="lower", least=0.02),
    "purity": Figure(label="Purity of what was judged", unit="", fmt=".2f", worse="lower", least=0.05),
}
"""By name; names of figures of one band go on with a dot and the band."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """A figure beside those of earlier nights; None where no night has it."""

    name: str
    value: float | None
    n_short: int
    """Of the last 7 nights, those that have the figure."""
    median_short: float | None
    n_long: int
    """The same of the last 30."""
    median_long: float | None
    unusual: str
    """``higher`` or ``lower`` than the last 30 nights, far beyond their scatter; empty if it is not."""
    is_worse: bool
    """It is unusual, and that is not good."""

    @property
    def band(self) -> str:
        """Of a figure of one band; empty for others."""
        return self.name.partition(".")[2]

    @property
    def figure(self) -> Figure:
        """How it is shown."""
        return FIGURES[self.name.partition(".")[0]]


def compare(figures: Mapping[str, float | None], earlier: Sequence[Mapping[str, float | None]]) -> tuple[Compared, ...]:
    """Return each figure beside those of ``earlier`` nights, the newest of these first.

    Far is more than 4 robust standard deviations of the last 30, or than 4 times the least scatter that the figure may
    have.
    """
    return tuple(_compared(name, value, earlier) for name, value in figures.items())


def _compared(name: str, value: float | None, earlier: Sequence[Mapping[str, float | None]]) -> Compared:
    last = [number for one in earlier[:SHORT] if (number := one.get(name)) is not None]
    longer = [number for one in earlier[:LONG] if (number := one.get(name)) is not None]
    figure = FIGURES[name.partition(".")[0]]
    unusual = ""
    if value is not None and len(longer) >= MIN_NIGHTS:
        middle = median(longer)
        least = figure.least * abs(middle) if figure.is_relative else figure.least
        scatter = max(sigma_of([one - middle for one in longer]), least)
        if abs(value - middle) > _FAR * scatter:
            unusual = "higher" if value > middle else "lower"
    return Compared(
        name=name,
        value=value,
        n_short=len(last),
        median_short=median(last) if last else None,
        n_long=len(longer),
        median_long=median(longer) if longer else None,
        unusual=unusual,
        is_worse=bool(unusual) and figure.worse in {unusual, "either"},
    )
