"""From the entries of surveys.toml to the clients that read them."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from astrid_core.adapters.surveys.directory import DirectoryClient
from astrid_core.adapters.surveys.s3_addresses import S3Access
from astrid_core.observations.config import IngestConfig
from astrid_core.observations.entities import Survey
from astrid_core.observations.ports import SurveyClient
from astrid_core.shared.errors import BadConfiguration

FOLDER = "folder"
"""What an entry is that does not say what it is."""
_KEYS = frozenset({"kind", "directory", "description", "truth"})

Table = Mapping[str, Any]


@contextmanager
def open_surveys(
    tables: Mapping[str, Table],
    *,
    mirrors: Path,
    config: IngestConfig,
    mast_token: str = "",
    s3: S3Access | None = None,
) -> Iterator[dict[str, SurveyClient]]:
    """Open every survey by name, and close the connections at the end; nothing is asked on the network yet.

    Files of archives are kept below ``mirrors``. BadConfiguration names the survey and the key that are wrong.
    """
    folders = {name: table for name, table in tables.items() if table.get("kind", FOLDER) == FOLDER}
    found: dict[str, SurveyClient] = {name: _folder(name, table, config) for name, table in folders.items()}
    remote = {name: table for name, table in tables.items() if name not in folders}
    if not remote:
        yield found
        return
    # A folder needs none of what archives on the network need, and httpx takes time to import.
    from astrid_core.adapters.surveys.open_remote import open_remote  # noqa: PLC0415

    with open_remote(remote, mirrors=mirrors, config=config, mast_token=mast_token, s3=s3 or S3Access()) as others:
        yield found | others


def _folder(name: str, table: Table, config: IngestConfig) -> DirectoryClient:
    if unknown := sorted(set(table) - _KEYS):
        raise BadConfiguration("unknown key", survey=name, key=unknown[0], known=", ".join(sorted(_KEYS)))
    survey = Survey(name=name, description=table.get("description", ""))
    return DirectoryClient(survey, Path(table["directory"]), config)
