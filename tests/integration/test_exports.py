"""Exports of a real store, read back by the libraries that their readers use."""

from __future__ import annotations

import argparse
import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.commands import export
from harness.errors import HarnessFault, UsageError
from harness.exports import csv
from harness.exports.base import IDEAL_TREE, RESPONSE_TREE
from harness.exports.csv import CsvTables
from harness.exports.parquet import ParquetTables
from harness.exports.source import of_run, of_store, response_folders
from harness.exports.tables import SCHEMAS, as_table
from harness.exports.training import FEATURES, Training
from harness.exports.writing import replacing_file, replacing_folder
from harness.failures import Severity
from harness.results import RunResult
from harness.store import PlannedSample, RunPlan, Store, open_store
from harness.store.plan import FINISHED
from tests.unit.test_exports import HOSTILE, IDEAL, RESPONSE, diff_of, failure, result, small_run, small_source, small_trees


def keep(store: Store, run: RunResult) -> str:
    """Put a run into the store as `assay run` does; returns its name there."""
    keys = [(number, one) for number, one in enumerate(run.cases)]
    planned = tuple(PlannedSample(number, "cases", one.case, one.model, one.sample, one.attempt) for number, one in keys)
    plan = RunPlan(run.label, run.toolchain, "f" * 64, run.rubric, "c" * 64, run.holes, {}, planned)
    trees = small_trees(run)
    with store.start(plan) as writer:
        for sample, one in zip(planned, run.cases, strict=True):
            writer.add(sample, one, trees[sample.key])
        writer.finish(FINISHED)
        return writer.run.name


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ASSAY_STORE", str(tmp_path / "store.db"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def store(place: Path) -> Iterator[Store]:
    with open_store() as opened:
        keep(opened, replace(small_run(), label="older"))
        keep(opened, small_run(HOSTILE))
        yield opened


def call(*words: str) -> int:
    parser = argparse.ArgumentParser()
    export.add_arguments(parser)
    parser.add_argument("--json", action="store_true")
    return export.run(parser.parse_args(words))


def test_parquet_and_csv_hold_the_stores_rows_with_the_same_types(store: Store, tmp_path: Path) -> None:
    source = of_store(store, "nightly")
    for exporter in (ParquetTables(), CsvTables()):
        (tmp_path / exporter.name).mkdir()
        counts = exporter.write_folder(source, tmp_path / exporter.name).counts
        assert counts == {"runs": 1, "samples": 5, "gate_results": 17, "failures": 3, "fixes": 3}
    for name, schema in SCHEMAS.items():
        kept = pq.read_table(tmp_path / "parquet" / f"{name}.parquet")
        assert kept.schema.equals(schema)
        frame = source.frame(name)
        assert list(frame.columns) == schema.names, "a column of the store is not exported"
        pd.testing.assert_frame_equal(kept.to_pandas().astype(frame.dtypes.to_dict()), frame)
        assert csv.read_table(tmp_path / "csv", name).equals(kept)


TEXT = st.one_of(st.none(), st.text(st.characters(codec="utf-8"), max_size=12), st.sampled_from(["", "NA", "null", "1", 'a"b', "a,b", "x\r\ny", "\r", "\n"]))
ROW = st.tuples(
    TEXT, st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1)), st.one_of(st.none(), st.floats(allow_nan=False)), st.one_of(st.none(), st.booleans())
)


@given(st.lists(ROW, min_size=1, max_size=6))
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_csv_gives_the_same_rows_back_whatever_is_in_them(tmp_path: Path, rows: list[tuple[object, ...]]) -> None:
    columns = list(zip(*rows, strict=True))
    texts = {"error": columns[0], "unclassified": columns[1], "training_quality": columns[2], "converged": columns[3]}
    length = len(rows)
    schema = SCHEMAS["samples"]
    blank = {"string": "x", "int64": 1, "double": 0.5, "bool": True}
    table = pa.Table.from_arrays([pa.array(texts.get(one.name, [blank[str(one.type)]] * length), type=one.type) for one in schema], schema=schema)
    arrow_csv.write_csv(table, tmp_path / "samples.csv")
    assert csv.read_table(tmp_path, "samples").equals(table)


def test_columns_without_any_value_keep_their_types() -> None:
    frame = pd.DataFrame({name: pd.Series([], dtype="object") for name in SCHEMAS["failures"].names})
    assert as_table(frame, SCHEMAS["failures"]).schema.equals(SCHEMAS["failures"])


def test_datasets_loads_both_kinds_of_pairs_with_their_types(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    datasets = pytest.importorskip("datasets")
    folder = tmp_path / "pairs"
    folder.mkdir()
    counted = Training().write_folder(of_store(store, "nightly"), folder)
    assert counted.counts == {"preference": 2, "repair": 2, "left_out": 3}
    assert len(counted.remarks) == 4 and all(remark in (folder / "README.md").read_text(encoding="utf-8") for remark in counted.remarks)
    assert datasets.get_dataset_config_names(str(folder)) == ["preference", "repair"]
    loaded = {name: datasets.load_dataset(str(folder), name, split="train", cache_dir=str(tmp_path / "cache")) for name in ("preference", "repair")}
    for name, rows in loaded.items():
        assert rows.column_names == list(FEATURES[name])
        assert rows.features["training_quality"] == datasets.Value("float64") and rows.features["attempt"] == datasets.Value("int64")
    first = loaded["preference"][0]
    assert {file["path"]: file["content"] for file in first["rejected_files"]} == RESPONSE
    assert {file["path"]: file["content"] for file in first["chosen_files"] if file["encoding"] == "utf-8"} == IDEAL
    assert [file["path"] for file in first["chosen_files"] if file["encoding"] == "base64"] == ["a.bin"]
    assert "S3BucketVersioningA(1)" in first["chosen"] and "S3BucketVersioningA(1)" not in first["rejected"]
    assert (first["failures"], first["critical"], first["low"]) == (2, 1, 1)
    repair = loaded["repair"][0]
    assert repair["fix"] == diff_of(RESPONSE, IDEAL) and repair["symbols"] == ["S3BucketVersioning"]
    assert repair["locations"] == [{"file": "lib/stack.py", "line": 2}]


def test_training_leaves_out_what_proves_nothing_and_says_so(tmp_path: Path) -> None:
    fit = result("a", failure(1))
    run = RunResult(
        "r", "2026-01-01T00:00:00+00:00", {}, "2", (fit, replace(fit, attempt=2), result("b", control="broken"), result("c", error="x"), result("d"))
    )
    counted = Training().write_folder(of_run(run, small_trees(run)), tmp_path)
    assert counted.counts == {"preference": 1, "repair": 0, "left_out": 4}
    assert not (tmp_path / "data/repair").exists() and "config_name: repair" not in (tmp_path / "README.md").read_text(encoding="utf-8")
    datasets = pytest.importorskip("datasets")
    assert datasets.load_dataset(str(tmp_path), split="train", cache_dir=str(tmp_path / "cache")).num_rows == 1


def test_a_run_without_a_pair_and_a_damaged_tree_are_refused(tmp_path: Path) -> None:
    run = RunResult("r", "2026-01-01T00:00:00+00:00", {}, "2", (result("a"),))
    with pytest.raises(UsageError, match="no sample to train on"):
        Training().write_folder(of_run(run, small_trees(run)), tmp_path / "one")
    broken = replace(run, cases=(result("a", failure(1)),))
    kept = {key: {RESPONSE_TREE: b"[]", IDEAL_TREE: b"{}"} for key in small_trees(broken)}
    with pytest.raises(HarnessFault, match="cannot be read"):
        Training().write_folder(of_run(broken, kept), tmp_path / "two")


@pytest.mark.parametrize("name", ["junit", "sarif", "jsonl", "markdown"])
def test_text_formats_are_the_same_in_a_file_and_on_the_standard_output(name: str, store: Store, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(name, "nightly", "--to", "deep/er/out") == 0
    assert "deep/er/out: " in capsys.readouterr().out
    assert call(name, "nightly", "--to", "-") == 0
    assert capsys.readouterr().out == (place / "deep/er/out").read_bytes().decode("utf-8")


def test_the_newest_run_is_exported_and_json_says_what_was_written(store: Store, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("training", "--to", "pairs", "--json") == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["format"], said["run"], said["written"]["preference"]) == ("training", store.find_run("nightly").name, 2)
    assert sorted(path.relative_to(place / "pairs").as_posix() for path in (place / "pairs").rglob("*") if path.is_file()) == sorted(Training.files)
    assert call("training", "older", "--to", "pairs") == 0, "what an export wrote is replaced"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("csv", "--to", "-"), "cannot be printed"),
        (("junit", "--to", "-", "--json"), "prints the export"),
        (("junit", "absent", "--to", "x"), "there is no run"),
        (("sarif", "--to", "x", "--prefix", "../cases"), "leaves the repository"),
        (("junit", "--to", "."), "not a file"),
        (("junit", "--to", "/dev/null"), "not a file"),
        (("csv", "--to", "."), "holds store.db"),
        (("csv", "--to", "store.db"), "not a folder"),
        (("junit", "--to", "store.db/x"), "cannot be written"),
    ],
)
def test_what_cannot_be_written_is_said_and_nothing_is_lost(words: tuple[str, ...], message: str, store: Store, place: Path) -> None:
    before = sorted(place.rglob("*"))
    with pytest.raises(UsageError, match=message):
        call(*words)
    assert sorted(place.rglob("*")) == before


def test_a_run_that_is_not_finished_says_so(store: Store, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = small_run()
    planned = tuple(PlannedSample(number, "cases", one.case, one.model, one.sample, one.attempt) for number, one in enumerate(run.cases))
    with store.start(RunPlan("half", run.toolchain, "f" * 64, "2", "c" * 64, {}, {}, planned)) as writer:
        writer.add(planned[0], run.cases[0])
    assert call("markdown", "half", "--to", "-") == 0
    said = capsys.readouterr()
    assert "1 of 5 samples" in said.out and "4 of its samples have no result yet" in said.err


def test_a_file_stays_as_it_was_where_writing_fails(tmp_path: Path) -> None:
    target = tmp_path / "out.xml"
    target.write_text("before")
    target.chmod(0o640)
    with pytest.raises(RuntimeError), replacing_file(target) as out:
        out.write("half")
        raise RuntimeError
    assert target.read_text() == "before" and list(tmp_path.iterdir()) == [target]
    link = tmp_path / "link.xml"
    link.symlink_to(target)
    with replacing_file(link) as out:
        out.write("after")
    assert link.is_symlink() and target.read_text() == "after" and stat.S_IMODE(target.stat().st_mode) == 0o640


def test_a_folder_stays_as_it_was_where_writing_fails(tmp_path: Path) -> None:
    target = tmp_path / "tables"
    for content, fails in (("before", False), ("after", True), ("after", False)):
        try:
            with replacing_folder(target, ["data/a.csv"]) as folder:
                (folder / "data").mkdir()
                (folder / "data/a.csv").write_text(content)
                if fails:
                    raise RuntimeError
        except RuntimeError:
            assert (target / "data/a.csv").read_text() == "before"
        assert list(tmp_path.iterdir()) == [target]
    assert (target / "data/a.csv").read_text() == "after"


def test_a_full_disk_leaves_what_was_there(tmp_path: Path) -> None:
    """A file of at most 4 KiB, by the kernel's limit: what a full disk is to a writer."""
    target = tmp_path / "out.jsonl"
    target.write_text("before")
    code = (
        "import resource, signal, sys; from pathlib import Path; from harness.exports.writing import replacing_file\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        "with replacing_file(Path(sys.argv[1])) as out: out.write('x' * 100_000)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(target)], capture_output=True, text=True, check=False)
    assert "UsageError" in done.stderr and "cannot be written" in done.stderr
    assert target.read_text() == "before" and list(tmp_path.iterdir()) == [target]


def test_a_reader_that_has_seen_enough_is_no_error(store: Store, place: Path) -> None:
    code = (
        "import argparse; from harness.commands import export\n"
        "parser = argparse.ArgumentParser(); export.add_arguments(parser)\n"
        "export.run(argparse.Namespace(json=False, **vars(parser.parse_args(['jsonl', 'nightly', '--to', '-']))))\n"
    )
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([sys.executable, "-c", code], stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_result_says_which_folder_its_response_lies_in() -> None:
    one = next(iter(small_source().samples())).result
    folder = response_folders("cases")
    places = [folder(replace(one, case="orders", response_folder=place)) for place in ("response", "responses/model-a/1")]
    assert places == ["cases/orders/response", "cases/orders/responses/model-a/1"]


def test_training_values_are_the_rubrics(store: Store, tmp_path: Path) -> None:
    assert call("training", "nightly", "--to", str(tmp_path / "pairs")) == 0
    lines = (tmp_path / "pairs/data/repair/train.jsonl").read_text(encoding="utf-8").splitlines()
    assert {json.loads(line)["training_value"] for line in lines} == {str(Severity.CRITICAL)}
