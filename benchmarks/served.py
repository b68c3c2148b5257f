"""The API as a process of its own, which a measurement may kill."""

import os
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from astrid_core.settings import Settings

ROOT = Path(__file__).resolve().parents[1]
_HEALTH = "/astrid/api/v1/health"
_LONGEST_START_S = 900.0


class Served:
    """``python -m include.api.serve`` with our settings, until told to stop; ready when it is entered."""

    def __init__(self, settings: Settings, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._command = [sys.executable, "-m", "include.api.serve", "--port", str(port)]
        self._environment = os.environ | {
            "PYTHONPATH": str(ROOT),
            "ASTRID_HOME": str(settings.home),
            "ASTRID_DATABASE_URL": settings.database_url,
            "ASTRID_API_RATE_PER_S": str(settings.api_rate_per_s),
            "ASTRID_API_BURST": str(settings.api_burst),
        }
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait()

    def start(self) -> None:
        """Start it, and return when it answers."""
        self._process = subprocess.Popen(self._command, env=self._environment)
        end = time.monotonic() + _LONGEST_START_S
        while time.monotonic() < end:
            try:
                httpx.get(self.url + _HEALTH).raise_for_status()
            except httpx.TransportError:
                if self._process.poll() is not None:
                    raise RuntimeError("the API ended before it answered") from None
                time.sleep(0.1)
            else:
                return
        raise TimeoutError("the API does not answer")

    def kill(self) -> None:
        """End it by SIGKILL, whatever it is doing."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
