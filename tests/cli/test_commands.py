"""The commands of a shell, in this process, on SQLite and a folder."""

import json
from pathlib import Path

import pytest

from astrid_core.bootstrap import open_services
from astrid_core.cli.main import main
from astrid_core.cli.night import survey_name
from astrid_core.detection.config import MODEL_NAME
from astrid_core.detection.gate import GateResult, at_most
from astrid_core.shared.runs import RunKey
from astrid_core.stages.gate import GATED
from tests.stages.scene import NEW, NIGHT, REFERENCE_NIGHTS, exposure

SCIENCE = f"demo:{NIGHT}/a.fits"


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with three nights and a broken file, and an empty home beside it."""
    folder = tmp_path / "data"
    for seed, night in enumerate(REFERENCE_NIGHTS):
        (folder / night).mkdir(parents=True)
        (folder / night / "a.fits").write_bytes(exposure(night, seed=seed))
    (folder / NIGHT).mkdir()
    (folder / NIGHT / "a.fits").write_bytes(exposure(NIGHT, seed=10, extra=[NEW], fwhm=3.3))
    (folder / "broken.fits").write_bytes(b"junk")
    monkeypatch.setenv("ASTRID_HOME", str(tmp_path / "home"))
    return folder


def _lines(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 0) -> list[str]:
    """Run a command that must end with ``status``, and return what it printed."""
    capsys.readouterr()
    assert main(arguments) == status
    return capsys.readouterr().out.splitlines()


def test_every_stage_up_to_the_difference_runs_from_a_shell_and_is_not_done_twice(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nights = _lines(capsys, "ingest", "--survey", "demo", "--data", str(data))
    assert nights == [*REFERENCE_NIGHTS, NIGHT]
    digests = _lines(capsys, "references", "--survey", "demo", "--exclude-night", NIGHT)
    (prepared,) = _lines(capsys, "preprocess", SCIENCE)
    (subtracted,) = _lines(capsys, "subtract", prepared)
    assert _lines(capsys, "references", "--survey", "demo", "--exclude-night", NIGHT) == digests
    assert _lines(capsys, "subtract", prepared) == [subtracted]
    assert _lines(capsys, "audit", "verify")[0].endswith("events and 0 verdicts, unbroken")


def test_a_reference_is_listed_quarantined_and_used_again_from_a_shell(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _lines(capsys, "ingest", "--survey", "demo", "--data", str(data))
    (digest,) = _lines(capsys, "references", "--survey", "demo", "--exclude-night", NIGHT)
    (prepared,) = _lines(capsys, "preprocess", SCIENCE)
    (subtracted,) = _lines(capsys, "subtract", prepared)
    (listed,) = _lines(capsys, "reference", "list", "--status", "active")
    assert "2 exposures of 2 nights, thin" in listed
    assert listed.endswith(f"without night {NIGHT}")
    (changed,) = _lines(capsys, "reference", "quarantine", digest[:8], "--reason", "ghost", "--as", "ada")
    assert changed.startswith(f"{digest[:12]}  quarantined")
    assert _lines(capsys, "reference", "list", "--status", "active") == []
    assert _lines(capsys, "reference", "stale") == [f"{SCIENCE}  {subtracted}  {digest[:12]}  quarantined"]
    _lines(capsys, "subtract", prepared, status=99)
    _lines(capsys, "reference", "activate", digest, "--reason", "fine", status=65)
    _lines(capsys, "reference", "retire", digest, "--reason", "fine")
    _lines(capsys, "reference", "activate", digest, "--reason", "fine")
    assert _lines(capsys, "subtract", prepared) == [subtracted]
    assert main(["reference", "retire", "no such", "--reason", "none"]) == 2
    assert f"no references begin with 'no such'; there are {digest[:12]}" in capsys.readouterr().err
    with open_services() as services, services.transaction() as records:
        acts = [(event.name, event.actor) for event in records.events.of(digest)]
    assert ("reference.quarantined", "ada") in acts
    assert acts[-1] == ("reference.activated", "astrid")


@pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy:DeprecationWarning")  # MLflow's own queries
def test_what_cannot_be_done_says_why_and_ends_with_its_status(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["ingest", "--survey", "demo", "--data", str(data)])
    (prepared,) = _lines(capsys, "preprocess", SCIENCE)
    assert main(["subtract", prepared]) == 99
    assert "no reference from another night" in capsys.readouterr().err
    assert main(["plan", "--survey", "demo", "--night", NIGHT]) == 65
    assert "astrid-detection" in capsys.readouterr().err
    assert main(["ingest", "--survey", "other"]) == 65
    assert main(["ingest", "--survey", "No Name", "--data", str(data)]) == 65
    assert main(["preprocess", "demo:nothing.fits"]) == 65
    assert main(["export", "--out", str(data), "--region", "circle(1)"]) == 2


def test_a_survey_name_does_not_change_its_folder(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["ingest", "--survey", "demo", "--data", str(data)])
    other = tmp_path / "other"
    other.mkdir()
    assert main(["ingest", "--survey", "demo", "--data", str(other)]) == 65
    assert "another folder" in capsys.readouterr().err


def test_a_night_without_a_model_is_reported_as_unfinished(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["ingest", "--survey", "demo", "--data", str(data)])
    table = "\n".join(_lines(capsys, "report", "--survey", "demo", "--night", NIGHT))
    assert "1 in: 0 searched, 0 skipped, 1 failed; 1 files of the survey rejected" in table
    assert "broken.fits" in table


def test_roles_are_granted_and_verdicts_refused_from_a_shell(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _lines(capsys, "access", "grant", "vera", "--role", "reviewer") == ["vera is reviewer"]
    assert _lines(capsys, "access", "grant", "vera", "--role", "reviewer") == ["vera is reviewer already"]
    assert _lines(capsys, "review") == ["0 shown: nothing waits for a verdict"]
    assert main(["review", "nothing:1", "--verdict", "real"]) == 2
    assert main(["review", "nothing:1", "--verdict", "real", "--as", "eve"]) == 65
    assert "eve" in capsys.readouterr().err


def test_two_files_are_subtracted_without_a_database(data: Path, tmp_path: Path) -> None:
    science, reference, out = data / NIGHT / "a.fits", data / REFERENCE_NIGHTS[0] / "a.fits", tmp_path / "out"
    arguments = ["difference", "--science", str(science), "--reference", str(reference), "--out", str(out)]
    assert main(arguments) == 0
    assert sorted(path.name for path in out.iterdir()) == ["candidates.ecsv", "difference.fits"]
    assert not (tmp_path / "home").exists()


def test_a_pair_is_summed_up_for_machines(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    science, reference = data / NIGHT / "a.fits", data / REFERENCE_NIGHTS[0] / "a.fits"
    common = ["--reference", str(reference), "--out", str(tmp_path / "out"), "--json"]
    summary = json.loads("\n".join(_lines(capsys, "difference", "--science", str(science), *common)))
    assert summary["n_candidates"] >= 1
    assert summary["registration_rms_pix"] < 0.3
    assert main(["difference", "--science", str(data / "broken.fits"), *common]) == 99
    assert main(["difference", "--science", str(data / "missing.fits"), *common]) == 2


def test_an_empty_folder_holds_no_night(tmp_path: Path, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    assert main(["run", "--data", str(empty)]) == 99
    assert "no usable exposure" in capsys.readouterr().err
    assert main(["run", "--data", str(tmp_path / "nowhere")]) == 2


@pytest.mark.parametrize(
    ("folder", "name"), [("My Night!", "my-night"), ("pair-sn2007i", "pair-sn2007i"), ("___", "folder")]
)
def test_a_folder_names_its_survey(tmp_path: Path, folder: str, name: str) -> None:
    assert survey_name(tmp_path / folder) == name


@pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy:DeprecationWarning")  # MLflow's own queries
def test_a_network_is_promoted_rolled_back_and_set_aside_from_a_shell(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _lines(capsys, "access", "grant", "vera", "--role", "operator")
    _lines(capsys, "train", "--shipped")
    with open_services() as services:
        shipped = services.models.shipped()
        recipe, metrics = RunKey("train-other"), shipped.metrics
        services.models.register(
            MODEL_NAME, shipped.network, recipe=recipe, parameters={}, metrics=metrics, manifest={}
        )
    first, second = f"{MODEL_NAME}/1", f"{MODEL_NAME}/2"
    why = ("--as", "vera", "--reason", "looked at")
    assert main(["models", "promote", second, "--as", "eve", "--reason", "mine"]) == 65
    assert "eve" in capsys.readouterr().err
    assert main(["models", "promote", second, *why]) == 65
    assert "never passed the gate" in capsys.readouterr().err
    passed = GateResult(key="gate-1", challenger=second, champion=first, checks=(at_most("parity", 0.0, 1e-6),))
    with open_services() as services, services.transaction() as records:
        records.events.append(GATED, subject=second, facts=passed.facts())
    assert _lines(capsys, "models", "promote", second, *why) == [f"champion  {second}", f"rollback  {first}"]
    assert [one["aliases"] for one in json.loads("\n".join(_lines(capsys, "models", "--json")))] == [
        ["rollback"], ["champion"],
    ]  # fmt: skip
    assert _lines(capsys, "models", "rollback", second, *why) == [f"champion  {first}"]
    assert _lines(capsys, "models", "quarantine", second, *why) == [f"champion  {first}"]
    listed = _lines(capsys, "models")
    assert listed[0].endswith("  champion")
    assert listed[1].endswith("  quarantined")
    with open_services() as services, services.transaction() as records:
        acts = [(event.name, event.actor) for event in records.events.of(second)]
    assert acts[1:] == [(f"model.{act}", "vera") for act in ("promoted", "rolled_back", "quarantined")]
