"""From the addresses of this home to what is copied."""

from pathlib import Path
from urllib.parse import urlsplit

from sqlalchemy import make_url

from astrid_core.adapters.backup.files import CopiedFile
from astrid_core.adapters.backup.sealed import new_key, read_key
from astrid_core.adapters.backup.vault import SealedVault
from astrid_core.adapters.db.copies import open_copied_database
from astrid_core.shared.backup import RECORDS, Belongings, Copied, Vault

_REGISTRY = "registry"
_JUDGED_BY = ("registered_models", "runs")
"""Tables of MLflow that are empty in a registry that holds nothing; others have rows from the beginning."""


def open_belongings(*, home: Path, database: str, registry: str, models: str, surveys: str) -> Belongings:
    """Return all that is copied besides artifacts; what other machines keep is named."""
    parts: dict[str, Copied] = {RECORDS: open_copied_database(database), surveys: CopiedFile(home / surveys)}
    elsewhere = []
    if registry.startswith(("sqlite", "postgresql")):
        url = make_url(registry)
        plain = url.set(drivername=url.get_backend_name()).render_as_string(hide_password=False)
        parts[_REGISTRY] = open_copied_database(plain, judged_by=_JUDGED_BY)
    else:
        elsewhere.append("registry of models: kept by a server of its own")
    place = urlsplit(models)
    if place.scheme not in ("", "file"):
        elsewhere.append(f"files of models: kept at {place.scheme}://{place.hostname}")
        return Belongings(parts=parts, models=None, elsewhere=tuple(elsewhere))
    return Belongings(parts=parts, models=Path(place.path) if models else home / "models", elsewhere=tuple(elsewhere))


def open_vault(folder: Path, key_file: Path, *, make_key: bool = False) -> Vault:
    """Return the folder of a backup, with the key in a file, which may be made."""
    return SealedVault(folder, key=new_key(key_file) if make_key else read_key(key_file))
