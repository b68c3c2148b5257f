"""Roles, keys and the log of who did what, from a shell."""

import json
import sqlite3
from pathlib import Path

import pytest

from astrid_core.bootstrap import open_services
from astrid_core.cli.main import main
from astrid_core.shared.events import GENESIS


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ASTRID_HOME", str(tmp_path))
    return tmp_path


def lines(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 0) -> list[str]:
    capsys.readouterr()
    assert main(arguments) == status
    return capsys.readouterr().out.splitlines()


def test_roles_are_granted_listed_and_taken_back(capsys: pytest.CaptureFixture[str]) -> None:
    granted = lines(capsys, "access", "grant", "vera", "--role", "reviewer", "--role", "data-release")
    assert granted == ["vera is reviewer", "vera is data-release"]
    assert lines(capsys, "access", "grant", "vera", "--role", "reviewer") == ["vera is reviewer already"]
    assert lines(capsys, "access", "list") == ["vera  data-release, reviewer"]
    assert lines(capsys, "access", "revoke", "vera", "--role", "reviewer") == ["vera is no longer reviewer"]
    lines(capsys, "access", "revoke", "vera", "--role", "data-release")
    assert lines(capsys, "access", "list") == ["vera  no role"]


def test_a_key_is_made_listed_and_revoked(capsys: pytest.CaptureFixture[str]) -> None:
    lines(capsys, "access", "grant", "vera", "--role", "viewer")
    make = ("access", "key", "create", "vera", "--name", "nightly page")
    (text,) = lines(capsys, *make, "--scope", "read")
    key_id = text.split("_")[1]
    (listed,) = lines(capsys, "access", "key", "list", "--owner", "vera")
    assert listed.startswith(f"{key_id}  vera  read  until ")
    assert listed.endswith("  never used  nightly page")
    lines(capsys, *make, "--scope", "judge", status=65)
    lines(capsys, *make, "--scope", "read", "--days", "1000", status=2)
    assert lines(capsys, "access", "key", "revoke", key_id) == [f"{key_id} is revoked"]
    assert lines(capsys, "access", "key", "revoke", key_id) == [f"{key_id} is revoked already"]
    assert "  revoked  " in lines(capsys, "access", "key", "list")[0]


def test_the_log_is_shown_exported_and_verified(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for login in ("vera", "otto", "ada"):
        lines(capsys, "access", "grant", login, "--role", "viewer")
    shown = lines(capsys, "audit", "show", "--subject", "otto")
    assert len(shown) == 1
    assert "astrid  roles.changed  otto" in shown[0]
    assert len(lines(capsys, "audit", "show", "--actor", "astrid", "--since", "2020-01-01", "--after", "1")) == 2
    assert lines(capsys, "audit", "show", "--since", "2100-01-01T00:00:00+02:00") == []
    lines(capsys, "audit", "export", "--out", str(home / "log.jsonl"))
    exported = [json.loads(line) for line in (home / "log.jsonl").read_text().splitlines()]
    assert [one["previous"] for one in exported] == [GENESIS, exported[0]["digest"], exported[1]["digest"]]
    assert lines(capsys, "audit", "export") == (home / "log.jsonl").read_text().splitlines()
    (head,) = lines(capsys, "audit", "head")
    assert head == f"3:{exported[2]['digest']}"
    assert lines(capsys, "audit", "verify", "--head", head) == ["3 events and 0 verdicts, unbroken"]
    lines(capsys, "audit", "verify", "--head", "3", status=2)


def test_what_was_altered_is_named_and_makes_the_command_fail(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for login in ("vera", "otto", "ada"):
        lines(capsys, "access", "grant", login, "--role", "viewer")
    (head,) = lines(capsys, "audit", "head")
    with sqlite3.connect(home / "astrid.sqlite") as connection:
        connection.execute("DROP TRIGGER domain_event_refuses_update")
        connection.execute("DROP TRIGGER domain_event_refuses_delete")
        connection.execute("UPDATE domain_event SET subject = 'eve' WHERE sequence = 2")
        connection.execute("DELETE FROM domain_event WHERE sequence = 3")
    connection.close()
    assert lines(capsys, "audit", "verify", "--head", head, status=65) == [
        "domain_event 2: its content is not what its digest seals",
        "domain_event 3: it is missing: the end was cut off",
        "2 events and 0 verdicts, 2 faults",
    ]


def test_a_log_in_which_nothing_has_happened_is_whole(capsys: pytest.CaptureFixture[str]) -> None:
    lines(capsys, "access", "list")
    assert lines(capsys, "audit", "head") == ["nothing has happened yet"]
    assert lines(capsys, "audit", "verify") == ["0 events and 0 verdicts, unbroken"]
    assert lines(capsys, "audit", "seal") == ["0 verdicts sealed"]


def test_sqlite_has_no_roles_to_protect_the_log_from(capsys: pytest.CaptureFixture[str]) -> None:
    lines(capsys, "audit", "protect", "application", status=65)
    with open_services() as services, services.transaction() as records:
        assert list(records.events.all()) == []
