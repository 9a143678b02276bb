"""SQL by hand, which can only read."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing
from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from harness.errors import UsageError
from harness.store.errors import first_line, translated

TIMEOUT_SECONDS = 60
_READS = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}

_HELP = "write one SELECT; the tables are in docs/store.md"


class Answer(NamedTuple):
    """A query's answer; `more` says that rows beyond the limit were left out."""

    columns: list[str]
    rows: Sequence[Sequence[Any]]
    more: bool


def read_only(engine: Engine, sql: str, limit: int) -> Answer:
    """At most `limit` rows of what one SELECT gives. Nothing can be changed: the database itself refuses it.

    Raises `UsageError` for a statement that cannot be understood, writes, or takes longer than a minute.
    """
    with translated(engine.url), engine.connect() as connection:
        raw = connection.connection.driver_connection
        try:
            columns, rows = _sqlite(connection, raw, sql, limit) if isinstance(raw, sqlite3.Connection) else _server(connection, raw, sql, limit)
        except DBAPIError as error:
            if error.connection_invalidated or _elsewhere(error):
                raise
            raise UsageError(f"the query was refused: {first_line(error.orig or error)}", _HELP) from error
        except engine.dialect.loaded_dbapi.Error as error:
            raise UsageError(f"the query was refused: {first_line(error)}", _HELP) from error
        finally:
            connection.rollback()
    if columns is None:
        raise UsageError("the query gives no rows", _HELP)
    return Answer(columns, [tuple(row) for row in rows[:limit]], len(rows) > limit)


def _sqlite(connection: Connection, raw: sqlite3.Connection, sql: str, limit: int) -> tuple[list[str] | None, Sequence[Any]]:
    deadline = time.monotonic() + TIMEOUT_SECONDS
    raw.set_authorizer(lambda action, *details: sqlite3.SQLITE_OK if action in _READS else sqlite3.SQLITE_DENY)
    raw.set_progress_handler(lambda: int(time.monotonic() > deadline), 100_000)
    try:
        with closing(raw.cursor()) as cursor:
            cursor.execute(sql)
            return _fetch(cursor, limit)
    finally:
        raw.set_authorizer(None)
        raw.set_progress_handler(None, 0)


def _server(connection: Connection, raw: Any, sql: str, limit: int) -> tuple[list[str] | None, Sequence[Any]]:
    connection.execute(text("SET TRANSACTION READ ONLY"))
    connection.execute(text(f"SET LOCAL statement_timeout = {TIMEOUT_SECONDS * 1000}"))
    with closing(raw.cursor()) as cursor:
        # A prepared statement is exactly one: none can end the transaction that only reads, and go on in another.
        cursor.execute(sql, prepare=True)
        return _fetch(cursor, limit)


def _fetch(cursor: Any, limit: int) -> tuple[list[str] | None, Sequence[Any]]:
    if cursor.description is None:
        return None, ()
    return [column[0] for column in cursor.description], cursor.fetchmany(limit + 1)


def _elsewhere(error: Exception) -> bool:
    """Whether the trouble is the database's and not the query's."""
    return any(sign in str(error) for sign in ("is locked", "disk I/O", "malformed"))
