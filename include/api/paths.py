"""Where API and page are served, inside Airflow and without it."""

API, PAGE = "/astrid/api", "/astrid/ui"
