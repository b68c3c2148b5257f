"""Compare two networks on frames that neither has seen, before one takes the place of the other."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from astrid_core.detection.cutouts import CHANNELS, Stamps
from astrid_core.detection.evaluate import THRESHOLD, calibration_error
from astrid_core.detection.training_set import Examples
from astrid_core.shared.errors import BadConfiguration

_EDGES_SIGMA = (5.0, 8.0, 16.0, np.inf)
_N_PROBES = 24
_PROBE_SEED = 0

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class GateConfig:
    """Settings of the comparison of a new network with the one in use."""

    seed: int = 9001
    """Of its frames and of the resampling; no training may use it."""
    n_frames: int = 24
    """Simulated pairs in which much changes."""
    n_quiet: int = 12
    """Simulated pairs in which nothing changes."""
    max_loss: float = 0.02
    """A slice may be worse by this much; more is a failure where its interval excludes that nothing was lost."""
    n_resampled: int = 10000
    """Draws of the frames for the intervals."""
    max_ece: float = 0.1
    """Expected calibration error on the frames in which much changes."""
    max_parity: float = 1e-6
    """Largest difference between a score of the network when it was registered and of the one that was loaded."""
    max_cpu_s_per_1000: float = 30.0
    """CPU seconds for 1000 stamps."""
    max_memory_gib: float = 4.0
    """Peak memory of the process that compares."""

    def __post_init__(self) -> None:
        for name, least in (("n_frames", 4), ("n_quiet", 0), ("n_resampled", 100)):
            if getattr(self, name) < least:
                raise BadConfiguration(f"{name} must be at least {least}", got=getattr(self, name))
        for name in ("max_loss", "max_ece", "max_parity", "max_cpu_s_per_1000", "max_memory_gib"):
            if getattr(self, name) <= 0.0:
                raise BadConfiguration(f"{name} must be positive", got=getattr(self, name))


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One number of the challenger, what it is held against, and whether it holds."""

    name: str
    challenger: float | None
    """None where it could not be measured."""
    champion: float | None = None
    low: float | None = None
    """Interval of challenger less champion; those of all slices hold together with 95 %."""
    high: float | None = None
    bound: str
    n: int = 0
    """Examples behind it; 0 where it counts none."""
    passed: bool

    def __str__(self) -> str:
        """Return the check with all its numbers on a line."""
        interval = "" if self.low is None else f", difference {self.low:+.4f} to {self.high:+.4f}"
        against = "" if self.champion is None else f" against {self.champion:.4g}"
        n = f" (n={self.n})" if self.n else ""
        value = "not measured" if self.challenger is None else f"{self.challenger:.4g}"
        return f"{self.name}: {value}{against}{n}{interval}; must be {self.bound}"


@dataclass(frozen=True, slots=True, kw_only=True)
class GateResult:
    """What came of a comparison."""

    key: str
    """Names the frames, the settings and both networks."""
    challenger: str
    champion: str
    """Empty where there was none: then only what needs no comparison was checked."""
    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        """Tell whether there are checks and all of them hold."""
        return bool(self.checks) and all(check.passed for check in self.checks)

    @property
    def failures(self) -> tuple[str, ...]:
        """The checks that do not hold, with their numbers."""
        return tuple(str(check) for check in self.checks if not check.passed)

    def facts(self) -> dict[str, object]:
        """Return everything as JSON values."""
        return {
            "key": self.key,
            "challenger": self.challenger,
            "champion": self.champion,
            "passed": self.passed,
            "checks": [asdict(check) for check in self.checks],
        }

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> "GateResult":
        """Return what ``facts`` wrote down."""
        checks = tuple(Check(**check) for check in facts["checks"])
        return cls(key=facts["key"], challenger=facts["challenger"], champion=facts["champion"], checks=checks)

    def table(self) -> str:
        """Return all checks as a table in Markdown."""
        head = "| Check | n | Challenger | Champion | Difference | Must be | |\n|---|---|---|---|---|---|---|"
        return "\n".join([head, *(_row(check) for check in self.checks)])


def compare(
    examples: Examples,
    challenger: Mapping[str, NDArray[np.floating]],
    champion: Mapping[str, NDArray[np.floating]],
    config: GateConfig,
) -> Iterator[Check]:
    """Give a check for each slice of the examples; scores are given for the views ``frame`` and ``triplet``.

    A slice without examples is left out, but for the whole: without it nothing can be said, and it fails.
    """
    slices = list(_slices(examples, config))
    # Each alone at 95 %, two equal networks would differ somewhere nearly every second time.
    tail_percent = 2.5 / len(slices)
    for name, view, chosen in slices:
        n = int(chosen.sum())
        bound = f"no worse by more than {config.max_loss:.2g}"
        if not n:
            if name.endswith(", all"):
                yield Check(name=name, challenger=None, bound=bound, passed=False)
            continue
        new, old = (_right(scores[view], examples)[chosen] for scores in (challenger, champion))
        low, high = _interval(new, old, examples.frame[chosen], config, tail_percent)
        loss = float(old.mean() - new.mean())
        yield Check(
            name=name,
            challenger=float(new.mean()),
            champion=float(old.mean()),
            low=low,
            high=high,
            bound=bound,
            n=n,
            passed=not (loss > config.max_loss and high < 0.0),
        )


def check_calibration(
    examples: Examples, score: NDArray[np.floating], config: GateConfig, *, champion: NDArray[np.floating] | None
) -> Check:
    """Check the calibration on the frames in which much changes."""
    busy = examples.frame < config.n_frames
    new = calibration_error(score[busy], examples.is_real[busy])
    old = None if champion is None else calibration_error(champion[busy], examples.is_real[busy])
    n = int(busy.sum())
    return at_most("calibration error", new, config.max_ece, champion=old, n=n)


def at_most(name: str, value: float | None, bound: float, *, champion: float | None = None, n: int = 0) -> Check:
    """Return a check that holds where something was measured and is no larger than ``bound``."""
    passed = value is not None and value <= bound
    return Check(name=name, challenger=value, champion=champion, bound=f"at most {bound:.4g}", n=n, passed=passed)


def probes(stamp_pix: int) -> Stamps:
    """Return the same stamps for ever: noise, with something of growing strength in the middle."""
    rng = np.random.default_rng(_PROBE_SEED)
    pixels = rng.normal(0.0, 0.7, (_N_PROBES, stamp_pix, stamp_pix, len(CHANNELS)))
    middle = stamp_pix // 2
    away = np.arange(stamp_pix) - middle
    bump = np.exp(-0.5 * (away[:, None] ** 2 + away**2) / 1.5**2)
    pixels += np.linspace(0.0, 5.0, _N_PROBES)[:, None, None, None] * bump[..., None]
    return Stamps(
        pixels=pixels.astype(np.float32),
        offset=np.full((_N_PROBES, 2), middle, dtype=np.intp),
        index=np.arange(_N_PROBES),
        refused={},
    )


def _slices(examples: Examples, config: GateConfig) -> Iterator[tuple[str, str, Mask]]:
    """Give name, view and members of each slice."""
    size, real = np.abs(examples.score), examples.is_real
    quiet = examples.frame >= config.n_frames
    searched = size >= _EDGES_SIGMA[0]
    for view in ("frame", "triplet"):
        yield f"{view}: real accepted, all", view, real & searched
        yield f"{view}: false rejected, all", view, ~real
        for low, high in pairwise(_EDGES_SIGMA):
            inside = (size >= low) & (size < high)
            label = f"{low:g} to {high:g} sigma" if np.isfinite(high) else f"above {low:g} sigma"
            yield f"{view}: real accepted, {label}", view, real & inside
            yield f"{view}: false rejected, {label}", view, ~real & inside
        yield f"{view}: real accepted, brightened", view, real & searched & (examples.score > 0.0)
        yield f"{view}: real accepted, faded", view, real & searched & (examples.score < 0.0)
        yield f"{view}: false rejected, quiet sky", view, ~real & searched & quiet


def _right(score: NDArray[np.floating], examples: Examples) -> NDArray[np.float64]:
    is_right: Mask = (score >= THRESHOLD) == examples.is_real
    return is_right.astype(np.float64)


def _interval(
    new: NDArray[np.float64],
    old: NDArray[np.float64],
    frame: NDArray[np.int32],
    config: GateConfig,
    tail_percent: float,
) -> tuple[float, float]:
    """Return the interval of the mean difference when whole frames are drawn anew."""
    frames, which = np.unique(frame, return_inverse=True)
    gained, counted = np.bincount(which, weights=new - old), np.bincount(which)
    rng = np.random.default_rng(config.seed)
    drawn = rng.multinomial(len(frames), np.full(len(frames), 1.0 / len(frames)), config.n_resampled)
    low, high = np.percentile(drawn @ gained / (drawn @ counted), (tail_percent, 100.0 - tail_percent))
    return float(low), float(high)


def _row(check: Check) -> str:
    def shown(value: float | None, form: str = ".4g") -> str:
        return "" if value is None else format(value, form)

    interval = "" if check.low is None else f"{shown(check.low, '+.4f')} to {shown(check.high, '+.4f')}"
    cells: Sequence[str] = (
        check.name,
        str(check.n or ""),
        "not measured" if check.challenger is None else shown(check.challenger),
        shown(check.champion),
        interval,
        check.bound,
        "ok" if check.passed else "**fails**",
    )
    return f"| {' | '.join(cells)} |"
