"""The store keeps what a run finds, all of it, once, on SQLite and on PostgreSQL alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from harness.errors import UsageError
from harness.failures import Severity
from harness.results import CaseResult
from harness.store import PlannedSample, Store, StoreError, open_store, schema
from harness.store.engine import REVISION
from harness.store.plan import FINISHED, INTERRUPTED, RUNNING
from harness.store.writing import clean
from tests.results import HOSTILE, any_results, any_text, finished, make_failure, make_plan, make_result

ROOT = Path(__file__).resolve().parent.parent.parent
RUN = ["run", "label", "started", "ended", "state", "models", "samples", "done", "errors", "critical", "high", "medium", "low", "rubric", "toolchain"]
KEY = ["run", "case_name", "model", "sample", "attempt"]
SAMPLE = [
    "state", "control", "training_quality", "response_quality", "band", "converged", "unclassified", "resources", "wall", "cpu", "error", "response_digest",
    "ideal_digest",
]  # fmt: skip
FAILURE = ["name", "fingerprint", "rule", "symbol", "severity", "category", "title", "file", "line", "gate", "statements", "fixes"]
FIX = ["name", "title", "statements", "load_bearing", "step", "cures", "isolation"]


# migrations


def test_the_migrations_make_the_tables_of_the_schema(store: Store) -> None:
    with store._engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert context.get_current_revision() == REVISION
        assert compare_metadata(context, schema.metadata) == []


def test_the_views_are_those_of_the_schema(store: Store) -> None:
    for name, definition in schema.VIEWS.items():
        with store._engine.connect() as connection:
            made, meant = (list(connection.execute(text(sql)).keys()) for sql in (f"SELECT * FROM {name}", definition))
        assert made == meant


def test_a_newer_schema_is_refused_and_left_alone(place: str) -> None:
    with open_store(place) as store, store._engine.connect() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        connection.commit()
    with pytest.raises(StoreError, match=r"newer Assay \(schema 9999; this one knows up to") as refused:
        open_store(place)
    assert "install the newer version" in refused.value.remedy


def test_tables_of_others_are_never_touched(place: str) -> None:
    from harness.store.engine import open_engine, store_url

    with open_store(place) as store, store._engine.connect() as connection:
        connection.execute(text("DROP TABLE alembic_version"))
        connection.commit()
    with pytest.raises(StoreError, match="tables that are not Assay's"):
        open_engine(store_url(place))


# in and out


def test_any_run_comes_out_as_it_went_in(new_place: Callable[[], str]) -> None:
    with open_store(new_place()) as store:

        @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
        @given(st.data())
        def check(data: st.DataObject) -> None:
            planned = [PlannedSample(0, "/cases/a", "a", "m"), PlannedSample(1, "/cases/a", "a", "m", "2"), PlannedSample(2, "/cases/a", "a", "m", "2", 2)]
            results = [data.draw(any_results(one)) for one in planned]
            label, artefact = data.draw(any_text), data.draw(st.binary(max_size=50))
            with store.start(make_plan(*planned, label=label)) as writer:
                for one, result in zip(planned, results, strict=True):
                    writer.add(one, result, {"diff": artefact, label: b"named"})
                writer.finish(FINISHED)
            name = writer.run.name
            read = store.result(name)
            assert read.cases == tuple(results)
            assert (read.run, read.rubric, read.toolchain, read.holes) == (name, "3", {"python": "3.11.7"}, {"plan": "no terraform"})
            sample_ids = list(store.samples(name)["sample_id"])
            assert {store.artefact(one, "diff") for one in sample_ids} == {b"named" if label == "diff" else artefact}
            assert store.artefact(sample_ids[0], label) == b"named"
            failures = store.failures(name)
            expected = [(one.id, one.fingerprint, str(one.severity), clean(one.title)) for result in results for one in result.failures]
            assert list(failures[["name", "fingerprint", "severity", "title"]].itertuples(index=False, name=None)) == expected
            assert len(store.fixes(name)) == sum(len(result.fixes) for result in results)
            verdicts = sum(len(gates) for result in results for variant, gates in result.gates.items() if "without" not in variant)
            assert len(store.gate_results(name)) == verdicts

        check()


def test_what_names_a_sample_may_be_any_text(store: Store) -> None:
    for number, other in enumerate((HOSTILE, HOSTILE + "!", "x" * 100_000, "x" * 100_001)):
        planned = PlannedSample(0, other, other, other, other)
        with store.start(make_plan(planned, label=other)) as writer:
            writer.add(planned, make_result(planned, make_failure(symbols=(other,), rule=other, fingerprint=f"{number:012x}")), {other: b"kept"})
            writer.finish(FINISHED)
        assert store.find_run(other).name == writer.run.name
        assert store.artefact(store.find_sample(f"{writer.run.name}/{other}"), other) == b"kept"
        assert len(store.runs(other)) == 1
        assert writer.missing() == []


def test_a_time_without_a_zone_is_refused() -> None:
    kept = schema.UtcTime()
    noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    assert kept.process_bind_param(noon.astimezone(), None) == noon  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="time zone"):
        kept.process_bind_param(datetime(2026, 1, 1), None)  # type: ignore[arg-type]


@pytest.mark.parametrize("full", [False, True])
def test_frames_have_their_columns_and_types_even_when_empty(store: Store, full: bool) -> None:
    if full:
        planned = PlannedSample(0, "/cases/a", "a", "m")
        broken = make_result(replace(planned, case="b"), make_failure(locations=(), evidence=make_failure().evidence), score=None, error="it broke", seconds={})
        finished(store, make_result(planned, make_failure(), make_failure(2, severity=Severity.LOW)), broken)
    frames = {
        "runs": (store.runs(), RUN),
        "samples": (store.samples(every=True), ["sample_id", *KEY, *SAMPLE]),
        "gate_results": (store.gate_results(every=True), ["sample_id", *KEY, "variant", "gate", "status", "reason"]),
        "failures": (store.failures(every=True), ["failure_id", "sample_id", *KEY, *FAILURE]),
        "fixes": (store.fixes(every=True), ["sample_id", *KEY, *FIX]),
    }
    texts, whole = pd.StringDtype, ("int64", "Int64")
    for name, (frame, columns) in frames.items():
        assert list(frame.columns) == columns, name
        assert len(frame) > 0 if full else len(frame) == 0
        for column in columns:
            kind = frame[column].dtype
            if column in ("started", "ended"):
                assert str(kind) == "datetime64[us, UTC]"
            elif column in ("training_quality", "response_quality", "wall", "cpu"):
                assert kind == "float64"
            elif column in ("converged", "load_bearing", "cures"):
                assert kind == "boolean"
            elif column.endswith("_id") or column in (
                "attempt",
                "samples",
                "done",
                "errors",
                "statements",
                "line",
                "step",
                "unclassified",
                "resources",
                *map(str, Severity),
            ):
                assert str(kind) in whole, column
            else:
                assert isinstance(kind, texts), column


def test_frames_say_what_the_results_say(store: Store) -> None:
    one, other = PlannedSample(0, "/cases/a", "a", "m"), PlannedSample(1, "/cases/b", "b", "n", "2", 3)
    failed = make_result(other, make_failure(2, severity=Severity.LOW), make_failure(1), error="it broke", score=None)
    run = finished(store, make_result(one, make_failure()), failed)
    (row,) = store.runs().to_dict("records")
    assert (row["run"], row["label"], row["state"], row["models"], row["toolchain"]) == (run, "nightly", FINISHED, "m, n", "f" * 64)
    assert [row[name] for name in ("samples", "done", "errors", "critical", "high", "medium", "low")] == [2, 1, 1, 2, 0, 0, 1]
    samples = store.samples(run)
    assert list(samples["state"]) == ["done", "error"]
    assert samples.loc[0, "training_quality"] == 0.5 and pd.isna(samples.loc[1, "training_quality"])
    assert tuple(samples.loc[1, KEY]) == (run, "b", "n", "2", 3)
    failures = store.failures(run)
    assert list(failures["name"]) == ["F1", "F2", "F1"]
    assert (failures.loc[0, "symbol"], failures.loc[0, "file"], failures.loc[0, "line"], failures.loc[0, "gate"]) == (
        "S3BucketVersioning",
        "lib/stack.py",
        2,
        "validate",
    )
    assert failures.loc[0, "fixes"] == "fix1,fix2"
    verdicts = store.gate_results(run, variants=("response",))
    assert list(verdicts["gate"]) == ["synth", "validate"] * 2 and list(verdicts["reason"].fillna(""))[:2] == ["", "synth did not pass"]
    assert list(store.fixes(run)["name"]) == ["fix1", "fix1"]
    often = "select model, count(*) as times from failure_rows where symbol = 'S3BucketVersioning' group by model order by model"
    assert store.query(often).rows == [("m", 1), ("n", 2)]


# names


def test_a_run_is_found_by_its_name_the_beginning_of_it_or_its_label(store: Store) -> None:
    with pytest.raises(UsageError, match="there is no run yet"):
        store.find_run()
    first, second = (finished(store, make_result(PlannedSample(0, "/c", "a", "m")), label=label) for label in ("weekly", "team/nightly"))
    with store._engine.connect() as connection:
        for name, new, day in ((first, "20260101-000000-aaaa", 1), (second, "20260102-000000-bb_b", 2)):
            connection.execute(schema.runs.update().where(schema.runs.c.name == name).values(name=new, started=datetime(2026, 1, day, tzinfo=UTC)))
        connection.commit()
    assert store.find_run().name == "20260102-000000-bb_b"
    assert store.find_run("20260101").name == "20260101-000000-aaaa"
    assert store.find_run("weekly").name == "20260101-000000-aaaa"
    assert store.find_run("team/nightly").name == "20260102-000000-bb_b"
    assert store.find_sample("team/nightly/a") == store.find_sample("20260102/a")
    with pytest.raises(UsageError, match="several runs begin with '2026': 20260101-000000-aaaa, 20260102-000000-bb_b"):
        store.find_run("2026")
    for unknown in ("20260102-000000-bb%", "20260103", "", "nightly", "' or 1=1 --", HOSTILE):
        with pytest.raises(UsageError, match="there is no run"):
            store.find_run(unknown)


def test_the_newest_run_of_a_label_is_meant(store: Store) -> None:
    names = [finished(store, make_result(PlannedSample(0, "/c", "a", "m"))) for _ in range(3)]
    with store._engine.connect() as connection:
        for number, name in enumerate(names):
            started = datetime(2026, 1, 9, tzinfo=UTC) - timedelta(days=number)
            connection.execute(schema.runs.update().where(schema.runs.c.name == name).values(started=started))
        connection.commit()
    assert store.find_run("nightly").name == names[0]
    assert list(store.runs("nightly", 2)["run"]) == names[:2]
    assert len(store.runs("unknown")) == 0


def test_a_sample_is_found_by_what_tells_it_apart(store: Store) -> None:
    keys = [("a", "m", "1"), ("a", "m", "2"), ("a", "org/n", "1"), ("b", "m", "1"), ("c", "m", "1"), ("c", "org/n", "1")]
    run = finished(store, *(make_result(PlannedSample(0, "/c", *key), make_failure()) for key in keys))
    ids = dict(zip(keys, store.samples(run)["sample_id"], strict=True))
    for words, key in (("b", 3), ("b/1", 3), ("a/2", 1), ("a/m/1", 0), ("a/org/n/1", 2), ("a/org/n", 2), ("c/m", 4)):
        assert store.find_sample(f"nightly/{words}") == ids[keys[key]], words
    assert store.find_sample(f"sample:{ids[keys[4]]}") == ids[keys[4]]
    assert store.find_failure("nightly/a/org/n/1/F1") == (ids[keys[2]], "F1")
    failure_id = store.failures(run)["failure_id"].iloc[5]
    assert store.find_failure(f"failure:{failure_id}") == (ids[keys[5]], "F1")
    assert store.find_sample(f"failure:{failure_id}") == ids[keys[5]]
    with pytest.raises(UsageError, match="several samples a") as several:
        store.find_sample("nightly/a")
    assert "a/m/1, a/m/2, a/org/n/1" in several.value.remedy
    for wrong, message in (
        ("nightly/z", "no sample z"), ("nightly/a/q", "no sample a/q"), ("nightly/a/m/9", "no sample a/m/9"), ("unknown/a", "no run 'unknown'"),
        ("nightly/", "no sample"),
        ("sample:999999", "there is no sample:999999"), ("sample:x", "is no sample"), ("sample:" + "9" * 40, "is no sample"),
        ("nightly", "is a run, not a sample"),
        ("failure:999999", "there is no failure:999999"), ("/a", "there is no run ''"), (f"nightly/{HOSTILE}", "no sample"),
    ):  # fmt: skip
        with pytest.raises(UsageError, match=message):
            store.find_sample(wrong)
    for wrong, message in (("nightly/b/F9", "no failure F9"), ("failure:x", "is no failure"), ("F1", "is no failure"), (f"nightly/b/{HOSTILE}", "no ")):
        with pytest.raises(UsageError, match=message):
            store.find_failure(wrong)
    assert store.samples_of("b") == [ids[keys[3]]]
    assert store.samples_of("b", "nightly") == [ids[keys[3]]] and store.samples_of("z") == []


# artefacts


def test_artefacts_are_kept_once_however_many_samples_have_them(store: Store) -> None:
    content = b"the same ideal" * 1000
    with store.start(make_plan()) as writer:
        for planned in writer.missing():
            writer.add(planned, make_result(planned), {"tree/ideal": content, "empty": b"", "diff": planned.case.encode()})
        sample_id = store.find_sample(f"{writer.run.name}/a/m/1")
    assert store.artefact_names(sample_id) == ["diff", "empty", "record", "tree/ideal"]
    assert store.artefact(sample_id, "tree/ideal") == content and store.artefact(sample_id, "empty") == b""
    (row,) = store.query("select count(*), max(length(content)) from artefacts where size = 14000").rows
    assert row[0] == 1 and row[1] < 100
    with pytest.raises(UsageError, match="no artefact 'log'") as unknown:
        store.artefact(sample_id, "log")
    assert "diff, empty, record, tree/ideal" in unknown.value.remedy


def test_a_damaged_artefact_is_told_and_not_believed(store: Store) -> None:
    run = finished(store, make_result(PlannedSample(0, "/c", "a", "m")))
    for content, message in ((b"garbage", "is damaged"), (__import__("zlib").compress(b'{"case": 1}'), "cannot be read")):
        with store._engine.connect() as connection:
            connection.execute(schema.artefacts.update().values(content=content))
            connection.commit()
        with pytest.raises(StoreError, match=message):
            store.result(run)


# writing


def test_what_is_added_twice_is_there_once_and_the_first_stays(store: Store) -> None:
    with store.start(make_plan()) as writer:
        planned = writer.missing()[0]
        first = make_result(planned, make_failure())
        writer.add(planned, first, {"diff": b"first"})
        counts = [len(frame) for frame in (store.failures(), store.fixes(), store.gate_results())]
        writer.add(planned, make_result(planned, make_failure(), make_failure(2)), {"diff": b"second", "log": b""})
        assert [len(frame) for frame in (store.failures(), store.fixes(), store.gate_results())] == counts
        assert store.result().cases == (first,)
        assert store.artefact(store.find_sample(f"{writer.run.name}/a/m"), "diff") == b"first"
        assert len(writer.missing()) == 3


def test_a_sample_that_is_not_planned_is_refused_and_leaves_nothing(store: Store) -> None:
    with store.start(make_plan()) as writer:
        stranger = PlannedSample(9, "/cases/z", "z", "m")
        with pytest.raises(StoreError, match="does not plan z"):
            writer.add(stranger, make_result(stranger), {"diff": b"unseen"})
        assert store.query("select count(*) from artefacts").rows == [(0,)] and store.result().cases == ()


def test_resuming_takes_what_is_missing_in_order(store: Store) -> None:
    with store.start(make_plan()) as writer:
        planned = writer.missing()
        assert [one.key for one in planned] == [one.key for one in make_plan().samples] and planned == list(make_plan().samples)
        writer.add(planned[2], make_result(planned[2]))
        writer.finish(INTERRUPTED)
    run = store.find_run(writer.run.name)
    assert run.state == INTERRUPTED and run.ended is not None
    with store.resume(run.name) as resumed:
        assert resumed.missing() == [planned[0], planned[1], planned[3]]
        assert store.find_run(run.name).state == RUNNING and store.find_run(run.name).ended is None
        for one in resumed.missing():
            resumed.add(one, make_result(one))
        resumed.finish(FINISHED)
    assert [(one.case, one.model) for one in store.result().cases] == [("a", "m"), ("a", "n"), ("b", "m"), ("b", "n")]


def test_nothing_of_a_result_is_kept_where_a_part_of_it_fails(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    from harness.store import writing

    def breaks(*arguments: object) -> None:
        raise KeyboardInterrupt

    with store.start(make_plan()) as writer:
        planned = writer.missing()[0]
        monkeypatch.setattr(writing, "_add_artefacts", breaks)
        with pytest.raises(KeyboardInterrupt):
            writer.add(planned, make_result(planned, make_failure()))
        monkeypatch.undo()
        assert [len(frame) for frame in (store.failures(), store.fixes(), store.gate_results())] == [0, 0, 0]
        assert store.query("select count(*) from fingerprints").rows == [(0,)]
        writer.add(planned, make_result(planned, make_failure()))
    assert len(store.failures()) == 1


def test_a_run_that_is_deleted_takes_everything_along(store: Store) -> None:
    kept = finished(store, make_result(PlannedSample(0, "/c", "a", "m"), make_failure(), title="kept"))
    gone = finished(store, make_result(PlannedSample(0, "/c", "a", "m"), make_failure(), title="gone"))
    with store._engine.connect() as connection:
        connection.execute(schema.runs.delete().where(schema.runs.c.name == gone))
        connection.execute(text("DELETE FROM artefacts WHERE digest NOT IN (SELECT digest FROM sample_artefacts)"))  # as docs/store.md has it
        connection.commit()
    assert list(store.runs()["run"]) == [kept] and store.result().cases[0].title == "kept"
    for table in ("samples", "failures", "fixes", "sample_artefacts", "artefacts"):
        assert store.query(f"select count(*) from {table}").rows == [(1,)], table
    assert store.query("select count(*) from gate_results").rows == [(3,)]


def test_every_field_of_a_result_is_kept() -> None:
    """A field that is added to `CaseResult` goes into the record by itself; this says which ones have a column too."""
    columns = {column.name for column in schema.samples.columns}
    without = {one.name for one in fields(CaseResult)} - columns
    assert without == {
        "case", "title", "prompt", "control_cause", "score", "gates", "reasons", "failures", "fixes", "inconclusive", "expectations", "seconds", "audit",
        "response_folder", "shared",
    }  # fmt: skip
