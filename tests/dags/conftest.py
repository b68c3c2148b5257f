import warnings

import tests.airflow_home  # noqa: F401 - before anything of Airflow

with warnings.catch_warnings():
    # Vendors' own deprecations, which are raised while they are imported for the first time.
    warnings.simplefilter("ignore")
    import great_expectations.expectations
    import great_expectations.expectations.row_conditions  # noqa: F401
