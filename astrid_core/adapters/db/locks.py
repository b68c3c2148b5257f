"""Take turns: locks that end with the transaction."""

import hashlib
from collections.abc import Iterable
from enum import IntEnum

from sqlalchemy import Connection, func, select, text


class Lock(IntEnum):
    """What only one transaction may do at a time; numbers of PostgreSQL's advisory locks."""

    MIGRATE = 0x4173_0001
    APPEND_EVENT = 0x4173_0002
    CHANGE_CATALOG = 0x4173_0003
    NUMBER_REFERENCE = 0x4173_0004
    NUMBER_CALIBRATION = 0x4173_0005
    CHANGE_QUEUE = 0x4173_0006
    CHANGE_ROLES = 0x4173_0007
    TAKE_ALERTS = 0x4173_0008
    DELETE_ARTIFACTS = 0x4173_0024


_IN_ORDER = text(
    "SELECT pg_advisory_xact_lock(number) "
    "FROM (SELECT number FROM unnest(CAST(:numbers AS bigint[])) AS number ORDER BY number) AS ordered"
)


def take(connection: Connection, lock: Lock) -> None:
    """Wait for ``lock`` and hold it until the transaction ends."""
    if connection.dialect.name == "sqlite":
        begin_writing(connection)
    else:
        connection.execute(select(func.pg_advisory_xact_lock(int(lock))))


def share(connection: Connection, lock: Lock) -> None:
    """Wait until nobody has taken ``lock``, and let nobody take it until the transaction ends; many may share it."""
    if connection.dialect.name == "sqlite":
        begin_writing(connection)
    else:
        connection.execute(select(func.pg_advisory_xact_lock_shared(int(lock))))


def take_each(connection: Connection, names: Iterable[str]) -> None:
    """Wait for a lock of each name and hold them until the transaction ends.

    Whoever asks for several at once gets them in one order, the same for all, and so waits for nobody in a circle.
    """
    if connection.dialect.name == "sqlite":
        begin_writing(connection)
        return
    numbers = {int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True) for name in names}
    if numbers:
        connection.execute(_IN_ORDER, {"numbers": sorted(numbers)})


def hold_still(connection: Connection) -> None:
    """Let every statement of this transaction see what was committed before the first one, and write nothing."""
    if connection.dialect.name == "sqlite":
        driver = connection.connection.driver_connection
        if driver is not None and not driver.in_transaction:
            connection.exec_driver_sql("BEGIN")
    else:
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")


def begin_writing(connection: Connection) -> None:
    """Take SQLite's one write lock, unless this transaction has it already."""
    driver = connection.connection.driver_connection
    if driver is not None and not driver.in_transaction:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
