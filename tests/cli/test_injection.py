"""``astrid inject`` in its two forms, in this process."""

import json
from pathlib import Path

import pytest
from astropy.table import Table

from astrid_core.cli.main import main
from tests.stages.scene import NEW, NIGHT, REFERENCE_NIGHTS, exposure

SCIENCE = f"demo:{NIGHT}/a.fits"
FILES = ["completeness.ecsv", "completeness.png", "injections.ecsv"]


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with three nights, and an empty home beside it."""
    folder = tmp_path / "data"
    for seed, night in enumerate(REFERENCE_NIGHTS):
        (folder / night).mkdir(parents=True)
        (folder / night / "a.fits").write_bytes(exposure(night, seed=seed))
    (folder / NIGHT).mkdir()
    (folder / NIGHT / "a.fits").write_bytes(exposure(NIGHT, seed=10, extra=[NEW], fwhm=3.3))
    monkeypatch.setenv("ASTRID_HOME", str(tmp_path / "home"))
    return folder


def _pair(data: Path) -> list[str]:
    return ["--science", str(data / NIGHT / "a.fits"), "--reference", str(data / REFERENCE_NIGHTS[0] / "a.fits")]


def test_two_files_are_enough(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    chosen = ["--n", "25", "--seed", "4", "--snr", "8", "30", "--hosts", "0"]
    assert main(["inject", *_pair(data), *chosen, "--out", str(out)]) == 0
    said = capsys.readouterr()
    assert sorted(path.name for path in out.iterdir()) == FILES
    assert (out / "completeness.png").read_bytes().startswith(b"\x89PNG")
    assert not (tmp_path / "home").exists()
    table = Table.read(out / "injections.ecsv")
    assert 10 <= len(table) <= 25
    assert abs(table["predicted_snr"]).min() >= 8.0
    assert table["is_candidate"].mean() > 0.8
    assert "note: no trained model" in said.out
    assert "per Mpix" in said.out
    assert "searching it with" in said.err


def test_the_same_seed_gives_the_same_files_and_a_summary_for_machines(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("one", "other"):
        assert main(["inject", *_pair(data), "--n", "12", "--out", str(tmp_path / name), "--json"]) == 0
        summary = json.loads(capsys.readouterr().out)
        assert summary["completeness"][0]["n_injected"] <= 12
        assert set(summary["false_rates"]) == {"candidates"}
    for name in FILES:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "other" / name).read_bytes()


@pytest.mark.filterwarnings("ignore:The ``noload`` loader strategy:DeprecationWarning")  # MLflow's own queries
def test_a_searched_exposure_is_named_by_its_observation_or_its_difference(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["ingest", "--survey", "demo", "--data", str(data)])
    main(["references", "--survey", "demo", "--exclude-night", NIGHT])
    capsys.readouterr()
    assert main(["inject", SCIENCE, "--out", str(tmp_path / "early")]) == 2
    assert "no difference yet" in capsys.readouterr().err
    main(["preprocess", SCIENCE])
    main(["subtract", capsys.readouterr().out.strip()])
    difference = capsys.readouterr().out.strip()
    for number, name in enumerate((SCIENCE, difference)):
        assert main(["inject", name, "--n", "12", "--out", str(tmp_path / str(number))]) == 0
    assert (tmp_path / "0" / "injections.ecsv").read_bytes() == (tmp_path / "1" / "injections.ecsv").read_bytes()
    assert capsys.readouterr().err.count("comparing") == 1
    assert main(["inject", "demo:nothing.fits", "--out", str(tmp_path / "no")]) == 65


@pytest.mark.parametrize(
    "wrong",
    [[], ["--science", "a.fits"], [SCIENCE, "--science", "a.fits", "--reference", "b.fits"]],
    ids=["nothing", "half", "both"],
)
def test_one_form_or_the_other(data: Path, tmp_path: Path, wrong: list[str]) -> None:
    assert main(["inject", *wrong, "--out", str(tmp_path / "out")]) == 2


def test_settings_without_sense_are_refused(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inject", *_pair(data), "--snr", "9", "3", "--out", str(tmp_path / "out")]) == 65
    assert "the lower first" in capsys.readouterr().err
