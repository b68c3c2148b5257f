"""A thousand exposures through an archive that fails, into a process that is killed: a minute, ``make test-live``."""

import hashlib
import os
import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from astrid_core.bootstrap import open_services
from astrid_core.settings import Settings
from astrid_core.shared.events import verify_chain
from tests.fakes.archive_server import ArchiveServer
from tests.fakes.failing_archive import KINDS, FailingArchive
from tests.synthetic.broken import as_bytes, exposure

N_FILES, N_KILLS = 1000, 10
MAX_LOOKS = 200
SURVEYS = """
[field]
kind = "mast"
region = "cone(150.0,2.0,0.05deg)"
missions = ["HST"]
only_public = false
http_connect_s = 2.0
http_read_s = 0.5
http_first_pause_s = 0.02
http_longest_pause_s = 1.0
server = "{server}"
"""


def small_file(number: int) -> bytes:
    return as_bytes(exposure(mid_mjd=60800.0 + number / N_FILES, OBJECT=f"field {number}"))


class Ingest:
    """``astrid ingest`` as a process of its own."""

    def __init__(self, home: Path, archive: FailingArchive) -> None:
        env = {
            **os.environ,
            "ASTRID_HOME": str(home),
            "ASTRID_MAST_TOKEN": f"secret-{archive.token}",
            "OMP_NUM_THREADS": "1",
        }
        command = [sys.executable, "-m", "astrid_core.cli.main", "ingest", "--survey", "field"]
        self.process = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.archive = archive

    def kill_behind(self, n_answers: int, pause_s: float) -> bool:
        """Kill it so many answers and seconds from now; tell whether it was still alive."""
        goal = self.archive.served.total() + n_answers
        while self.archive.served.total() < goal and self.process.poll() is None:
            time.sleep(0.005)
        time.sleep(pause_s)
        was_alive = self.process.poll() is None
        self.process.kill()
        self.process.communicate()
        return was_alive

    def end(self) -> tuple[int, str]:
        said = self.process.communicate(timeout=120.0)[1]
        return self.process.returncode, said


def recorded(home: Path) -> tuple[dict[str, str], Counter[str], int]:
    """Return digests by observation, how often each was told as new, and how many files are rejected or missing."""
    with open_services(Settings(home=home)) as services, services.transaction() as records:
        digests = {one.id: one.file_digest for one in records.observations.search()}
        events = list(records.events.all())
        verify_chain(events)
        told = Counter(event.subject for event in events if event.name == "observation.recorded")
        return digests, told, len(records.rejections.all()) + len(records.undelivered.all())


@pytest.mark.live
def test_a_thousand_exposures_come_complete_once_through_faults_and_kills(tmp_path: Path) -> None:
    files = {f"HST/{number:04}_drz.fits": small_file(number) for number in range(N_FILES)}
    archive, chance = FailingArchive(files, seed=4), random.Random(5)  # noqa: S311 - no secret
    n_killed, n_left, codes = 0, N_FILES, Counter[int]()
    with ArchiveServer(archive) as server:
        (tmp_path / "surveys.toml").write_text(SURVEYS.format(server=server.url))
        for _ in range(MAX_LOOKS):
            look = Ingest(tmp_path, archive)
            if n_killed < N_KILLS:
                n_killed += look.kill_behind(chance.randrange(1, 90), chance.uniform(0.0, 0.2))
                code = look.process.returncode
            else:
                code, said = look.end()
                assert "Traceback" not in said, said
            codes[code] += 1
            archive.renew_expired_token()
            if code == 0:
                digests, _, n_left = recorded(tmp_path)
                if len(digests) == N_FILES and n_left == 0:
                    break
    digests, told, n_left = recorded(tmp_path)
    assert digests == {f"field:{name}": hashlib.sha256(content).hexdigest() for name, content in files.items()}
    assert set(told.values()) == {1}
    assert (len(told), n_left, n_killed) == (N_FILES, 0, N_KILLS)
    assert set(archive.served) >= KINDS, archive.served
    assert [one.name for one in (tmp_path / "mirrors").rglob(".*.part*")] == []
    n_faults = sum(n for kind, n in archive.served.items() if kind in KINDS)
    sys.stdout.write(f"{archive.served.total()} answers, {n_faults} of them faults: {dict(archive.served)}\n")
    sys.stdout.write(f"{codes.total()} looks by exit status: {dict(codes)}\n")
    assert n_faults >= 0.15 * archive.served.total()
