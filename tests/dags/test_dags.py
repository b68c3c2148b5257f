import ast
import json
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest

from astrid_core.shared.errors import AstridError

REPOSITORY = Path(__file__).resolve().parents[2]
DAG_FILES = sorted(path for path in (REPOSITORY / "dags").glob("*.py") if path.name != "__init__.py")
DAG_IDS = {"nightly_survey", "build_references", "train_detector", "region_on_demand"}
HEAVY = ("numpy", "astropy", "tensorflow", "mlflow", "great_expectations", "pandas", "sqlalchemy_never", "astrid_core.bootstrap")


@pytest.fixture(scope="session")
def dags() -> dict[str, Any]:
    with warnings.catch_warnings():
        # Vendors' own: raised while Airflow is imported.
        warnings.simplefilter("ignore")
        from airflow.dag_processing.dagbag import DagBag

        bag = DagBag(str(REPOSITORY / "dags"))
    assert bag.import_errors == {}
    return dict(bag.dags)


def test_these_dags_exist(dags: dict[str, Any]) -> None:
    print({k: [t for t in v.task_ids] for k, v in dags.items()})
    assert set(dags) == DAG_IDS
