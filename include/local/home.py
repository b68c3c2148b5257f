"""Where one system on this machine keeps everything: one folder, told by ``ASTRID_HOME``."""

import contextlib
import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
LOGIN = "admin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """The folders and secrets of one system."""

    folder: Path
    """Absolute."""

    @classmethod
    def open(cls, folder: Path | None = None) -> "Home":
        """Return the home in ``folder`` (by default ASTRID_HOME, else ``.astrid``), made if it is not there."""
        home = cls(folder=(folder or Path(os.environ.get("ASTRID_HOME") or REPOSITORY / ".astrid")).resolve())
        for one in (home.folder, home.logs, home.airflow, home.results):
            one.mkdir(parents=True, exist_ok=True)
        # As root, the database runs as somebody else, who must be able to pass; nobody can list or read.
        for one in (home.folder, home.logs):
            one.chmod(0o711 if os.geteuid() == 0 else 0o700)
        home.airflow.chmod(0o700)
        return home

    @property
    def logs(self) -> Path:
        """One file per process."""
        return self.folder / "logs"

    @property
    def airflow(self) -> Path:
        """AIRFLOW_HOME."""
        return self.folder / "airflow"

    @property
    def postgres(self) -> Path:
        """The database cluster."""
        return self.folder / "postgres"

    @property
    def results(self) -> Path:
        """Pages and tables for people."""
        return self.folder / "results"

    @property
    def processes(self) -> Path:
        """What was started, by whom and where it listens."""
        return self.folder / "processes.json"

    @property
    def passwords(self) -> Path:
        """Read by Airflow's simple authentication."""
        return self.folder / "passwords.json"

    def password(self) -> str:
        """Return the password of the login ``admin``, made up on the first call."""
        return _kept(self.passwords, (LOGIN,))[LOGIN]

    def secret(self, name: str) -> str:
        """Return one of the secrets that Airflow's processes share, made up on the first call."""
        return _kept(self.folder / "secrets.json", ("jwt", "session"))[name]


def _kept(path: Path, names: tuple[str, ...]) -> dict[str, str]:
    """Return the secrets in a file that only its owner can read; make them up where there is none."""
    with contextlib.suppress(FileExistsError):
        # Written aside and linked into place: of two processes that start at once, both read the same secrets.
        scratch = path.with_name(f"{path.name}.{os.getpid()}")
        with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump({name: secrets.token_urlsafe(24) for name in names}, file)
        try:
            path.hardlink_to(scratch)
        finally:
            scratch.unlink()
    kept: dict[str, str] = json.loads(path.read_text())
    return kept
