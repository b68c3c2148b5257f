"""Deciding about exposures, and comparing an archive with the records, from a shell."""

from pathlib import Path

import pytest

from astrid_core.bootstrap import open_services
from astrid_core.cli.main import main
from astrid_core.shared.events import verify_chain
from tests.synthetic.broken import as_bytes, exposure

A, B = "demo:a.fits", "demo:b.fits"


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Path:
    """A folder of two exposures that are recorded already."""
    folder = tmp_path / "data"
    folder.mkdir()
    for name in "ab":
        (folder / f"{name}.fits").write_bytes(as_bytes(exposure(OBJECT=name, INSTRUME="CCD 7")))
    monkeypatch.setenv("ASTRID_HOME", str(tmp_path / "home"))
    assert main(["ingest", "--survey", "demo", "--data", str(folder)]) == 0
    capsys.readouterr()
    return folder


def said(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 0) -> list[str]:
    assert main(["observation", *arguments]) == status
    captured = capsys.readouterr()
    return (captured.out if status == 0 else captured.err).splitlines()


@pytest.mark.usefixtures("data")
def test_exposures_are_set_aside_and_released_by_whoever_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, "quarantine", A, B, "--reason", "clouds", "--as", "ada") == [
        f"{A}: in quarantine",
        f"{B}: in quarantine",
    ]
    assert said(capsys, "quarantine", A, "--reason", "clouds") == [f"{A}: in quarantine already"]
    assert "in quarantine: clouds; by ada, " in said(capsys, "show", A)[1]
    assert said(capsys, "release", A) == [f"{A}: released"]
    assert said(capsys, "show", A)[1:] == ["  active", "  round 0; 0 searches, 0 points in the catalog"]
    assert said(capsys, "reprocess", A) == [f"{A}: is pending already"]
    with open_services() as services, services.transaction() as records:
        events = list(records.events.all())
    verify_chain(events)
    decided = [(event.name, event.subject, event.actor) for event in events[2:]]
    assert decided == [
        ("observation.quarantined", A, "ada"),
        ("observation.quarantined", B, "ada"),
        ("observation.released", A, "astrid"),
    ]


@pytest.mark.usefixtures("data")
def test_an_instrument_is_set_aside_as_a_whole(capsys: pytest.CaptureFixture[str]) -> None:
    named = ("--survey", "demo", "--instrument", "CCD 7")
    assert said(capsys, "quarantine", *named, "--reason", "light leak") == ["demo/CCD 7: in quarantine"]
    assert "light leak; by astrid, " in said(capsys, "show", B)[1]
    assert "(all of CCD 7)" in said(capsys, "show", B)[1]
    assert said(capsys, "release", B) == [f"{B}: was not in quarantine by itself"]
    assert said(capsys, "release", *named) == ["demo/CCD 7: released"]
    assert said(capsys, "show", B)[1] == "  active"


@pytest.mark.usefixtures("data")
@pytest.mark.parametrize(
    ("arguments", "words", "status"),
    [
        (("quarantine", A), "needs --reason", 2),
        (("release",), "name exposures", 2),
        (("release", A, "--survey", "demo", "--instrument", "CCD 7"), "name exposures", 2),
        (("reprocess", "--survey", "demo", "--instrument", "CCD 7"), "wants exposures", 2),
        (("show", "demo:nothing.fits"), "no such observation", 65),
    ],
)
def test_what_makes_no_sense_is_refused(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], words: str, status: int
) -> None:
    assert words in said(capsys, *arguments, status=status)[-1]


def test_what_an_archive_lists_no_more_is_named(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (data / "b.fits").unlink()
    (data / "c.fits").write_bytes(as_bytes(exposure(OBJECT="c")))
    assert main(["reconcile", "--survey", "demo", "--retry"]) == 0
    captured = capsys.readouterr()
    assert captured.out == f"{B}: not listed any more\n"
    assert "2 files listed; 1 were missing: 1 came, 0 wait, 0 given up; 1 vanished" in captured.err


@pytest.mark.usefixtures("data")
@pytest.mark.parametrize(
    "command",
    [
        ["observation", "quarantine", "--survey", "dmeo", "--instrument", "CCD 7", "--reason", "noise"],
        ["calibrate", "--survey", "dmeo"],
        ["masters", "--survey", "dmeo"],
    ],
)
def test_a_survey_that_nobody_knows_is_refused(capsys: pytest.CaptureFixture[str], command: list[str]) -> None:
    assert main(command) == 65
    assert "survey is not configured (survey=dmeo, known=demo)" in capsys.readouterr().err
