"""Opens the database: SQLite in the user's data folder, or any URL that `ASSAY_STORE` names; brings its tables up to date."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import ArgumentError
from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_random_exponential

from harness.store.errors import URL_HELP, StoreError, passing, shown, translated
from harness.store.locks import exclusive
from harness.userdata import data_folder

REVISION = "0001"
"""The newest migration; a test compares it with the scripts. Known here so that alembic is imported only where there is work for it."""

BUSY_SECONDS = 30
"""How long a writer waits for another one; a transaction of ours takes milliseconds."""

PATIENCE_SECONDS = 60.0
"""How long a result waits for a server that went away, before the run stops; `ASSAY_STORE_PATIENCE` sets another."""

_DRIVERS = {"sqlite": "pysqlite", "postgresql": "psycopg"}
_WRITE = {"assay_write": True}


def store_url(chosen: str | Path | None = None, environ: Mapping[str, str] = os.environ) -> URL:
    """The database's URL: `chosen`, else `ASSAY_STORE`, else the file in the user's data folder. A path stands for an SQLite file.

    Raises `StoreError` for a URL that cannot be understood.
    """
    text = str(chosen or environ.get("ASSAY_STORE") or data_folder() / "store.sqlite3")
    if "://" not in text:
        return URL.create("sqlite", database=str(Path(text).expanduser().absolute()))
    try:
        url = make_url(text)
    except (ArgumentError, ValueError) as error:
        raise StoreError("the store's URL is not understood", URL_HELP) from error  # without the text: it may hold a password
    if "@" in (url.host or ""):
        raise StoreError("the store's URL is not understood: it has more than one @", "write an @ of the user or the password as %40")
    backend, _, driver = url.drivername.partition("+")
    backend = "postgresql" if backend == "postgres" else backend
    if backend not in _DRIVERS:
        raise StoreError(f"the store's URL: {backend} is not supported", URL_HELP)
    if driver not in ("", _DRIVERS[backend]):
        raise StoreError(f"the store's URL: the driver {driver} is not supported", URL_HELP)
    url = url.set(drivername=f"{backend}+{_DRIVERS[backend]}")
    if backend == "sqlite" and (not url.database or url.database.startswith((":memory:", "file:"))):
        raise StoreError("the store's URL names no file", URL_HELP)
    return url


def open_engine(url: URL, patience: float = PATIENCE_SECONDS) -> Engine:
    """The engine for `url`, its tables there and up to date. SQLite waits at most `patience` seconds for another program's lock. Raises `StoreError`."""
    with translated(url):
        engine = _sqlite(url, min(BUSY_SECONDS, patience)) if url.get_backend_name() == "sqlite" else _postgresql(url)
        _bring_up_to_date(engine)
    return engine


def patience(environ: Mapping[str, str] = os.environ) -> float:
    """Seconds for which a write is tried again. Raises `StoreError` where `ASSAY_STORE_PATIENCE` is no number."""
    given = environ.get("ASSAY_STORE_PATIENCE", "")
    try:
        seconds = float(given) if given else PATIENCE_SECONDS
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        raise StoreError(f"ASSAY_STORE_PATIENCE is {given!r}, which is no number of seconds", f"write one, such as {PATIENCE_SECONDS:.0f}")
    return seconds


def write(engine: Engine, work: Callable[[Connection], Any], seconds: float) -> Any:
    """The answer of `work`, done in one transaction: all of it or nothing.

    Where the server is away or the file is locked it is done again, for `seconds`; so `work` has to come to the
    same when a first try had been committed already. Raises `StoreError`.
    """
    with translated(engine.url):
        for attempt in Retrying(retry=retry_if_exception(passing), stop=stop_after_delay(seconds), wait=wait_random_exponential(0.2, 5), reraise=True):
            with attempt, engine.connect().execution_options(**_WRITE) as connection, connection.begin():
                return work(connection)
    raise AssertionError("unreachable")


def _postgresql(url: URL) -> Engine:
    try:
        return create_engine(url, pool_pre_ping=True, connect_args={"connect_timeout": 10, "application_name": "assay"})
    except ImportError as error:
        raise StoreError(f"the store {shown(url)}: the driver psycopg is not installed", "pip install 'assay-iac[postgresql]'") from error


def _sqlite(url: URL, busy_seconds: float) -> Engine:
    file = Path(str(url.database))
    if file.is_dir():
        raise StoreError(f"the store {shown(url)}: it is a folder", "name a file in it with ASSAY_STORE, such as store.sqlite3")
    folder = file.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"the store {shown(url)}: {error.filename}: {error.strerror}", "name another file with ASSAY_STORE") from error
    engine = create_engine(url, connect_args={"timeout": busy_seconds, "isolation_level": None})

    @event.listens_for(engine, "connect")
    def _settings(connection: Any, record: object) -> None:
        with closing(connection.cursor()) as cursor:
            cursor.execute("PRAGMA foreign_keys=ON")
            cursor.execute("PRAGMA journal_mode=WAL")  # readers and one writer do not wait for each other
            cursor.execute("PRAGMA synchronous=FULL")  # a result that was committed survives a power cut
            cursor.execute("PRAGMA mmap_size=1073741824")
            cursor.execute("PRAGMA cache_size=-65536")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # A transaction that begins as a reader and then writes is refused at once where another one has written; a writer says so first, and waits.
        connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get("assay_write") else "BEGIN")

    return engine


def _bring_up_to_date(engine: Engine) -> None:
    if _revision(engine) == REVISION:
        return
    with exclusive(engine, "migration"):
        found = _revision(engine)  # another process may have been faster
        if found == REVISION:
            return
        _migrate(engine, found)


def _revision(engine: Engine) -> str | None:
    with engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _migrate(engine: Engine, found: str | None) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", "harness.store:migrations")
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if found is not None and found not in known:
        raise StoreError(
            f"the store {shown(engine.url)} was written by a newer Assay (schema {found}; this one knows up to {REVISION})",
            "install the newer version, or name another store with ASSAY_STORE",
        )
    if found is None and (tables := set(inspect(engine).get_table_names()) & {"runs", "samples", "failures"}):
        raise StoreError(
            f"the database {shown(engine.url)} has tables that are not Assay's ({', '.join(sorted(tables))})", "name an empty database with ASSAY_STORE"
        )
    with engine.connect().execution_options(**_WRITE) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
