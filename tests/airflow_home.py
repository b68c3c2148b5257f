"""Airflow reads its settings when it is first imported: give it a home of its own before that."""

import os
import tempfile

_HOME = tempfile.mkdtemp(prefix="astrid-airflow-")
os.environ.update(
    AIRFLOW_HOME=_HOME,
    AIRFLOW__CORE__LOAD_EXAMPLES="False",
    AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=f"sqlite:///{_HOME}/airflow.db",
)
