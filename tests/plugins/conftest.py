import warnings

import tests.airflow_home  # noqa: F401 - before anything of Airflow

# Airflow's own imports are warned of by what they import.
with warnings.catch_warnings(action="ignore"):
    import airflow.api_fastapi.core_api.security  # noqa: F401
