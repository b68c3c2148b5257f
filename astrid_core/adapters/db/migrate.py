"""Bring our own database to the newest schema."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

from astrid_core.adapters.db.engine import address_of, open_engine
from astrid_core.adapters.db.errors import translated
from astrid_core.adapters.db.locks import Lock, take

_SCRIPTS = Path(__file__).with_name("migrations")


def migrate(url: str) -> None:
    """Upgrade in one transaction: all or nothing. Several processes may do so at once; a new schema stays as it is."""
    engine = open_engine(url)
    try:
        with translated(address_of(engine)), engine.begin() as connection:
            take(connection, Lock.MIGRATE)
            command.upgrade(scripts(connection), "head")
    finally:
        engine.dispose()


def scripts(connection: Connection) -> Config:
    """Return Alembic's configuration for ``connection``; our migrations need no ini file."""
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config
