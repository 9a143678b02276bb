"""The databases on which the store's tests run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.store import Store, open_store
from tests.postgresql import Server, find_binaries, running_server


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    """A real server; skips where the machine has none."""
    binaries = find_binaries()
    if isinstance(binaries, str):
        pytest.skip(binaries)
    with running_server(binaries) as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def new_place(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], str]:
    """Names a new, empty store with each call: a file, then the same test with a database of the server."""
    if request.param == "sqlite":
        numbers = iter(range(1000))
        return lambda: str(tmp_path / f"store{next(numbers)}.sqlite3")
    server: Server = request.getfixturevalue("postgresql")
    return server.database


@pytest.fixture
def place(new_place: Callable[[], str]) -> str:
    """Where an empty store may be opened."""
    return new_place()


@pytest.fixture
def store(place: str) -> Iterator[Store]:
    """An empty store."""
    with open_store(place) as opened:
        yield opened
