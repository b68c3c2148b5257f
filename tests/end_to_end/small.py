"""A survey of one small field, with broken files among its last night."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from include.local.home import REPOSITORY, Home
from tests.end_to_end.living import living_in
from tests.synthetic.broken import write_broken_inputs

SURVEY, FIRST_NIGHT, NIGHT = "small", "2025-04-28", "2025-05-04"
BROKEN_AT = (20.0, -30.0)
"""Far from the field of the survey."""


@dataclass(frozen=True)
class Small:
    """Where it is, and what is wrong in it."""

    folder: Path
    broken: dict[str, str]
    """Archive id to a part of the reason that it must be refused with."""


def small_survey(folder: Path) -> Small:
    """Simulate it."""
    simulate = [sys.executable, "-m", "astrid_core.cli.main", "simulate", "--out", str(folder)]
    options = {"fields": 1, "size": 512, "nights": 4, "exposures": 4, "first-night": FIRST_NIGHT, "cadence": 2}
    subprocess.run([*simulate, *(f"--{name}={value}" for name, value in options.items())], cwd=REPOSITORY, check=True)
    return Small(folder, write_broken_inputs(folder, mid_mjd=60800.2, ra_deg=BROKEN_AT[0], dec_deg=BROKEN_AT[1]))


def with_references(folder: Path, survey: Path) -> Home:
    """Return a home with the references of the survey, its system being down; made unless it is there."""
    is_new = not folder.exists()
    home = Home.open(folder)
    if is_new:
        with living_in(home) as living:
            living.survey(SURVEY, survey)
            living.run("build_references", {"survey": SURVEY, "exclude_night": NIGHT})
    return home
