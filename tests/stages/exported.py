"""What an extract holds, as tests look at it."""

from pathlib import Path
from tempfile import TemporaryDirectory

from astrid_core.shared.runs import RunKey
from astrid_core.stages.export import save_export
from astrid_core.stages.services import Services


def exported_files(services: Services, key: RunKey) -> dict[str, bytes]:
    """Return the bytes of an extract by file name."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in save_export(services, key, folder)}
