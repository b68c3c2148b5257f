"""Whether Airflow works: what its health page says in its body, since the status is 200 even when all are down."""

from collections.abc import Collection

import httpx

_TIMEOUT_S = 5.0


def health(url: str) -> dict[str, str]:
    """Return component to status; empty where nobody answers."""
    try:
        answer = httpx.get(f"{url}/api/v2/monitor/health", timeout=_TIMEOUT_S, trust_env=False)
        body = answer.raise_for_status().json()
    except (httpx.HTTPError, ValueError):
        return {}
    return {name: str(one["status"]) for name, one in body.items() if isinstance(one, dict) and "status" in one}


def is_healthy(url: str, components: Collection[str]) -> bool:
    """Tell whether all of these components are healthy."""
    seen = health(url)
    return all(seen.get(name) == "healthy" for name in components)
