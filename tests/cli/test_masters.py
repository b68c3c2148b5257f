"""Settling masters from a shell by the first characters of their digests."""

from dataclasses import replace
from pathlib import Path

import pytest

from astrid_core.bootstrap import migrate_database, open_services
from astrid_core.cli.digests import whole_digest
from astrid_core.cli.main import main
from astrid_core.preprocessing.entities import CalibrationData, MasterStatus
from tests.adapters.invented import artifact
from tests.adapters.test_calibration_records import master


@pytest.fixture
def rejected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CalibrationData:
    """One that is rejected, beside another."""
    monkeypatch.setenv("ASTRID_HOME", str(tmp_path / "home"))
    one = replace(master(50), status=MasterStatus.REJECTED, reason="deviates", deviating_fraction=0.3)
    migrate_database()
    with open_services() as services, services.transaction() as records:
        records.calibration_masters.add(one)
        records.calibration_masters.add(replace(master(51, version=2), image=artifact(51)))
    return one


def test_a_master_is_accepted_by_the_start_of_its_digest_by_whoever_says_so(
    rejected: CalibrationData, capsys: pytest.CaptureFixture[str]
) -> None:
    start = rejected.digest[: _unique(rejected)]
    assert main(["masters", "--accept", start, "--because", "new amplifier", "--as", "ada"]) == 0
    assert f"{rejected.digest} " in capsys.readouterr().out
    with open_services() as services, services.transaction() as records:
        assert records.calibration_masters.get(rejected.digest).status is MasterStatus.ACCEPTED
        (event,) = records.events.of(rejected.digest)
    assert (event.name, event.actor) == ("calibration.settled", "ada")


def test_an_unknown_digest_changes_nothing_and_the_error_names_the_candidates(
    rejected: CalibrationData, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["masters", "--accept", "nothing", "--because", "a whim"]) == 2
    said = capsys.readouterr().err
    assert "no masters begin with 'nothing'; there are" in said
    assert rejected.digest[:12] in said
    with open_services() as services, services.transaction() as records:
        assert records.calibration_masters.get(rejected.digest).status is MasterStatus.REJECTED


def test_several_digests_that_begin_alike_are_named() -> None:
    assert whole_digest("ab1", ["ab1234", "ab9999"], what="masters") == "ab1234"
    with pytest.raises(ValueError, match="2 masters begin with 'AB'; one must: ab1234, ab9999"):
        whole_digest("AB", ["ab9999", "ab1234"], what="masters")
    with pytest.raises(ValueError, match="no masters begin with ''; there are ab1234"):
        whole_digest("", ["ab1234"], what="masters")
    with pytest.raises(ValueError, match="no masters begin with 'ab'; there are none"):
        whole_digest("ab", [], what="masters")


def test_of_many_candidates_a_few_are_named() -> None:
    with pytest.raises(ValueError, match=r"ab00, ab01, ab02, ab03, ab04 and 4 more"):
        whole_digest("ab", [f"ab0{number}" for number in range(9)], what="masters")


def _unique(rejected: CalibrationData) -> int:
    """Return how many characters tell it from the other."""
    other = artifact(51).digest
    return 1 + next(at for at, pair in enumerate(zip(rejected.digest, other, strict=True)) if pair[0] != pair[1])
