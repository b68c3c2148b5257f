"""The store from a shell: exit statuses, dry runs, and what is printed."""

import os
import time
from pathlib import Path

import pytest

from astrid_core.bootstrap import migrate_database, open_services
from astrid_core.catalog.entities import ExportJob
from astrid_core.cli.main import main
from astrid_core.cli.progress import Progress
from astrid_core.shared.runs import RunKey

N_NAMED, N_LEFT = 4, 3


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with artifacts that an extract names, and older ones that nothing does."""
    home = tmp_path / "home"
    monkeypatch.setenv("ASTRID_HOME", str(home))
    migrate_database()
    with open_services() as services:
        refs = [services.artifacts.put(b"page %d" % n, media_type="text/html") for n in range(N_NAMED)]
        with services.transaction() as records:
            files = {str(number): ref for number, ref in enumerate(refs)}
            records.exports.add(ExportJob(key=RunKey("export-1"), files=files, n_entries=0, n_points=0))
        for number in range(N_LEFT):
            services.artifacts.put(b"left over %d" % number, media_type="text/html")
    for path in _files(home):
        os.utime(path, (time.time() - 9 * 86400.0,) * 2)
    return home


def _files(home: Path) -> list[Path]:
    return sorted(path for path in (home / "artifacts").rglob("*") if path.is_file())


def _lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().out.splitlines()


def test_a_scrub_says_what_it_found_by_its_status(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["store", "scrub"]) == 0
    assert _lines(capsys) == ["7 artifacts, 7 of them read (0.0 MB)", "3 named by no record (0.0 MB)", "sound"]
    corrupt, missing = [path for path in _files(home) if path.read_bytes().startswith(b"page")][:2]
    corrupt.chmod(0o600)
    corrupt.write_bytes(b"bit rot")
    missing.unlink()
    assert main(["store", "scrub"]) == 65
    told = _lines(capsys)
    assert told[:2] == [f"corrupt  {corrupt.name}", f"missing  {missing.name}"]
    assert told[-1] == "1 corrupt, 1 missing"
    assert not (home / "scrub.json").exists()


def test_a_part_of_the_store_is_read_every_day(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["store", "scrub", "--every-days", "1000000"]) == 0
    assert _lines(capsys)[0].startswith("7 artifacts, 0 of them read")
    assert main(["store", "scrub", "--every-days", "0"]) == 2


def test_nothing_is_deleted_unless_it_is_asked_for(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["store", "collect"]) == 0
    assert _lines(capsys)[-1] == "3 could be deleted (0.0 MB); --delete does"
    assert len(_files(home)) == N_NAMED + N_LEFT
    assert main(["store", "collect", "--delete"]) == 0
    told = _lines(capsys)
    assert (len(told), told[-1]) == (N_LEFT + 1, "3 deleted (0.0 MB)")
    assert len(_files(home)) == N_NAMED
    assert main(["audit", "show"]) == 0
    assert [line.split("  ")[3] for line in _lines(capsys)] == ["artifacts.condemned", "artifacts.deleted"]


def test_images_are_kept_until_somebody_sets_a_limit(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["store", "drop", "--delete"]) == 0
    assert _lines(capsys) == ["every difference image is kept: difference_image_days of [retention] is 0"]
    settings = home / "pipeline.toml"
    settings.write_text("[retention]\ndifference_image_days = 3\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ASTRID_PIPELINE", str(settings))
        assert main(["store", "drop", "--delete"]) == 0
    assert _lines(capsys) == ["0 images of 0.0 MB dropped"]
    assert main(["store", "recreate", "difference-0"]) == 65


def test_long_work_tells_how_far_it_is(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    progress = Progress("artifacts copied")
    for number in range(1, 5):
        now[0] += 1.5
        progress(number, 4)
    Progress("artifacts looked at")(1, 0)
    assert capsys.readouterr().err.splitlines() == ["2 of 4 artifacts copied", "4 of 4 artifacts copied"]
