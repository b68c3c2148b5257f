"""What cannot be made again is copied, sealed, and brought back: on SQLite and on PostgreSQL, and against damage."""

import io
import json
import os
import shutil
import sqlite3
from pathlib import Path

import pytest

from astrid_core.adapters.backup.files import CopiedFile
from astrid_core.adapters.backup.sealed import new_key, read_key, seal, unseal
from astrid_core.adapters.backup.vault import SealedVault
from astrid_core.adapters.db.copies import open_copied_database
from astrid_core.bootstrap import migrate_database, open_services, register_survey
from astrid_core.cli.main import main
from astrid_core.shared.errors import BadConfiguration, CorruptArtifact, DatabaseUnavailable, UnknownRecord
from astrid_core.stages.audit import verify_log
from astrid_core.stages.scrub import scrub
from tests.adapters.databases import PostgresServer
from tests.adapters.test_audit_trail import fill

KEY = bytes(range(32))
PIECE = 2**20
N_ARTIFACTS = 12


@pytest.fixture(params=["sqlite", "postgres"])
def home(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with events, verdicts, artifacts, models and a survey."""
    home = tmp_path / "home"
    monkeypatch.setenv("ASTRID_HOME", str(home))
    if request.param == "postgres":
        monkeypatch.setenv("ASTRID_DATABASE_URL", request.getfixturevalue("postgres_url"))
    migrate_database()
    with open_services() as services:
        fill(services)  # type: ignore[arg-type]
        for number in range(N_ARTIFACTS):
            ref = services.artifacts.put(os.urandom(1000 * number), media_type="image/fits")
            with services.transaction() as records:
                records.events.append("page.drawn", subject=str(number), facts={"digest": ref.digest})
    register_survey("demo", tmp_path)
    with sqlite3.connect(home / "mlflow.sqlite") as registry:
        registry.execute("CREATE TABLE registered_models (name TEXT)")
        registry.execute("INSERT INTO registered_models VALUES ('unet')")
    registry.close()
    (home / "models" / "unet").mkdir(parents=True)
    (home / "models" / "unet" / "weights.npz").write_bytes(b"weights" * 1000)
    return home


def _wipe(home: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.rmtree(home)
    if "ASTRID_DATABASE_URL" in os.environ:
        server: PostgresServer = request.getfixturevalue("postgres")
        monkeypatch.setenv("ASTRID_DATABASE_URL", server.create_database())


def _contents(home: Path) -> dict[str, bytes]:
    return {
        path.relative_to(home).as_posix(): path.read_bytes()
        for path in home.rglob("*")
        if path.is_file() and "sqlite" not in path.name
    }


def test_what_was_wiped_is_restored_with_every_digest_and_an_unbroken_log(
    home: Path, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    key, folder = str(tmp_path / "key"), str(tmp_path / "elsewhere")
    before = _contents(home)
    with open_services() as services:
        report = verify_log(services)
    assert main(["backup", folder, "--key", key, "--new-key"]) == 0
    assert f"{N_ARTIFACTS} artifacts, {N_ARTIFACTS} of them new" in capsys.readouterr().out
    _wipe(home, request, monkeypatch)
    assert main(["restore", folder, "--key", key]) == 0
    told = capsys.readouterr().out
    assert f"{N_ARTIFACTS} artifacts, every digest as it was; log of {report.n_events} events, unbroken" in told
    assert _contents(home) == before
    with open_services() as services:
        after = verify_log(services)
        assert (after.faults, after.n_verdicts) == ((), report.n_verdicts)
        assert scrub(services).is_sound
        with services.transaction() as records:
            assert [one.name for one in records.events.all()][-2:] == ["backup.restored", "artifacts.scrubbed"]
    with sqlite3.connect(home / "mlflow.sqlite") as registry:
        assert registry.execute("SELECT name FROM registered_models").fetchall() == [("unet",)]
    registry.close()


def test_a_second_backup_copies_what_is_new_and_either_can_be_restored(
    home: Path, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    place = [str(tmp_path / "elsewhere"), "--key", str(tmp_path / "key")]
    assert main(["backup", *place, "--new-key"]) == 0
    with open_services() as services, services.transaction() as records:
        ref = services.artifacts.put(b"one more", media_type="image/fits")
        records.events.append("page.drawn", subject="more", facts={"digest": ref.digest})
    capsys.readouterr()
    assert main(["backup", *place]) == 0
    assert f"{N_ARTIFACTS + 1} artifacts, 1 of them new" in capsys.readouterr().out
    assert main(["restore", *place, "--list"]) == 0
    first, second = capsys.readouterr().out.split()
    assert first < second
    _wipe(home, request, monkeypatch)
    assert main(["restore", *place, "--snapshot", first]) == 0
    with open_services() as services:
        assert not services.artifacts.contains(ref.digest)
    assert main(["restore", *place, "--snapshot", second]) == 65
    assert "nothing was restored" in capsys.readouterr().err
    assert main(["restore", *place, "--snapshot", second, "--overwrite"]) == 0
    with open_services() as services:
        assert services.artifacts.get(ref.digest) == b"one more"
        assert verify_log(services).faults == ()


def test_corrupt_bytes_are_named_and_cost_nothing_else(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = next(path for path in (home / "artifacts").rglob("*") if path.is_file() and path.stat().st_size)
    path.chmod(0o600)
    path.write_bytes(b"bit rot")
    assert main(["backup", str(tmp_path / "elsewhere"), "--key", str(tmp_path / "key"), "--new-key"]) == 65
    told = capsys.readouterr().out
    assert f"left out: artifact {path.name}: stored bytes do not match their digest" in told
    assert f"{N_ARTIFACTS - 1} artifacts" in told


def test_nothing_in_a_backup_can_be_read_without_its_key(home: Path, tmp_path: Path) -> None:
    folder = tmp_path / "elsewhere"
    assert main(["backup", str(folder), "--key", str(tmp_path / "key"), "--new-key"]) == 0
    with open_services() as services:
        digests = [one.digest for one in services.artifacts.entries()]
    files = [path for path in folder.rglob("*") if path.is_file()]
    everything = b"".join(path.read_bytes() for path in files)
    # Nothing shorter: three bytes are found by chance among millions.
    for secret in (b"weights", b"SQLite", b"PGDMP", b"a.done"):
        assert secret not in everything
    assert not {path.name for path in files} & set(digests)
    new_key(tmp_path / "other")
    assert main(["restore", str(folder), "--key", str(tmp_path / "other"), "--overwrite"]) == 65


@pytest.mark.parametrize("n_bytes", [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE + 17])
def test_what_is_sealed_comes_back(n_bytes: int) -> None:
    content = os.urandom(n_bytes)
    sealed = io.BytesIO()
    seal([content[:7], b"", content[7:]], sealed, key=KEY, name="a")
    assert b"".join(unseal(io.BytesIO(sealed.getvalue()), key=KEY, name="a")) == content


def test_an_altered_moved_or_cut_file_is_found_out() -> None:
    sealed = io.BytesIO()
    seal([os.urandom(2 * PIECE + 100)], sealed, key=KEY, name="a")
    whole, head, piece = sealed.getvalue(), 48, PIECE + 16
    damaged = {
        "altered": whole[:-1] + bytes([whole[-1] ^ 1]),
        "salt altered": whole[:20] + bytes([whole[20] ^ 1]) + whole[21:],
        "cut behind a piece": whole[: head + piece],
        "cut within a piece": whole[: head + piece + 99],
        "without a last piece": whole[: head + 2 * piece],
        "pieces changed places": whole[:head] + whole[head + piece : head + 2 * piece] + whole[head : head + piece]
        + whole[head + 2 * piece :],
        "piece repeated": whole[: head + piece] + whole[head : head + piece] + whole[head + piece :],
        "more behind": whole + b"x", "empty": b"", "only a head": whole[:head],
    }  # fmt: skip
    for how, content in damaged.items():
        with pytest.raises(CorruptArtifact):
            list(unseal(io.BytesIO(content), key=KEY, name="a"))
        assert how
    with pytest.raises(CorruptArtifact, match="another key"):
        list(unseal(io.BytesIO(whole), key=KEY, name="b"))
    with pytest.raises(CorruptArtifact, match="another key"):
        list(unseal(io.BytesIO(whole), key=bytes(32), name="a"))


def test_a_key_is_made_once_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "key"
    assert new_key(path) == read_key(path)
    with pytest.raises(FileExistsError):
        new_key(path)
    path.chmod(0o640)
    with pytest.raises(BadConfiguration, match="chmod 600"):
        read_key(path)
    path.chmod(0o600)
    for wrong in ("00" * 31, "no key at all"):
        path.write_text(wrong)
        with pytest.raises(BadConfiguration, match="64 hexadecimal digits"):
            read_key(path)
    with pytest.raises(BadConfiguration, match="No such file"):
        read_key(tmp_path / "nowhere")


def test_an_unfinished_snapshot_is_none_and_parts_are_whole_or_not_there(tmp_path: Path) -> None:
    vault = SealedVault(tmp_path, key=KEY)

    def break_off() -> list[bytes]:
        raise KeyboardInterrupt

    vault.write("1", "records", [b"rows"])
    assert vault.snapshots() == ()
    with pytest.raises(KeyboardInterrupt):
        vault.keep("a" * 64, (chunk for _ in range(1) for chunk in break_off()))
    assert not vault.holds("a" * 64)
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["records"]
    with pytest.raises(UnknownRecord):
        list(vault.read("1", "registry"))
    vault.finish("1", json.dumps({}).encode())
    assert vault.snapshots() == ("1",)


def test_a_server_that_is_away_is_a_temporary_failure(tmp_path: Path) -> None:
    copied = open_copied_database(f"postgresql+psycopg://nobody@/none?host={tmp_path}")
    with pytest.raises(DatabaseUnavailable, match="pg_dump failed"), copied.copy() as chunks:
        list(chunks)
    with pytest.raises(DatabaseUnavailable, match="pg_restore failed"):
        copied.take_in([b"PGDMP" + bytes(100)])


def test_a_damaged_copy_of_a_database_replaces_nothing(tmp_path: Path) -> None:
    path = tmp_path / "astrid.sqlite"
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE one (two)")
    database.close()
    before = path.read_bytes()
    with pytest.raises(CorruptArtifact):
        open_copied_database(f"sqlite:///{path}").take_in([b"no database at all" * 100])
    assert path.read_bytes() == before
    assert CopiedFile(tmp_path / "nothing").is_empty()
