"""Where browsers find what Airflow's API server serves."""

from urllib.parse import urlsplit

from airflow.configuration import conf


def as_browsers_ask(path: str) -> str:
    """Return a path of ours behind that of Airflow itself: a proxy may serve Airflow below a path of its own."""
    return urlsplit(str(conf.get("api", "base_url", fallback=""))).path.rstrip("/") + path
