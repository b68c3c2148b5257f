"""Who may import whom: the contracts of pyproject.toml hold, and they speak of every package."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

from tests.architecture.repository import PRODUCT, ROOT


def run_lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_every_contract_is_kept() -> None:
    done = run_lint_imports(ROOT)

    assert done.returncode == 0, done.stdout + done.stderr


def test_contracts_speak_of_every_package() -> None:
    linter = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]

    assert set(linter["root_packages"]) == set(PRODUCT)


def test_an_entity_that_imports_a_service_breaks_the_contracts(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text())
    for package in PRODUCT:
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").touch()
    for part in (path for path in (ROOT / "astrid_core").iterdir() if (path / "__init__.py").exists()):
        (tmp_path / "astrid_core" / part.name).mkdir()
        (tmp_path / "astrid_core" / part.name / "__init__.py").touch()
    for module in ("settings", "bootstrap"):
        (tmp_path / "astrid_core" / f"{module}.py").touch()
    (tmp_path / "astrid_core" / "shared" / "sky.py").write_text("import sqlalchemy\n")
    (tmp_path / "dags" / "nightly.py").write_text("import astrid_core.settings\n")

    done = run_lint_imports(tmp_path)

    assert done.returncode == 1
    broken = [line for line in done.stdout.splitlines() if line.endswith("BROKEN")]
    assert [line.removesuffix(" BROKEN") for line in broken] == [
        "The core touches no service",
        "DAGs call stages, nothing deeper",
    ]
