"""Queries can only read; commands say what there is, and never a password."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace

import psycopg
import pytest
from sqlalchemy import make_url

from harness.cli import main
from harness.errors import UsageError
from harness.store import PlannedSample, Store, StoreError, open_store, query
from tests.postgresql import PASSWORD, Server
from tests.results import finished, make_failure, make_result

LONG = 2.0
"""Seconds that a query may take in these tests."""


# queries


REFUSED = [
    "delete from runs",
    "update runs set label = 'x'", "insert into toolchains (id) values (9)", "replace into toolchains (id) values (9)", "create table x (a int)",
    "create temp table x (a int)", "drop table runs", "attach database '/tmp/x.db' as y", "pragma user_version = 5", "pragma journal_mode = delete", "vacuum",
    "vacuum into '/tmp/x.db'", "commit", "commit; delete from runs", "begin", "rollback", "select 1; delete from runs", "select 1; commit; delete from runs",
    "select 1 -- \n; delete from runs", "copy (select 1) to '/tmp/x.csv'", "copy runs to stdout", "copy (select 1) to program 'touch /tmp/x'",
    "with gone as (delete from runs returning *) select * from gone", "select * into y from runs", "do $$ begin delete from runs; end $$",
    "set transaction read write", "select set_config('transaction_read_only', 'off', false)", "select nextval('runs_id_seq')", "select load_extension('x')",
    "select * from runs for update", "explain analyze delete from runs", "lock table runs", "call x()", "", "  -- nothing", "selec 1", "select nope from runs",
    "select '\0'", "select '\udcff'", "(", "select * from (select 1) union all delete from runs",
]  # fmt: skip


def test_a_query_can_only_read(store: Store) -> None:
    run = finished(store, make_result(PlannedSample(0, "/c", "a", "m"), make_failure()))
    before = store.result(run)
    for sql in REFUSED:
        with pytest.raises(UsageError, match="the query") as refused:
            store.query(sql)
        assert "Traceback" not in str(refused.value) and "sqlalche.me" not in str(refused.value)
    assert store.result(run) == before and len(store.failures()) == 1
    assert store.query("select count(*) from runs").rows == [(1,)]
    finished(store, make_result(PlannedSample(0, "/c", "a", "m")))  # and the connection it used still writes
    assert len(store.runs()) == 2


def test_a_query_says_when_there_is_more_and_tells_columns_apart(store: Store) -> None:
    finished(store, *(make_result(PlannedSample(0, "/c", case, "m")) for case in "abc"))
    answer = store.query("select case_name from sample_rows order by 1;", 2)
    assert (answer.columns, answer.rows, answer.more) == (["case_name"], [("a",), ("b",)], True)
    assert store.query("select case_name from sample_rows", 3).more is False
    assert store.query("select 1 as id, 2 as id, 'a %s' as id").columns == ["id", "id_2", "id_3"]
    with_one = "with one as (select 1 as x) select x from one"
    assert store.query(with_one).rows == store.query("values (1)").rows == [(1,)]


def test_a_query_that_takes_too_long_is_ended(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(query, "TIMEOUT_SECONDS", LONG)
    with pytest.raises(UsageError, match="took longer than"):
        store.query("with recursive n(i) as (select 1 union all select i + 1 from n) select count(*) from n")
    assert store.query("select 1").rows == [(1,)]


def test_the_command_prints_every_kind_of_value(place: str, store: Store, cli: Callable[..., Answered]) -> None:
    finished(store, make_result(PlannedSample(0, "/c", "[red]a", "m")))
    sql = "select avg(attempt) as mean, min(digest) as digest, min(case_name) as named, min(size) as size, null as absent from sample_rows, artefacts"
    answers = {option: cli(place, "query", sql, *option.split()) for option in ("--json", "--csv", "")}
    (row,) = json.loads(answers["--json"].stdout)
    assert row["mean"] == 1 and row["absent"] is None and row["named"] == "[red]a" and isinstance(row["size"], int)
    assert "[red]a" in answers[""].stdout and answers["--csv"].stdout.startswith("mean,digest,named,size,absent\r\n")
    assert {answer.returncode for answer in answers.values()} == {0}
    (blob,) = json.loads(cli(place, "query", "select content from artefacts", "--json").stdout)
    assert bytes.fromhex(blob["content"])


# commands


@dataclass(frozen=True)
class Answered:
    """What a command printed, and its exit code."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Answered]:
    """`assay`, with the store at a place, in this process: a process for each would take a second each."""

    def run(place: str, *arguments: str, **environment: str) -> Answered:
        with monkeypatch.context() as patched:
            for name, value in {"ASSAY_STORE": place, "COLUMNS": "300", **environment}.items():
                patched.setenv(name, value)
            capsys.readouterr()
            code = main(arguments)
        return Answered(code, *capsys.readouterr())

    return run


def test_commands_show_runs_samples_and_failures(place: str, store: Store, cli: Callable[..., Answered]) -> None:
    assert "no runs in" in cli(place, "runs").stdout
    assert json.loads(cli(place, "runs", "--json").stdout) == []
    planned = PlannedSample(0, "/c", "a", "m")
    run = finished(store, make_result(planned, make_failure(), title="[red]"), make_result(replace(planned, case="b"), error="it broke"), label="[bold]nightly")
    listed = cli(place, "runs").stdout
    assert run in listed and "[bold]nightly" in listed
    (row,) = json.loads(cli(place, "runs", "--json").stdout)
    assert row["run"] == run and row["critical"] == 1 and row["errors"] == 1
    assert "no such class" in cli(place, "show", f"{run}/a").stdout
    assert json.loads(cli(place, "show", f"{run}/a", "--json").stdout)["case"] == "a"
    assert "fix of 3 statements" in cli(place, "show", f"{run}/a/F1").stdout
    shown = cli(place, "show", run[:8])
    assert shown.returncode == 0 and "missing-a-suffix" in shown.stdout
    assert json.loads(cli(place, "show", "--json").stdout)["samples"][1]["state"] == "error"
    assert cli(place, "show", f"{run}/a", "--artefacts").stdout == "record\n"
    for words in (["unknown"], ["unknown/a"], [f"{run}/z"], [f"{run}/a/F9"], ["sample:x"], ["failure:99"], [run, "--artefact", "diff"], ["--artefacts"]):
        refused = cli(place, "show", *words)
        assert refused.returncode == 2 and refused.stderr.startswith("assay: ") and "Traceback" not in refused.stderr, words


def test_a_command_never_prints_the_password(postgresql: Server, cli: Callable[..., Answered]) -> None:
    place = postgresql.database()
    url = make_url(place)
    said = [cli(place, "runs"), cli(place, "runs", "--json"), cli(place, "show"), cli(place, "query", "delete from runs")]
    wrong = url.set(password="wrong-secret").render_as_string(hide_password=False)
    elsewhere = url.set(port=1, password="wrong-secret").render_as_string(hide_password=False)
    gone = url.set(database="nowhere").render_as_string(hide_password=False)
    parameter = url.set(password=None, query={"password": "wrong-secret"}).render_as_string(hide_password=False)
    for bad, message in (
        (wrong, "refuses the user or the password"), (elsewhere, "the server cannot be reached"), (gone, "no such database"),
        (parameter, "refuses the user or the password"),
    ):  # fmt: skip
        answer = cli(bad, "runs", ASSAY_STORE_PATIENCE="1")
        assert answer.returncode == 3 and message in answer.stderr and "***" in answer.stderr, answer.stderr
        said.append(answer)
    for answer in said:
        assert "Traceback" not in answer.stderr
        for secret in (str(url.password), "wrong-secret", url.render_as_string(hide_password=False)):
            assert secret not in answer.stdout + answer.stderr


def test_a_user_without_rights_is_told(postgresql: Server) -> None:
    url = make_url(postgresql.database())
    with psycopg.connect(postgresql.admin, autocommit=True) as connection:
        connection.execute(f"DROP ROLE IF EXISTS reader; CREATE ROLE reader LOGIN PASSWORD '{PASSWORD}'".encode())
    with pytest.raises(StoreError, match="the user may not do this there") as refused:
        open_store(url.set(username="reader").render_as_string(hide_password=False))
    assert PASSWORD not in str(refused.value) and "grant" in refused.value.remedy
