"""Verdicts from a shell, on SQLite."""

from pathlib import Path

import pytest

from astrid_core.bootstrap import migrate_database, open_services
from astrid_core.cli.main import main
from astrid_core.curation.entities import Verdict
from tests.stages.voting import ARBITER, voting


@pytest.fixture
def ids(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    """Three detections in the queue of an empty home."""
    monkeypatch.setenv("ASTRID_HOME", str(tmp_path / "home"))
    migrate_database()
    with open_services() as services:
        return voting(3, transaction=services.transaction).ids


def lines(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    capsys.readouterr()
    assert main(arguments) == 0
    return capsys.readouterr().out.splitlines()


def test_one_judges_thinks_again_and_takes_it_back(ids: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    first = ids[0]
    assert [line.split("  ")[0] for line in lines(capsys, "review")] == [*ids, "3 shown"]
    assert lines(capsys, "review")[0].endswith("0 of 2 votes  demo 2024-03-02 r")
    told = lines(
        capsys, "review", first, "--as", "ana", "--verdict", "real", "--reason", "transient", "--confidence", "3"
    )  # fmt: skip
    assert "recorded real by ana as" in told[-1]
    assert lines(capsys, "review")[0].endswith("1 of 2 votes  demo 2024-03-02 r")
    (shown,) = lines(capsys, "review", first)
    assert shown.endswith("ana  reviewer  real  transient")
    identity = shown.split("  ")[1]
    assert lines(capsys, "review", "--undo", identity, "--as", "ana")[-1] == f"{first}  now withdrawn by ana"
    assert lines(capsys, "review")[0].endswith("0 of 2 votes  demo 2024-03-02 r")


def test_what_is_disputed_is_listed_and_settled(ids: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    for login, verdict in (("ana", Verdict.REAL), ("bo", Verdict.BOGUS)):
        lines(capsys, "review", ids[1], "--as", login, "--verdict", verdict.value)
    assert lines(capsys, "review", "--arbitrate", "--as", ARBITER)[0].startswith(ids[1])
    lines(capsys, "review", ids[1], "--as", ARBITER, "--arbitrate", "--verdict", "bogus", "--reason", "noise_peak")
    assert lines(capsys, "review", "--arbitrate", "--as", ARBITER) == ["0 shown: nothing waits for a verdict"]
    found = lines(capsys, "agreement")
    assert found[:2] == ["2 votes on 1 detections", "Fleiss kappa -1.000, Krippendorff alpha 0.000"]
    assert found[2] == "ana and bo: Cohen kappa 0.000 of 1 detections"
    assert found[3].startswith("ana against final verdicts: real recognised unknown, bogus recognised 0.000 (0.00 to")


def test_a_seed_is_planted_once(ids: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    asked = ("seed", ids[2], "--answer", "real", "--origin", "SN 2026abc", "--as", ARBITER)
    assert lines(capsys, *asked) == [f"{ids[2]} is a seed"]
    assert lines(capsys, *asked) == [f"{ids[2]} is a seed already"]


def test_the_reasons_are_listed_and_a_verdict_needs_a_name(
    ids: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert "bogus  cosmic_ray  Cosmic ray" in lines(capsys, "review", "--reasons")
    assert main(["review", "--arbitrate"]) == 2
    assert main(["review", ids[0], "--as", "ana", "--verdict", "real", "--reason", "cosmic_ray"]) == 65
