"""Where the pages of nights lead to: into Airflow, and into our API inside it."""

from urllib.parse import quote

from airflow.sdk import get_current_context
from airflow.sdk.configuration import conf

from astrid_core.catalog.report_links import Links
from include.api.paths import API


def links_of_search() -> Links:
    """Return links into the run that goes on now, which searches nights; none where Airflow's address is not set."""
    context = get_current_context()
    base = _base_url()
    if not base:
        return Links()
    run = f"{base}/dags/{quote(context['dag'].dag_id, safe='')}/runs/{quote(context['run_id'], safe='')}"
    # All batches of a stage, with their logs: which of them held an exposure is not on record.
    return Links(stage=f"{run}/tasks/search_batch.{{stage}}/mapped", observation=_observations(base))


def links_of_records() -> Links:
    """Return links to what is on record, where another run has searched the night."""
    base = _base_url()
    return Links(observation=_observations(base)) if base else Links()


def artifact_link(digest: str) -> str:
    """Return where stored bytes are read by whoever may read; empty where Airflow's address is not set."""
    base = _base_url()
    return f"{base}{API}/v1/artifacts/{digest}" if base else ""


def _base_url() -> str:
    return str(conf.get("api", "base_url", fallback="") or "").rstrip("/")


def _observations(base: str) -> str:
    return f"{base}{API}/v1/observations/{{observation}}"
