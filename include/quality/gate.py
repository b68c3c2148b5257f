"""Check a table against a suite of expectations, and stop with the column and the value that failed."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import great_expectations as gx
import great_expectations.expectations as gxe
import pandas as pd
from great_expectations import RunIdentifier

from astrid_core.shared.errors import PermanentFailure
from include.quality.data_docs import context_config, forget_old, publish_actions
from include.quality.overview import rule


class GateClosed(PermanentFailure):
    """A table did not meet an expectation: nothing that follows may use it."""


def check_table(
    table: pd.DataFrame,
    name: str,
    expectations: Sequence[gxe.Expectation],
    *,
    row_name: str,
    about: str = "",
    docs: Path | None = None,
) -> int:
    """Return the number of rows, all as expected; GateClosed tells what failed first.

    ``row_name`` is the column by which people know a row. Where a folder ``docs`` is given, its pages tell what was
    found ``about`` what, whether or not the gate closes.
    """
    if table.empty:
        return 0
    if docs is not None:
        forget_old(docs, name)
    checkpoint = _checkpoint(name, expectations, row_name, docs)
    run = RunIdentifier(run_name=about or name, run_time=datetime.now(UTC))
    outcome = checkpoint.run(batch_parameters={"dataframe": table}, run_id=run)
    failed = [result for run in outcome.run_results.values() for result in run["results"] if not result["success"]]
    if failed:
        raise GateClosed(f"{name} failed an expectation", **_told(failed[0], table, row_name), n_failed=len(failed))
    return len(table)


def _checkpoint(name: str, expectations: Sequence[gxe.Expectation], row_name: str, docs: Path | None) -> gx.Checkpoint:
    context = gx.get_context(mode="ephemeral", project_config=context_config(docs))
    batch = context.data_sources.add_pandas(name).add_dataframe_asset(name).add_batch_definition_whole_dataframe(name)
    suite = context.suites.add(gx.ExpectationSuite(name=name, expectations=list(expectations)))
    definition = context.validation_definitions.add(gx.ValidationDefinition(name=name, data=batch, suite=suite))
    return context.checkpoints.add(
        gx.Checkpoint(
            name=name,
            validation_definitions=[definition],
            actions=publish_actions(docs),
            result_format={"result_format": "COMPLETE", "unexpected_index_column_names": [row_name]},
        )
    )


def _told(result: Mapping[str, Any], table: pd.DataFrame, row_name: str) -> dict[str, object]:
    """Return what a person needs to find the row."""
    config = result["expectation_config"]
    about = dict(config["kwargs"])
    about.pop("batch_id", None)
    columns = [str(about.pop(key)) for key in ("column", "column_A", "column_B") if key in about]
    trouble = result["exception_info"]
    if "exception_message" not in trouble and trouble.get("raised_exception", True):
        trouble = next(iter(trouble.values()))
    told: dict[str, object] = {"column": " and ".join(columns), "expected": rule(config["type"], about)}
    if trouble.get("raised_exception"):
        return told | {"cause": trouble["exception_message"]}
    found = result["result"]
    rows = found.get("unexpected_index_list") or []
    if rows:
        told |= {"value": found["unexpected_list"][0], row_name: rows[0][row_name]}
    return told | {"n_rows": found.get("unexpected_count", 0), "of": len(table)}
