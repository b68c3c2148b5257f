"""What the role of PostgreSQL that the application logs in as may not do."""

from collections.abc import Iterator

import pytest
from sqlalchemy import make_url, text
from sqlalchemy.exc import ProgrammingError

from astrid_core.adapters.db.engine import open_engine
from astrid_core.adapters.db.grants import protect
from astrid_core.adapters.db.migrate import migrate
from astrid_core.curation.audit import audit
from astrid_core.shared.errors import BadConfiguration
from tests.adapters.databases import PostgresServer, SqlDatabase
from tests.adapters.test_audit_trail import fill

ROLE = "astrid-application"


@pytest.fixture
def as_application(postgres: PostgresServer, postgres_url: str) -> Iterator[str]:
    """The URL of a database as the application uses it, in a role that owns nothing."""
    postgres.execute(f'CREATE ROLE "{ROLE}"')
    protect(postgres_url, ROLE)
    yield make_url(postgres_url).update_query_dict({"options": f"-c role={ROLE}"}).render_as_string(hide_password=False)
    engine = open_engine(postgres_url)
    with engine.begin() as connection:
        connection.execute(text(f'DROP OWNED BY "{ROLE}"'))
    engine.dispose()
    postgres.execute(f'DROP ROLE "{ROLE}"')


def test_the_application_adds_to_the_log_and_cannot_change_it(as_application: str) -> None:
    migrate(as_application)
    database, engine = SqlDatabase(as_application), open_engine(as_application)
    fill(database)
    for change in (
        "UPDATE domain_event SET actor = 'nobody'",
        "DELETE FROM domain_event",
        "TRUNCATE domain_event",
        "UPDATE validation_event SET verdict = 'bogus'",
        "DELETE FROM validation_event",
        "TRUNCATE validation_event",
        "DROP TRIGGER domain_event_refuses_change ON domain_event",
        "ALTER TABLE domain_event DISABLE TRIGGER ALL",
        "ALTER TABLE validation_event OWNER TO CURRENT_USER",
        "DROP TABLE validation_event",
        "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$",
        "DELETE FROM alembic_version",
    ):
        with pytest.raises(ProgrammingError, match=r"permission denied|must be owner"), engine.begin() as connection:
            connection.execute(text(change))
    with database.transaction() as records:
        assert audit(verdicts=records.audit.verdicts, events=records.audit.events()).faults == ()
    engine.dispose()
    database.close()


def test_roles_that_no_grant_binds_are_refused(postgres: PostgresServer, postgres_url: str, sqlite_url: str) -> None:
    engine = open_engine(postgres_url)
    with engine.begin() as connection:
        owner = str(connection.scalar(text("SELECT current_user")))
    engine.dispose()
    with pytest.raises(BadConfiguration, match="no such role"):
        protect(postgres_url, "nobody")
    with pytest.raises(BadConfiguration, match="no grant binds an owner"):
        protect(postgres_url, owner)
    with pytest.raises(BadConfiguration, match="SQLite knows no roles"):
        protect(sqlite_url, ROLE)
