"""Alerts from a shell: what waits, what is sent, what is taken back."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from astrid_core.alerts.announce import Change
from astrid_core.bootstrap import migrate_database, open_services
from astrid_core.catalog.entities import CatalogEntry
from astrid_core.cli.main import main
from astrid_core.stages.announce import announce_changes
from tests.adapters.invented import entry, observation, point

NOBODY = "00000000-0000-0000-0000-0000000000ff"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a home with one channel that leads into a folder, and holds more than one alert a run."""
    pipeline = tmp_path / "pipeline.toml"
    pipeline.write_text(
        '[alerts]\nmax_per_run = 1\n[[alerts.channels]]\nname = "out"\nformat = "gcn"\nmin_score = 0.0\n'
    )
    monkeypatch.setenv("ASTRID_HOME", str(tmp_path))
    monkeypatch.setenv("ASTRID_PIPELINE", str(pipeline))
    monkeypatch.setenv("ASTRID_ALERT_ADDRESSES", json.dumps({"out": f"file://{tmp_path}/out"}))
    migrate_database()
    return tmp_path


def lines(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 0) -> list[str]:
    capsys.readouterr()
    assert main(arguments) == status
    return capsys.readouterr().out.splitlines()


def publish() -> CatalogEntry:
    """Put an object into the catalog, as if a night had been published."""
    with open_services() as services, services.transaction() as records:
        records.observations.add(observation())
        records.catalog.put(entry())
        records.catalog.put_points([point("detect-1:1")])
        change = Change(before=None, after=entry(), points_before=(), points=(point("detect-1:1"),))
        announce_changes(records, [change])
    return entry()


def test_an_object_is_told_shown_and_taken_back(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert lines(capsys, "alerts", "deliver") == ["0 delivered"]
    name = str(publish().id)
    assert lines(capsys, "alerts", "list", "--state", "raised")[-1] == "1 alerts"
    assert lines(capsys, "alerts", "deliver")[0] == "out: 1 delivered, 0 refused, 0 to be tried again"
    (file,) = (home / "out").iterdir()
    (shown,) = lines(capsys, "alerts", "show", name, "--packet", "gcn")
    assert json.loads(shown) == json.loads(file.read_text())
    assert "  new  delivered" in lines(capsys, "alerts", "show", name)[0]
    lines(capsys, "alerts", "show", NOBODY, status=65)

    by = ("--as", "dan", "--reason", "a ghost")
    lines(capsys, "alerts", "retract", name, *by, status=65)
    lines(capsys, "access", "grant", "dan", "--role", "data-release")
    assert lines(capsys, "alerts", "retract", name, *by) == ["1 retractions go out with the next delivery"]
    assert lines(capsys, "alerts", "retract", name, *by) == ["no channel knows of this object"]
    lines(capsys, "alerts", "deliver")
    kinds = {json.loads(one.read_text())["alert_type"] for one in (home / "out").iterdir()}
    assert kinds == {"initial", "retraction"}


def test_a_flood_is_released_or_dropped_by_who_may(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    (home / "pipeline.toml").write_text(
        '[[alerts.channels]]\nname = "out"\nformat = "gcn"\nmin_score = 0.0\nask = true\n'
    )
    lines(capsys, "alerts", "deliver")
    publish()
    held = lines(capsys, "alerts", "deliver")[0]
    assert held.startswith("out: 1 held, the channel asks: astrid alerts release by-hand-")
    batch = held.rsplit(" ", 1)[1]
    by = ("--as", "dan", "--reason", "looked")
    lines(capsys, "alerts", "release", batch, *by, status=65)
    lines(capsys, "access", "grant", "dan", "--role", "data-release")
    assert lines(capsys, "alerts", "release", batch, *by) == ["1 alerts go out with the next delivery"]
    assert lines(capsys, "alerts", "drop", batch, *by) == ["0 alerts dropped"]
    assert lines(capsys, "alerts", "deliver")[0].startswith("out: 1 delivered")
    assert datetime.now(UTC).isoformat()[:4] in lines(capsys, "alerts", "list", "--channel", "out")[0]
