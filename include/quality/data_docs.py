"""Where Great Expectations keeps what it found, and the pages it makes of that."""

import shutil
from pathlib import Path
from typing import Any

from great_expectations.checkpoint import UpdateDataDocsAction
from great_expectations.data_context.types.base import (
    DataContextConfig,
    InMemoryStoreBackendDefaults,
    ProgressBarsConfig,
)

from include.quality.places import PAGES, RESULTS

_KEPT = 60
"""Validations of one table that the pages show; older ones are in the logs of their tasks."""


def context_config(docs: Path | None) -> DataContextConfig:
    """Return a context that reports to nobody: in memory, but for results and pages in the folder ``docs``."""
    defaults = InMemoryStoreBackendDefaults()
    if docs is not None:
        defaults.stores[defaults.validation_results_store_name]["store_backend"] = _folder(docs / RESULTS)
        defaults.data_docs_sites = {
            "quality": {
                "class_name": "SiteBuilder",
                "show_how_to_buttons": False,
                "store_backend": _folder(docs / PAGES),
                "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
            }
        }
    return DataContextConfig(
        store_backend_defaults=defaults,
        progress_bars=ProgressBarsConfig(globally=False),
        analytics_enabled=False,
    )


def publish_actions(docs: Path | None) -> list[UpdateDataDocsAction]:
    """Return what a checkpoint does after a run: bring the pages up to date."""
    return [] if docs is None else [UpdateDataDocsAction(name="pages")]


def forget_old(docs: Path, name: str) -> None:
    """Remove all but the newest validations of a table, so that pages stay quick to make."""
    for place in (docs / RESULTS / name, docs / PAGES / "validations" / name):
        # <run>/<time of the run>
        runs = sorted(place.glob("*/*"), key=lambda run: run.name, reverse=True)
        for run in runs[_KEPT:]:
            shutil.rmtree(run, ignore_errors=True)


def _folder(base: Path) -> dict[str, Any]:
    return {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(base.resolve())}
