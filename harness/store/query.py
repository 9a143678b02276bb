"""SQL by hand, which can only read."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing, suppress
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

    Columns of one name are told apart: `id`, `id_2`. Raises `UsageError` for a statement that cannot be understood,
    writes, or takes longer than `TIMEOUT_SECONDS`.
    """
    if "\0" in sql or any("\ud800" <= character <= "\udfff" for character in sql):
        raise UsageError("the query was refused: it has bytes that are no text", _HELP)
    with translated(engine.url), engine.connect() as connection:
        raw = connection.connection.driver_connection
        try:
            columns, rows = _sqlite(raw, sql, limit) if isinstance(raw, sqlite3.Connection) else _server(connection, raw, sql, limit)
        except DBAPIError as error:
            if error.connection_invalidated or _elsewhere(error):
                raise
            raise _refused(error.orig or error) from error
        except engine.dialect.loaded_dbapi.Error as error:
            if getattr(raw, "closed", False) or _elsewhere(error):
                # As SQLAlchemy would have put it, had the statement gone through it.
                raise DBAPIError.instance(sql, None, error, engine.dialect.loaded_dbapi.Error, connection_invalidated=True, dialect=engine.dialect) from error
            raise _refused(error) from error
        finally:
            with suppress(DBAPIError):
                connection.rollback()
    return Answer(_distinct(columns), [tuple(row) for row in rows[:limit]], len(rows) > limit)


def _sqlite(raw: sqlite3.Connection, sql: str, limit: int) -> tuple[list[str], Sequence[Any]]:
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


def _server(connection: Connection, raw: Any, sql: str, limit: int) -> tuple[list[str], Sequence[Any]]:
    connection.execute(text("SET TRANSACTION READ ONLY"))
    connection.execute(text(f"SET LOCAL statement_timeout = {TIMEOUT_SECONDS * 1000:.0f}"))
    with closing(raw.cursor()) as cursor:
        # A cursor takes a SELECT and nothing else, not even COPY, which a transaction that only reads would let write a file of
        # the server's. A prepared statement is exactly one: none can end this transaction and go on in another.
        cursor.execute(f"DECLARE assay_answer NO SCROLL CURSOR FOR {sql}", prepare=True)
        cursor.execute(f"FETCH {limit + 1:d} FROM assay_answer")
        return _fetch(cursor, limit)


def _fetch(cursor: Any, limit: int) -> tuple[list[str], Sequence[Any]]:
    if cursor.description is None:
        raise UsageError("the query gives no rows", _HELP)
    return [column[0] for column in cursor.description], cursor.fetchmany(limit + 1)


def _distinct(columns: Sequence[str]) -> list[str]:
    names: list[str] = []
    for column in columns:
        number, name = 1, column
        while name in names:
            number += 1
            name = f"{column}_{number}"
        names.append(name)
    return names


def _refused(error: BaseException) -> UsageError:
    """What the database said of the query, in its words where those are clear."""
    said = first_line(error)
    if "interrupted" in said or "statement timeout" in said:
        return UsageError(f"the query took longer than {TIMEOUT_SECONDS} seconds", "ask for less, such as one run or one model")
    if "one statement at a time" in said or "multiple commands" in said:
        return UsageError("the query was refused: it is more than one statement", _HELP)
    if "not authorized" in said or "authorization denied" in said or "prohibited" in said or "read-only transaction" in said:
        return UsageError("the query was refused: it may only read", _HELP)
    return UsageError(f"the query was refused: {said}", _HELP)


def _elsewhere(error: Exception) -> bool:
    """Whether the trouble is the database's and not the query's."""
    return any(sign in str(error) for sign in ("is locked", "disk I/O", "malformed"))
