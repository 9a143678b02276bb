"""What names a store, and what a wrong name is answered with; never with a password in it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import URL

from harness.store import Store, StoreError, open_store
from harness.store.engine import patience, store_url
from harness.store.errors import shown
from harness.store.writing import KEY_BYTES, clean, key_text
from tests.results import any_text

SECRET = "s3cret"


def test_a_path_stands_for_a_file_and_the_default_lies_in_the_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSAY_DATA", str(tmp_path))
    assert shown(store_url(environ={})) == str(tmp_path / "store.sqlite3")
    assert shown(store_url(environ={"ASSAY_STORE": str(tmp_path / "a b%41.db")})) == str(tmp_path / "a b%41.db")
    assert shown(store_url(environ={"ASSAY_STORE": f"sqlite:///{tmp_path}/x.db"})) == str(tmp_path / "x.db")
    assert shown(store_url("other.db", {"ASSAY_STORE": "/ignored.db"})) == str(Path("other.db").absolute())


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg"])
def test_every_way_to_write_postgresql_means_the_same(scheme: str) -> None:
    url = store_url(f"{scheme}://user:{SECRET}@host:5432/db")
    assert url == URL.create("postgresql+psycopg", "user", SECRET, "host", 5432, "db")
    assert shown(url) == "postgresql+psycopg://user:***@host:5432/db"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"postgresql://user:{SECRET}@host:port/db", "not understood"),
        (f"postgresql://user:a@{SECRET}@host/db", "more than one @"),
        (f"://{SECRET}", "not understood"),
        (f"mysql://user:{SECRET}@host/db", "mysql is not supported"),
        (f"postgresql+psycopg2://user:{SECRET}@host/db", "driver psycopg2 is not supported"),
        (f"postgresql+asyncpg://user:{SECRET}@host/db", "driver asyncpg is not supported"),
        ("sqlite+aiosqlite:///x.db", "driver aiosqlite is not supported"),
        ("sqlite://", "names no file"),
        ("sqlite:///:memory:", "names no file"),
        ("sqlite:///file:x.db?uri=true", "names no file"),
    ],
)
def test_a_bad_url_is_told_without_its_password(text: str, message: str) -> None:
    with pytest.raises(StoreError, match=message) as refused:
        store_url(text)
    assert SECRET not in str(refused.value) and refused.value.remedy


def test_passwords_among_the_parameters_are_hidden_too() -> None:
    assert SECRET not in shown(store_url(f"postgresql://host/db?password={SECRET}&sslpassword={SECRET}&user=me"))


@pytest.mark.parametrize("text", ["soon", "nan", "inf", "-1", "1e999"])
def test_a_patience_that_is_no_number_of_seconds_is_refused(text: str) -> None:
    with pytest.raises(StoreError, match="ASSAY_STORE_PATIENCE"):
        patience({"ASSAY_STORE_PATIENCE": text})


def test_patience_is_a_minute_where_nothing_is_said() -> None:
    assert patience({}) == patience({"ASSAY_STORE_PATIENCE": ""}) == 60
    assert patience({"ASSAY_STORE_PATIENCE": "0.5"}) == 0.5


def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("not a database, but long enough to have a header of a hundred bytes, which SQLite looks at before all else\n" * 20)
    before = file.read_bytes()
    with pytest.raises(StoreError, match=r"notes\.txt: the file is not a database"):
        open_store(file)
    assert file.read_bytes() == before and [one.name for one in tmp_path.iterdir()] == ["notes.txt"]


def test_a_damaged_database_is_told(tmp_path: Path) -> None:
    file = tmp_path / "store.sqlite3"
    open_store(file).close()
    content = bytearray(file.read_bytes())
    content[100:4000] = b"\xff" * 3900
    file.write_bytes(content)
    with pytest.raises(StoreError, match="the file is damaged"):
        open_store(file)


@pytest.mark.parametrize(
    ("place", "message"), [("/proc/store.sqlite3", "cannot be opened"), ("/proc/new/store.sqlite3", "/proc/new"), ("/proc", "it is a folder")]
)
def test_a_folder_that_cannot_be_written_is_told(place: str, message: str) -> None:
    """/proc takes no file, not even root's."""
    if not Path("/proc/self").exists():
        pytest.skip("there is no /proc here")
    with pytest.raises(StoreError, match=message) as refused:
        open_store(place)
    assert "ASSAY_STORE" in refused.value.remedy


def test_the_driver_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(StoreError, match="psycopg is not installed") as refused:
        Store(store_url(f"postgresql://user:{SECRET}@host/db"))
    assert "assay-iac[postgresql]" in refused.value.remedy and SECRET not in str(refused.value)


def test_the_command_tells_it_in_a_line_and_no_traceback(tmp_path: Path) -> None:
    import os

    environment = {**os.environ, "ASSAY_STORE": str(tmp_path)}
    done = subprocess.run([sys.executable, "-m", "harness.cli", "runs"], env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == f"assay: the store {tmp_path}: it is a folder\n  name a file in it with ASSAY_STORE, such as store.sqlite3\n"


@given(any_text, any_text)
def test_what_an_index_takes_is_short_and_still_tells_texts_apart(one: str, other: str) -> None:
    for text in (one, other):
        assert len(key_text(text).encode()) <= KEY_BYTES and key_text(key_text(text)) == key_text(text)
        assert "\0" not in key_text(text)
    if clean(one) != clean(other):
        assert key_text(one) != key_text(other)


@given(st.text(max_size=150))
def test_what_a_database_takes_stays_as_it_is(text: str) -> None:
    assert clean(text) == text.replace("\0", "\ufffd")
