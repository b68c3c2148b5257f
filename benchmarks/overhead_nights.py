"""A home with references and a network, and nights of as many exposures as are asked for."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from astropy.io import fits

from include.local.environment import our_environment
from include.local.home import REPOSITORY, Home
from include.local.survey import Survey
from include.local.system import begin_databases, down

NIGHT = "2025-05-04"
CORNER_PIX = 32
N_FIELDS = 3
_SIMULATED = {
    "fields": N_FIELDS, "nights": 4, "reference-exposures": 4, "first-night": "2025-04-28", "cadence": 2
}  # fmt: skip
_BASE = "base"


def prepared(work: Path, *, side_pix: int, n_exposures: int) -> Home:
    """Return a home with references of every field and the shipped network; made unless it is there.

    The folder ``survey`` beside it then holds a night of at least so many exposures.
    """
    survey = work / "survey"
    asked = {"size": side_pix, "exposures": -(-n_exposures // N_FIELDS), **_SIMULATED}
    options = [f"--{name}={value}" for name, value in asked.items()]
    _astrid(["simulate", "--out", str(survey), *options], os.environ)
    home = Home.open(work / "prepared")
    done = home.folder / "done"
    if done.exists():
        return home
    try:
        _prepare(home, survey, work / _BASE)
    finally:
        down(home)
    done.touch()
    return home


def _prepare(home: Home, survey: Path, base: Path) -> None:
    for path in survey.glob("*/*.fits"):
        if path.parent.name != NIGHT:
            (base / path.parent.name).mkdir(parents=True, exist_ok=True)
            os.link(path, base / path.parent.name / path.name)
    postgres = begin_databases(home, print)
    Survey.register(_BASE, base, home, postgres).ingest()
    for command in (["train", "--shipped"], ["references", "--survey", _BASE, "--exclude-night", NIGHT]):
        _astrid(command, our_environment(home, postgres))


def _astrid(command: Sequence[str], environment: Mapping[str, str]) -> None:
    subprocess.run(
        [sys.executable, "-m", "astrid_core.cli.main", *command],
        cwd=REPOSITORY, check=True, env=dict(environment), stdout=subprocess.DEVNULL,
    )  # fmt: skip


def copied(home: Home, folder: Path) -> Home:
    """Return a copy of a home that is down, in the place of what lies there."""
    if folder.exists():
        shutil.rmtree(folder)
    # The database belongs to another user where this runs as root.
    subprocess.run(["cp", "-a", str(home.folder), str(folder)], check=True)
    return Home.open(folder)


def night_of(folder: Path, survey: Path, n_full: int, n_corners: int = 0) -> Path:
    """Return the folder, made anew, with ``n_full`` exposures and, spread among them, ``n_corners`` corners of such.

    A corner shows too few stars to be prepared: it is recorded, planned, looked at, and skipped with that reason.
    """
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir()
    taken = sorted((survey / NIGHT).iterdir(), key=_turn)
    is_full = np.zeros(n_full + n_corners, dtype=bool)
    is_full[np.linspace(0, is_full.size - 1, n_full).astype(int)] = True
    n_seen = {True: 0, False: 0}
    for number, full in enumerate(is_full.tolist()):
        of = taken[n_seen[full] % len(taken)]
        out = folder / f"{number:04d}.fits"
        if full:
            os.link(of, out)
        else:
            _write_corner(of, out, n_seen[full] // len(taken))
        n_seen[full] += 1
    return folder


def _turn(path: Path) -> tuple[int, str]:
    field, _, number = path.stem.split("_")
    return int(number), field


def _write_corner(path: Path, out: Path, number: int) -> None:
    """Write one of the corners of a frame as an exposure of its own, with the place on the sky that it has."""
    with fits.open(path, do_not_scale_image_data=True) as (frame,):
        n_across = frame.header["NAXIS1"] // CORNER_PIX
        top, left = (CORNER_PIX * one for one in divmod(number % n_across**2, n_across))
        part = fits.PrimaryHDU(frame.data[top : top + CORNER_PIX, left : left + CORNER_PIX].copy(), frame.header)
        part.header["CRPIX1"] -= left
        part.header["CRPIX2"] -= top
        part.writeto(out)
