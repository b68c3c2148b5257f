"""What a chaos run does to a system while it searches a night; each fault is one function that strikes once."""

import ctypes
import os
import random
import shutil
import signal
import struct
import subprocess
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import psutil

from include.local.processes import read_started
from tests.end_to_end.living import Living
from tests.end_to_end.small import NIGHT, SURVEY
from tests.fakes.failing_s3 import FailingS3, with_a_bit_flipped
from tests.fakes.kubernetes import Cluster

ERROR_RATE, DELAY_S = 0.05, 0.3
DISK_FULL_S = 20.0
CLOCK_JUMPS_S = (-600, -90, 90, 600, 7200)
_SECONDS = struct.Struct("=q")


class NotYet(Exception):
    """There is nothing to hurt at the moment."""


@dataclass(slots=True, kw_only=True)
class Victim:
    """What can be hurt."""

    living: Living
    store: FailingS3
    bucket: str
    known: frozenset[str]
    """Names of the objects that were there before the night."""
    random: random.Random
    folder: Path
    """The disk of the system."""
    cluster: Cluster | None
    rotten: dict[str, bytes] = field(default_factory=dict)
    """What the objects held that do not hold it any more."""
    runs: list[str] = field(default_factory=list)
    """Runs of the night that somebody else asked for."""
    timers: list[threading.Timer] = field(default_factory=list)

    def wait(self) -> None:
        """Wait for what ends by itself."""
        for timer in self.timers:
            timer.join()


Fault = Callable[[Victim], str]
"""Strikes, and tells what it hit; raises NotYet where there is nothing to hit."""


def _components(victim: Victim) -> Mapping[str, int]:
    parts = read_started(victim.living.home.processes.with_name("components.json"))
    return {name: one.pid for name, one in parts.items() if one.is_running()}


def kill_component(victim: Victim, *, name: str) -> str:
    """Kill a part of Airflow."""
    found = _components(victim)
    if name not in found:
        raise NotYet
    os.kill(found[name], signal.SIGKILL)
    return f"pid {found[name]}"


def _workers(victim: Victim) -> list[psutil.Process]:
    """Return the processes of the scheduler that watch over a task."""
    found = _components(victim)
    if "scheduler" not in found:
        raise NotYet
    busy = [one for one in psutil.Process(found["scheduler"]).children() if one.children()]
    if not busy:
        raise NotYet
    return busy


def kill_worker(victim: Victim) -> str:
    """Kill what watches over a task; the task itself then finds nobody to tell."""
    one = victim.random.choice(_workers(victim))
    one.kill()
    return f"pid {one.pid}"


def kill_task(victim: Victim) -> str:
    """Kill what computes."""
    one = victim.random.choice(victim.random.choice(_workers(victim)).children())
    name = " ".join(one.cmdline())
    one.kill()
    return name


def restart_database(victim: Victim) -> str:
    """Stop PostgreSQL as a power cut does, and start it again."""
    victim.living.system.postgres.restart()
    return "both databases"


def store_errors(victim: Victim) -> str:
    """Let the store fail from now on."""
    victim.store.faults.error_rate = ERROR_RATE
    return f"{ERROR_RATE:.0%} of requests"


def store_is_slow(victim: Victim) -> str:
    """Let the store dawdle from now on."""
    victim.store.faults.delay_s = DELAY_S
    return f"{DELAY_S} s a request"


def changed_on_the_way(victim: Victim) -> str:
    """Change a byte of the next two objects that are read."""
    victim.store.faults.corrupt_answers = 2
    return "next two answers"


def rot(victim: Victim) -> str:
    """Change a byte of an object that this night has stored."""
    client = victim.store.client()
    stored = client.list_objects_v2(Bucket=victim.bucket).get("Contents", [])
    new = sorted(one["Key"] for one in stored if one["Key"] not in victim.known and one["Size"])
    if not new:
        raise NotYet
    name: str = victim.random.choice(new)
    content: bytes = client.get_object(Bucket=victim.bucket, Key=name)["Body"].read()
    victim.rotten[name] = content
    client.put_object(Bucket=victim.bucket, Key=name, Body=with_a_bit_flipped(content, at=len(content) // 2))
    return name[-12:]


def fill_disk(victim: Victim) -> str:
    """Fill the disk that everything of this system is on, and give the room back after a while."""
    free = shutil.disk_usage(victim.folder).free
    filler = victim.folder / "filler"
    with filler.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, free)
    timer = threading.Timer(DISK_FULL_S, filler.unlink)
    timer.start()
    victim.timers.append(timer)
    return f"{DISK_FULL_S:.0f} s"


def jump_clock(victim: Victim) -> str:
    """Set the clock of all processes of Airflow; that of the database goes right."""
    jump = victim.random.choice(CLOCK_JUMPS_S)
    with _clock_of(victim.folder).open("r+b") as file:
        file.write(_SECONDS.pack(jump))
    return f"{jump:+d} s"


def ask_again(victim: Victim) -> str:
    """Ask for the same night while it is being searched."""
    victim.runs.append(victim.living.airflow.trigger("nightly_survey", {"survey": SURVEY}, night=NIGHT))
    return victim.runs[-1]


def hurt_pod(victim: Victim, *, how: str, number: int) -> str:
    """Let the cluster do it to the next pod."""
    if victim.cluster is None:
        raise NotYet
    setattr(victim.cluster.faults, how, number)
    return "next pod"


ANYWHERE: Mapping[str, Fault] = {
    "task killed": kill_task,
    "worker killed": kill_worker,
    **{
        f"{name} killed": partial(kill_component, name=name)
        for name in ("scheduler", "triggerer", "api-server", "dag-processor")
    },
    "database restarted": restart_database,
    "store answers errors": store_errors,
    "store is slow": store_is_slow,
    "bytes changed on the way": changed_on_the_way,
    "object corrupt in the store": rot,
    "night asked for twice": ask_again,
}
IN_PODS: Mapping[str, Fault] = {
    "pod evicted": partial(hurt_pod, how="evictions", number=1),
    "pod gone with its node": partial(hurt_pod, how="lost_pods", number=1),
    "cluster answers 500": partial(hurt_pod, how="server_errors", number=3),
}
DISK: Mapping[str, Fault] = {"disk full": fill_disk}
CLOCK: Mapping[str, Fault] = {"clock jumps": jump_clock}


def wrong_clock(folder: Path, library: Path) -> Mapping[str, str]:
    """Return the environment of processes whose clock is as wrong as a file in a folder says; right at first."""
    _clock_of(folder).write_bytes(_SECONDS.pack(0))
    # As root, the database runs as somebody who may not read it, and keeps a right clock.
    _clock_of(folder).chmod(0o600)
    return {"LD_PRELOAD": str(library), "WRONG_CLOCK": str(_clock_of(folder))}


def _clock_of(folder: Path) -> Path:
    return folder / "clock"


def clock_library(folder: Path) -> Path | None:
    """Return what makes clocks wrong, built in a folder; None without a C compiler."""
    library = folder / "wrong_clock.so"
    if shutil.which("cc") is None:
        return None
    source = Path(__file__).with_name("wrong_clock.c")
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", str(library), str(source)], check=True)
    return library


def mount(folder: Path, *, n_bytes: int) -> bool:
    """Mount a file system in memory, of its own size; False where we may not."""
    options = f"size={n_bytes},mode=711".encode()
    status: int = ctypes.CDLL(None, use_errno=True).mount(b"tmpfs", str(folder).encode(), b"tmpfs", 0, options)
    return status == 0


def unmount(folder: Path) -> None:
    """Give it back."""
    if ctypes.CDLL(None, use_errno=True).umount(str(folder).encode()):
        raise OSError(ctypes.get_errno(), f"cannot unmount {folder}")
