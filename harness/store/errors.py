"""What a database can refuse, in words that say what to do about it."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import URL
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError

from harness.errors import AssayError

_SQLITE = (
    ("database or disk is full", "the disk is full", "make room, then go on with: assay run --resume RUN; what was committed is there"),
    ("disk i/o error", "the disk cannot be read or written", "check the disk and its free space; what was committed is there"),
    ("is locked", "another program holds it locked", "wait for that program, or end it, and try again"),
    ("file is not a database", "the file is not a database", "name another file with ASSAY_STORE, or move this one away"),
    ("malformed", "the file is damaged", "move it away and start a new one; `sqlite3 FILE .recover` saves what can be read"),
    ("unable to open database file", "the file cannot be opened", "check that its folder exists and may be written, or name another with ASSAY_STORE"),
    ("readonly database", "the file may only be read", "give yourself leave to write it, or name another with ASSAY_STORE"),
    ("attempt to write a readonly", "the file may only be read", "give yourself leave to write it, or name another with ASSAY_STORE"),
)
_POSTGRESQL = (
    ("53100", "the server's disk is full", "make room there, then go on with: assay run --resume RUN; what was committed is there"),
    ("28", "the server refuses the user or the password", "check the user and the password in ASSAY_STORE"),
    ("3D000", "the server has no such database", "create it, or name another in ASSAY_STORE"),
    ("42501", "the user may not do this there", "grant the user what it needs: create tables once, then read and write them"),
    ("25006", "the server only lets it be read", "name a server that may be written in ASSAY_STORE"),
    ("53300", "the server has no connection left", "try again later, or raise its max_connections"),
)
"""By SQLSTATE, or the class that it begins with (PostgreSQL's manual, appendix A)."""


class StoreError(AssayError):
    """The store cannot be used, or not now."""

    exit_code = 3


@contextmanager
def translated(url: URL) -> Iterator[None]:
    """Turns what SQLAlchemy and its drivers raise inside into `StoreError`."""
    try:
        yield
    except DBAPIError as error:
        raise StoreError(f"the store {shown(url)}: {_what(error)[0]}", _what(error)[1]) from error
    except (ArgumentError, NoSuchModuleError) as error:
        raise StoreError(f"the store {shown(url)}: not understood ({first_line(error)})", URL_HELP) from error
    except SQLAlchemyError as error:
        raise StoreError(f"the store {shown(url)}: {first_line(error)}", "see docs/store.md") from error


URL_HELP = "write a file's path, or postgresql+psycopg://USER:PASSWORD@HOST/DATABASE"


def shown(url: URL) -> str:
    """The URL without its passwords; of SQLite the file's path alone."""
    if url.get_backend_name() == "sqlite":
        return str(url.database)
    # libpq takes passwords as parameters, too.
    return url.update_query_dict({name: "***" for name in url.query if "password" in name}).render_as_string(hide_password=True)


def passing(error: BaseException) -> bool:
    """Whether trying again later may help: the server went away or another writer is at it."""
    if not isinstance(error, DBAPIError):
        return False
    if error.connection_invalidated or _unreachable(error):
        return True
    return isinstance(error.orig, sqlite3.OperationalError) and "is locked" in str(error.orig)


def _what(error: DBAPIError) -> tuple[str, str]:
    text = str(error.orig)
    if isinstance(error.orig, sqlite3.Error):
        known = next(((what, remedy) for sign, what, remedy in _SQLITE if sign in text.lower()), None)
    else:
        state = getattr(error.orig, "sqlstate", None) or ""
        known = next(((what, remedy) for sign, what, remedy in _POSTGRESQL if state.startswith(sign)), None)
        if known is None and "password authentication failed" in text:
            known = next((what, remedy) for sign, what, remedy in _POSTGRESQL if sign == "28")
        if known is None and 'database "' in text and "does not exist" in text:
            known = next((what, remedy) for sign, what, remedy in _POSTGRESQL if sign == "3D000")
        if known is None and (error.connection_invalidated or _unreachable(error)):
            known = ("the server cannot be reached", "start it or check the address; an interrupted run goes on with: assay run --resume RUN")
    return known or (first_line(error.orig or error), "see docs/store.md")


def _unreachable(error: DBAPIError) -> bool:
    """psycopg raises OperationalError without a state where there is no server, and class 08 or 57P where it went away."""
    if isinstance(error.orig, sqlite3.Error):
        return False
    state = getattr(error.orig, "sqlstate", None)
    if state is None:
        text = str(error.orig)
        return type(error.orig).__name__ == "OperationalError" and "authentication" not in text and "does not exist" not in text
    return str(state).startswith(("08", "57P"))


def first_line(error: BaseException) -> str:
    """What an error says, in one line."""
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)


def no_space(error: OSError) -> bool:
    """Whether a file could not be written for lack of room."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
