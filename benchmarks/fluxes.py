"""Bias of fluxes and width of their pulls on the simulated pairs of the harness: ``python -m benchmarks.fluxes``.

Forced photometry at the true places of the injected transients, so that none is chosen for having been found.
``--page`` writes benchmarks/fluxes.md. ASTRID_BENCH names the folder of the harness (see ``benchmarks.run``).
"""

import argparse
import importlib.util
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from astrid_core.differencing.config import DifferenceConfig
from astrid_core.differencing.noise import robust_sigma
from astrid_core.differencing.photometry import force_photometry
from astrid_core.differencing.subtract import subtract
from benchmarks.diffbench_plugin import prepared_pair
from benchmarks.run import HARNESS, SCENARIOS

PAGE = Path(__file__).resolve().parent / "fluxes.md"
_BRIGHT_SNR = 10.0
_MEDIAN_ERROR = 1.2533
"""Of a median of n, in units of sigma / sqrt(n)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fluxes:
    """Measured and true fluxes of one scenario, arrays of one length."""

    scenario: str
    flux: NDArray[np.float64]
    flux_err: NDArray[np.float64]
    truth: NDArray[np.float64]
    snr: NDArray[np.float64]
    on_galaxy: NDArray[np.bool_]


def measure(scenario: str, side: int) -> Fluxes:
    """Subtract one pair of the harness and measure at the places of its transients."""
    harness = _harness()
    config = harness.SimConfig(n=side, **harness.SCENARIOS[scenario])
    made = harness.simulate(config)
    info = harness.make_info(config, made["new"], made["ref"], made["ratio"], 2)
    result = subtract(*prepared_pair(made["new"], made["ref"], info), DifferenceConfig())
    truth = made["truth"]
    found = force_photometry(result, np.stack([truth["x"], truth["y"]], axis=1))
    known = np.isfinite(found.flux)
    return Fluxes(
        scenario=scenario,
        flux=found.flux[known],
        flux_err=found.flux_err[known],
        truth=truth["flux"][known],
        snr=truth["snr"][known],
        on_galaxy=truth["on_gal"][known],
    )


def _harness() -> ModuleType:
    spec = importlib.util.spec_from_file_location("diffbench", HARNESS)
    if spec is None or spec.loader is None:
        raise FileNotFoundError(HARNESS)
    module = importlib.util.module_from_spec(spec)
    # Its dataclasses look themselves up there.
    sys.modules["diffbench"] = module
    spec.loader.exec_module(module)
    return module


def table(found: Sequence[Fluxes]) -> str:
    """Return a row per scenario, and one for all of them."""
    columns = (
        "scenario", "transients", "sigma of the pull", "its median",
        f"bias from S/N {_BRIGHT_SNR:g} on, off galaxies", "on galaxies",
    )  # fmt: skip
    lines = [f"| {' | '.join(columns)} |", "|" + "---|" * len(columns)]
    whole = Fluxes(
        scenario="all",
        **{
            name: np.concatenate([getattr(one, name) for one in found])
            for name in ("flux", "flux_err", "truth", "snr", "on_galaxy")
        },
    )
    for one in (*found, whole):
        pull = (one.flux - one.truth) / one.flux_err
        lines.append(
            f"| {one.scenario} | {len(pull)} | {robust_sigma(pull):.3f} | {np.median(pull):+.3f} "
            f"| {_bias(one, ~one.on_galaxy)} | {_bias(one, one.on_galaxy)} |"
        )
    return "\n".join(lines)


def _bias(one: Fluxes, where: NDArray[np.bool_]) -> str:
    bright = where & (one.snr > _BRIGHT_SNR)
    ratio = one.flux[bright] / one.truth[bright]
    error = _MEDIAN_ERROR * robust_sigma(ratio) / np.sqrt(len(ratio))
    return f"{100 * (np.median(ratio) - 1):+.1f} ± {100 * error:.1f} %"


def page(found: Sequence[Fluxes], command: str) -> str:
    """Return benchmarks/fluxes.md."""
    return f"""# Fluxes and their errors

Written by `{command}`: forced photometry at the true places of injected transients in the simulated pairs of the
differencing benchmark, exact PSFs given, a flux ratio that is off by 0.2 %.

{table(found)}
"""


def main() -> int:
    """Measure every scenario and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=2048)
    parser.add_argument("--page", action="store_true", help="write benchmarks/fluxes.md")
    arguments = parser.parse_args()
    if not HARNESS.is_file():
        print(f"the benchmark harness is not at {HARNESS}; set ASTRID_BENCH", file=sys.stderr)
        return 2
    found = [measure(scenario, arguments.size) for scenario in SCENARIOS]
    print(table(found))
    if arguments.page:
        PAGE.write_text(page(found, " ".join(["python -m benchmarks.fluxes", *sys.argv[1:]])))
    return 0


if __name__ == "__main__":
    sys.exit(main())
