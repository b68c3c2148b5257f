"""Airflow reads its settings when it is first imported: give it a home of its own before that."""

import os
import tempfile
import warnings

_HOME = tempfile.mkdtemp(prefix="astrid-airflow-")
os.environ.update(
    AIRFLOW_HOME=_HOME,
    AIRFLOW__CORE__LOAD_EXAMPLES="False",
    AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=f"sqlite:///{_HOME}/airflow.db",
)
with warnings.catch_warnings():
    # Vendors' own deprecations, which are raised while they are imported for the first time.
    warnings.simplefilter("ignore")
    import great_expectations.expectations
    import great_expectations.expectations.row_conditions  # noqa: F401
