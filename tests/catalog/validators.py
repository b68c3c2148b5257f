"""Validators that others wrote, asked about our files: what they mind, as text; nothing where a file is good."""

import io
import logging
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from astropy.io.votable import validate
from hats.io.validation import is_valid_catalog


def violations(path: Path) -> Sequence[str]:
    """Return what astropy.io.votable.validate minds, and where xmllint is installed what the schema of VOTable does."""
    report = io.StringIO()
    if validate(str(path), report, xmllint=shutil.which("xmllint") is not None):
        return []
    return [line for line in report.getvalue().splitlines()[1:] if line.strip()]


def votlint(path: Path) -> Sequence[str]:
    """Return what STILTS minds; its exit status is always 0."""
    said = _said("stilts", "votlint", "ucd=true", "unit=true", f"votable={path}")
    return [line for line in said if re.match(r"(ERROR|WARNING|INFO)", line) or "Exception" in line]


def fitsverify(path: Path) -> Sequence[str]:
    """Return what HEASARC's fitsverify minds."""
    said = _said("fitsverify", "-e", str(path))
    return [line for line in said if line.startswith("***") and "0 warning(s) and 0 error(s)" not in line]


def fitscheck(path: Path) -> Sequence[str]:
    """Return what astropy's fitscheck minds of checksums and the standard."""
    tool = Path(sys.executable).with_name("fitscheck")
    done = subprocess.run([tool, "--compliance", str(path)], capture_output=True, text=True, timeout=120, check=False)
    return [] if done.returncode == 0 else [done.stdout + done.stderr]


def _said(tool: str, *arguments: str) -> Sequence[str]:
    place = shutil.which(tool)
    if place is None:
        pytest.skip(f"no {tool} here; on Debian: apt-get install {tool}")
    done = subprocess.run([place, *arguments], capture_output=True, text=True, timeout=120, check=False)
    return f"{done.stdout}\n{done.stderr}".splitlines()


def hats_faults(folder: Path) -> Sequence[str]:
    """Return whether the HATS library minds a catalog when it is strict; the lax way accepts catalogs with holes."""
    logging.getLogger().setLevel(logging.ERROR)
    return [] if is_valid_catalog(folder, strict=True) else ["not a valid catalog"]
