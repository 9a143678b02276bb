"""Locks that end with the process that holds them, however it ends: a run has one writer, a migration is made once."""

from __future__ import annotations

import fcntl
import hashlib
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from harness.store.errors import StoreError, no_space, shown

TAKE_SECONDS = 1.0
"""How long a would-be writer tries: whoever only asks whether a run is being written holds its lock for a moment."""

_HELD = text(
    "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1 AND (classid::bigint << 32 | objid::bigint) = :key"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


@contextmanager
def exclusive(engine: Engine, name: str) -> Iterator[None]:
    """Waits for the lock `name` of this store and holds it. Raises `StoreError` where the lock cannot be made."""
    if engine.dialect.name == "sqlite":
        with _lock_file(engine, name) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
        return
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _key(name)})
        try:
            yield
        finally:
            connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": _key(name)})


class RunLock:
    """Held by the one process that writes a run: a lock on a file beside SQLite's, an advisory lock of a PostgreSQL session.

    Safe from several threads. Raises `StoreError` where a file cannot be made, and what SQLAlchemy raises where the server is away.
    """

    def __init__(self, engine: Engine, run: str) -> None:
        self._engine, self._name = engine, f"run-{run}"
        self._file: IO[bytes] | None = None
        self._connection: Connection | None = None
        self._wanted = False
        self._thread_lock = threading.RLock()

    def take(self) -> bool:
        """Whether the lock is ours now; False where another process has it."""
        deadline = time.monotonic() + TAKE_SECONDS
        with self._thread_lock:
            while not (self._take_file() if self._engine.dialect.name == "sqlite" else self._take_session()):
                if time.monotonic() > deadline:
                    return False
                time.sleep(0.05)
            self._wanted = True
            return True

    def keep(self) -> bool:
        """Whether the lock is still ours: a server that went away has let go of it, and another process may have come first."""
        with self._thread_lock:
            if self._file is not None:
                return True
            if self._connection is not None:
                try:
                    self._connection.execute(text("SELECT 1"))
                    return True
                except DBAPIError:
                    self._let_go()
            # Not ours at the moment, but perhaps only because the server was still away when it was last tried.
            return self._wanted and self.take()

    def release(self) -> None:
        """Let go of it."""
        with self._thread_lock:
            self._wanted = False
            self._let_go()

    def _let_go(self) -> None:
        if self._file is not None:
            with suppress(OSError):
                os.unlink(self._file.name)
            self._file.close()
            self._file = None
        if self._connection is not None:
            # Closing hands the session back to a pool, which would keep the lock.
            with suppress(DBAPIError):
                self._connection.invalidate()
            with suppress(DBAPIError):
                self._connection.close()
            self._connection = None

    def _take_session(self) -> bool:
        connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        try:
            taken = bool(connection.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": _key(self._name)}).scalar())
        except BaseException:
            connection.invalidate()
            connection.close()
            raise
        if taken:
            self._connection = connection
        else:
            connection.close()
        return taken

    def _take_file(self) -> bool:
        while True:
            file = _lock_file(self._engine, self._name)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.close()
                return False
            # Whoever held it before may have removed the file between our opening and locking it.
            with suppress(FileNotFoundError):
                if os.fstat(file.fileno()).st_ino == os.stat(file.name).st_ino:
                    self._file = file
                    return True
            file.close()


def abandoned(connection: Connection, run: str) -> bool:
    """Whether no process writes the run. Changes nothing, so that a store that may only be read can be asked."""
    name = f"run-{run}"
    if connection.dialect.name != "sqlite":
        return not connection.execute(_HELD, {"key": _key(name)}).scalar()
    try:
        with _path(connection.engine, name).open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True  # its writer makes the file, and removes it at the end
    return True


def _lock_file(engine: Engine, name: str) -> IO[bytes]:
    path = _path(engine, name)
    try:
        return path.open("wb")
    except OSError as error:
        if no_space(error):
            raise StoreError(f"the store {shown(engine.url)}: the disk is full", "make room and try again; what was committed is there") from error
        remedy = "give yourself leave to write into its folder, or name another store with ASSAY_STORE"
        raise StoreError(f"the store {shown(engine.url)}: {path.name} cannot be made: {error.strerror}", remedy) from error


def _path(engine: Engine, name: str) -> Path:
    return Path(f"{engine.url.database}.{name}.lock")


def _key(name: str) -> int:
    return int.from_bytes(hashlib.sha256(f"assay {name}".encode()).digest()[:8], "big", signed=True)
