import os
from collections.abc import Iterator

import pytest

from astrid_core.telemetry.open import close_telemetry
from tests.telemetry.receiver import Receiver, receiving


@pytest.fixture(autouse=True)
def _off(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the developer's own environment says."""
    for name in os.environ:
        if name.startswith(("OTEL_", "TRACE")):
            monkeypatch.delenv(name)


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    """A collector on loopback that this process sends to."""
    with receiving() as receiver:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url)
        yield receiver
        close_telemetry()
