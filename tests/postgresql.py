"""A real PostgreSQL server for tests, made and started from the machine's own binaries."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

NEEDED = ("initdb", "pg_ctl")
USER, PASSWORD = "assay", "b:o@x/%41 secret"
"""The password has what a URL has to escape."""


def find_binaries() -> Path | str:
    """The folder of PostgreSQL's programs, the newest version first; or why no server can be started here."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: [int(part) for part in folder.parent.name.split(".") if part.isdigit()])
    for folder in [*reversed(folders), *(Path(found).resolve().parent for found in [shutil.which("initdb")] if found)]:
        if all((folder / name).exists() for name in NEEDED):
            break
    else:
        return f"PostgreSQL's {' and '.join(NEEDED)} are neither on the PATH nor in /usr/lib/postgresql"
    if os.geteuid() == 0 and not _unprivileged():
        return "PostgreSQL refuses to run as root, and the machine has neither a user postgres nor nobody"
    return folder


class Server:
    """A server with a data folder of its own, on a free port of the loopback."""

    def __init__(self, binaries: Path, root: Path, run: Callable[..., None], fsync: bool) -> None:
        self._binaries, self._run, self._fsync = binaries, run, fsync
        self.data, self.log = root / "data", root / "server.log"
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        self._databases = 0

    @property
    def admin(self) -> str:
        """What libpq needs to reach the server."""
        return psycopg.conninfo.make_conninfo(host="127.0.0.1", port=self.port, user=USER, password=PASSWORD, dbname="postgres")

    def start(self) -> None:
        """Start it, and wait until it answers."""
        # Loopback only, no socket file.
        durable = "on" if self._fsync else "off"
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync={durable} -c max_connections=40"
        self._run(self._binaries / "pg_ctl", "start", "-w", "-t", "60", "-D", self.data, "-l", self.log, "-o", options)

    def stop(self) -> None:
        """Stop it at once, as a machine that goes down does: sessions end, transactions are rolled back."""
        self._run(self._binaries / "pg_ctl", "stop", "-w", "-t", "60", "-m", "fast", "-D", self.data)

    def database(self, user: str = USER, password: str = PASSWORD) -> str:
        """The URL of a new, empty database."""
        from sqlalchemy import URL

        self._databases += 1
        name = f"store{self._databases}"
        with psycopg.connect(self.admin, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return URL.create("postgresql+psycopg", user, password, "127.0.0.1", self.port, name).render_as_string(hide_password=False)


@contextmanager
def running_server(binaries: Path, fsync: bool = False) -> Iterator[Server]:
    """A server that is stopped, and its data removed, at the end. Without `fsync` it is as fast as tests want it, which never pull the plug."""
    account = _unprivileged() if os.geteuid() == 0 else None
    with tempfile.TemporaryDirectory(prefix="assay-postgresql-") as name:
        root = Path(name)
        secret = root / "password"
        secret.write_text(PASSWORD)
        if account is not None:
            for path in (root, secret):
                os.chown(path, account.pw_uid, account.pw_gid)

        def run(*command: str | Path) -> None:
            identity = {} if account is None else {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
            environment = {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8", "HOME": name}
            # The server inherits the output; a pipe would never end.
            with (root / "commands.log").open("ab") as log:
                done = subprocess.run(list(map(str, command)), cwd=name, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, **identity)
            if done.returncode:
                said = "\n".join(path.read_text(errors="replace") for path in (root / "commands.log", root / "server.log") if path.exists())
                raise RuntimeError(f"{command[0]} failed with {done.returncode}:\n{said}")

        server = Server(binaries, root, run, fsync)
        initdb = ("-U", USER, "-A", "scram-sha-256", "--pwfile", secret, "-E", "UTF8", "--no-locale", "--no-sync", "-D", server.data)
        run(binaries / "initdb", *initdb)
        try:
            server.start()
            yield server
        finally:
            if (server.data / "postmaster.pid").exists():
                server.stop()


def _unprivileged() -> pwd.struct_passwd | None:
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    return None
