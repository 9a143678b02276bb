"""Locks that end with the process that holds them, however it ends: a run has one writer, a migration is made once."""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError


@contextmanager
def exclusive(engine: Engine, name: str) -> Iterator[None]:
    """Waits for the lock `name` of this store and holds it."""
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
    """Held by the one process that writes a run: a lock on a file beside SQLite's, an advisory lock of a PostgreSQL session."""

    def __init__(self, engine: Engine, run: str) -> None:
        self._engine, self._name = engine, f"run-{run}"
        self._file: IO[bytes] | None = None
        self._connection: Connection | None = None

    def take(self) -> bool:
        """Whether the lock is ours now; False where another process has it."""
        if self._engine.dialect.name == "sqlite":
            return self._take_file()
        connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        if connection.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": _key(self._name)}).scalar():
            self._connection = connection
            return True
        connection.close()
        return False

    def keep(self) -> bool:
        """Whether the lock is still ours: a server that went away has let go of it, and another process may have come first."""
        if self._connection is None:
            return self._file is not None
        try:
            self._connection.execute(text("SELECT 1"))
            return True
        except DBAPIError:
            self.release()
            return self.take()

    def release(self) -> None:
        """Let go of it."""
        if self._file is not None:
            with suppress(OSError):
                os.unlink(self._file.name)
            self._file.close()
            self._file = None
        if self._connection is not None:
            # Closing hands the session back to a pool, which would keep the lock.
            with suppress(DBAPIError):
                self._connection.invalidate()
                self._connection.close()
            self._connection = None

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


def abandoned(engine: Engine, run: str) -> bool:
    """Whether no process writes the run."""
    lock = RunLock(engine, run)
    if not lock.take():
        return False
    lock.release()
    return True


def _lock_file(engine: Engine, name: str) -> IO[bytes]:
    return Path(f"{engine.url.database}.{name}.lock").open("wb")


def _key(name: str) -> int:
    return int.from_bytes(hashlib.sha256(f"assay {name}".encode()).digest()[:8], "big", signed=True)
