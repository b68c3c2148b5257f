"""The page of a night leads into the run that searched it."""

import pytest

from astrid_core.catalog.report_links import Links
from include import report_links
from tests.catalog.test_report import invented_night


class _Dag:
    dag_id = "nightly_survey"


def configured(monkeypatch: pytest.MonkeyPatch, base_url: str) -> None:
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", base_url)
    context = {"dag": _Dag, "run_id": "manual__2026-01-01T00:00:00+00:00"}
    monkeypatch.setattr(report_links, "get_current_context", lambda: context)


def test_what_failed_leads_to_the_tasks_of_its_stage(monkeypatch: pytest.MonkeyPatch) -> None:
    configured(monkeypatch, "https://astrid.example.org/air/")
    (lost,) = (one for one in invented_night().exposures if one.outcome == "failed")
    assert report_links.links_of_search().of(lost) == (
        "https://astrid.example.org/air/dags/nightly_survey/runs/manual__2026-01-01T00%3A00%3A00%2B00%3A00"
        "/tasks/search_batch.preprocess/mapped"
    )


def test_where_another_run_has_searched_it_leads_to_what_is_on_record(monkeypatch: pytest.MonkeyPatch) -> None:
    configured(monkeypatch, "https://astrid.example.org/air")
    (lost,) = (one for one in invented_night().exposures if one.outcome == "failed")
    assert (
        report_links.links_of_records()
        .of(lost)
        .startswith("https://astrid.example.org/air/astrid/api/v1/observations/demo%3A")
    )


def test_without_an_address_of_airflow_nothing_is_linked(monkeypatch: pytest.MonkeyPatch) -> None:
    configured(monkeypatch, "")
    assert report_links.links_of_search() == report_links.links_of_records() == Links()
