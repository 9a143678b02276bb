"""What a run evaluates, what it does with cases that cannot be, and how it is gone on with."""

from __future__ import annotations

import json
import os
import re
from dataclasses import replace
from pathlib import Path

import pytest

from harness.sandbox import Sandbox
from harness.toolchain import Toolchain
from tests.batch import PATIENCE, Bench, interrupt, lines_of, wait_for, write_case, write_plugin

CHEAP = ("--gates", "obedient")


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "bench", write_plugin(tmp_path / "plugin"))


def samples_of(run: dict) -> list[tuple[str, str, str]]:  # type: ignore[type-arg]
    return [(case["case"], case["model"], case["sample"]) for case in run["cases"]]


def test_what_breaks_assay_is_recorded_and_the_others_go_on(bench: Bench, tmp_path: Path) -> None:
    cases = tmp_path / "cases"
    write_case(cases / "good", {"response": "FAIL = True\n"})
    write_case(cases / "raising-gate", {"response": "RAISE = True\n"})
    write_case(cases / "raising-gate-at-the-ideal", {"response": "X = 1\n"}, "RAISE = True\n")
    write_case(cases / "no-yaml", {"response": "X = 1\n"}).joinpath("case.yaml").write_text("title: [")
    write_case(cases / "no-utf-8", {"response": "X = 1\n"}).joinpath("case.yaml").write_bytes(b"title: \xff\n")
    write_case(cases / "no-prompt", {"response": "X = 1\n"}).joinpath("PROMPT.md").unlink()
    write_case(cases / "link-out", {"response": "X = 1\n"}).joinpath("response", "passwd").symlink_to("/etc/passwd")
    write_case(cases / "empty-response", {"response": "X = 1\n"}).joinpath("response", "tap.py").unlink()
    write_case(cases / "empty-model", {"response": "X = 1\n"}).joinpath("responses", "one").mkdir(parents=True)
    write_case(cases / "a pipe", {"response": "X = 1\n"})
    os.mkfifo(write_case(cases / "pipe", {"response": "X = 1\n"}) / "response" / "pipe")
    Path(os.fsdecode(os.fsencode(write_case(cases / "odd-name", {"response": "X = 1\n"}) / "response") + b"/\xff.py")).write_text("X = 1\n")
    write_case(cases / "deep", {"response": "X = " + "(" * 20_000 + ")" * 20_000 + "\n"})
    run = bench.run(cases, *CHEAP, code=2)
    by_name = {case["case"]: case for case in run["cases"]}
    assert set(by_name) == {path.name for path in cases.iterdir()}
    assert [failure["title"] for failure in by_name["good"]["failures"]] == ["told-to: the program says so"]
    said = {
        "raising-gate": "Assay broke on this case: RuntimeError: the gate's own mistake", "raising-gate-at-the-ideal": "RuntimeError: the gate's own mistake",
        "no-yaml": "not YAML", "no-utf-8": "not UTF-8", "no-prompt": "PROMPT.md: missing", "link-out": "leaves the case", "pipe": "neither a file nor a folder",
        "empty-response": "the folder is empty", "empty-model": "the folder is empty", "a pipe": "is no name for a case", "odd-name": "UnicodeEncodeError",
    }  # fmt: skip
    for name, words in said.items():
        assert words in by_name[name]["error"], (name, by_name[name]["error"])
        assert by_name[name]["score"] is None
    assert by_name["good"]["error"] is None
    assert by_name["deep"]["error"] is None or "Assay broke on this case" in by_name["deep"]["error"]
    with bench.open() as store:
        assert store.find_run().state == "finished"
        assert (store.samples()["state"] == "error").sum() >= len(said)


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """`both` has a response of its own and three collected ones, `single` only its own, `other` only one of another model."""
    cases = tmp_path / "cases"
    collected = {"responses/gpt-x/1": "B = 1\n", "responses/gpt-x/10": "C = 1\nFAIL = True\n", "responses/gpt-x/2": "D = 1\n"}
    write_case(cases / "both", {"response": "A = 1\n", **collected})
    write_case(cases / "other", {"responses/claude-y/first": "E = 1\n"})
    write_case(cases / "single", {"response": "F = 1\n"})
    return cases


GPT = ["both gpt-x 1", "both gpt-x 2", "both gpt-x 10"]
OWN = ["both own-model 1", "single own-model 1"]
CLAUDE = ["other claude-y first"]


@pytest.mark.parametrize(
    ("models", "expected", "left_out"),
    [
        ("", [OWN[0], *GPT, *CLAUDE, OWN[1]], ""),
        ("gpt-x", [*GPT, "single gpt-x 1"], "other"),
        ("claude-y,gpt-x", [*GPT, *CLAUDE], "single"),
        ("own-model", OWN, "other"),
        ("gpt-x,own-model", [OWN[0], *GPT, OWN[1]], "other"),
    ],
)
def test_a_run_evaluates_the_responses_of_the_models_asked_for(bench: Bench, many: Path, models: str, expected: list[str], left_out: str) -> None:
    done = bench.assay("run", many, *CHEAP, *(["--model", models] if models else []), "--json")
    run = json.loads(done.stdout)
    assert samples_of(run) == [tuple(name.split()) for name in expected]
    assert ("no response of" in done.stderr) == bool(left_out)
    assert f"no response of {models.replace(',', ', ')} in 1 of 3 cases: {left_out}" in done.stderr or not left_out
    for case in run["cases"]:
        own = case["model"] == "own-model" or case["case"] == "single"
        assert case["response_folder"] == ("response" if own else f"responses/{case['model']}/{case['sample']}")
        assert len(case["failures"]) == (case["sample"] == "10")


def test_no_response_of_the_model_at_all_is_said(bench: Bench, many: Path) -> None:
    error = bench.assay("run", many / "both", many / "other", *CHEAP, "--model", "nobody", code=2).stderr
    assert "no case has a response of nobody" in error
    assert "responses/MODEL/SAMPLE" in error
    with bench.open() as store:
        assert store.runs().empty


def test_a_label_names_the_newest_run_with_it(bench: Bench, many: Path) -> None:
    names = [bench.run(many / "single", *CHEAP, "--label", "nightly")["run"] for _ in range(2)]
    shown = json.loads(bench.assay("runs", "--label", "nightly", "--json").stdout)
    assert [one["run"] for one in shown] == names[::-1]
    with bench.open() as store:
        assert store.find_run("nightly").name == names[1]


def test_repeats_are_measured_anew_and_the_same_response_may_come_to_something_else(bench: Bench, tmp_path: Path) -> None:
    counter = tmp_path / "counter"
    case = write_case(tmp_path / "cases" / "one", {"response": f'FLAKY = "{counter}"\n'})
    run = bench.run(case, *CHEAP, "--repeat", "4", "--jobs", "1")
    assert [(one["sample"], one["attempt"]) for one in run["cases"]] == [("1", 1), ("1", 2), ("1", 3), ("1", 4)]
    assert [one["gates"]["response"]["obedient"] for one in run["cases"]][:2] == ["pass", "fail"]
    assert len(counter.read_text()) >= 4  # the walk may ask more often
    assert json.loads(bench.assay("cache", "info", "--json").stdout)["entries"] == 0
    assert {one["response_digest"] for one in run["cases"]} == {run["cases"][0]["response_digest"]}


def test_a_second_run_takes_its_results_from_the_cache_unless_it_must_not(bench: Bench, tmp_path: Path) -> None:
    counter = tmp_path / "counter"
    case = write_case(tmp_path / "cases" / "one", {"response": f'FLAKY = "{counter}"\n'})

    def outcome(*arguments: str) -> tuple[str, int]:
        status = bench.run(case, *CHEAP, *arguments)["cases"][0]["gates"]["response"]["obedient"]
        return status, len(counter.read_text())

    assert [outcome(), outcome()] == [("pass", 1), ("pass", 1)]
    status, asked = outcome("--no-cache")
    assert status == "fail" and asked > 1
    assert outcome() == ("pass", asked)
    bench.assay("cache", "clear")
    assert outcome()[1] > asked


def test_a_run_that_there_is_not_cannot_be_resumed(bench: Bench, many: Path) -> None:
    assert "there is no run 'nightly'" in bench.assay("run", "--resume", "nightly", code=2).stderr
    bench.run(many / "single", *CHEAP)
    assert "there is no run 'nightly'" in bench.assay("run", "--resume", "nightly", code=2).stderr
    assert "a resumed run has its cases already" in bench.assay("run", many / "single", "--resume", "nightly", code=2).stderr


def test_a_finished_run_has_nothing_to_resume(bench: Bench, many: Path) -> None:
    run = bench.run(many, *CHEAP, "--label", "nightly")
    done = bench.assay("run", "--resume", "nightly", "--json")
    assert f"run {run['run']} has a result of every sample" in done.stderr
    assert json.loads(done.stdout) == run


def test_a_run_that_another_process_writes_is_not_taken_from_it(bench: Bench, tmp_path: Path) -> None:
    for number in range(2):
        write_case(tmp_path / "cases" / f"case{number}", {"response": f"SLEEP = 3\nN = {number}\n"}, f"SLEEP = 3\nM = {number}\n")
    first = lines_of(tmp_path / "said", ("run", tmp_path / "cases", *CHEAP, "--label", "mine", "--jobs", "1"), bench)
    wait_for(lambda: b"begun" in (tmp_path / "said" / "err").read_bytes(), "the first case")
    refused = bench.assay("run", "--resume", "mine", code=3).stderr
    assert "another process is writing it" in refused
    with bench.open() as store:
        assert store.runs()["state"].tolist() == ["running"]
    interrupt(first)
    assert first.wait(PATIENCE) == 130
    assert len(bench.run("--resume", "mine")["cases"]) == 2


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"toolchain_fingerprint": "another"}, "the toolchain changed"),
        ({"rubric": "0"}, "the rubric changed"),
        ({"code": "other"}, "the code of Assay changed"),
        ({"holes": {"obedient": "was missing"}}, "the set of gates that can run here changed"),
        ({"rubric": "0", "code": "other"}, "the rubric and the code of Assay changed"),
    ],
)
def test_a_run_is_not_gone_on_with_by_other_tools(
    bench: Bench, tmp_path: Path, toolchain: Toolchain, sandbox: Sandbox, changes: dict[str, object], words: str
) -> None:
    from harness.planning import plan_samples
    from harness.store import RunPlan
    from harness.work import code_digest
    from scoring.rubric import load_rubric

    case = write_case(tmp_path / "cases" / "one", {"response": "A = 1\n"})
    settings = {"gates": ["format"], "repeat": 1, "sandboxed": True}
    plan = RunPlan("before", toolchain.versions, toolchain.fingerprint, load_rubric().version, code_digest(), {}, settings, plan_samples([case])[0])
    plain = Bench(bench.root)  # without the plugin, whose presence is part of the code
    with plain.open() as store:
        store.start(replace(plan, **changes)).close()  # type: ignore[arg-type]
    error = plain.assay("run", "--resume", "before", code=2).stderr
    assert re.search(rf"run \S+ cannot be resumed: {words} since it began", error), error
    assert "start a new run" in error
    with plain.open() as store:
        assert store.find_run().state == "interrupted"
        assert store.samples()["state"].tolist() == ["planned"]


def test_the_same_plan_with_the_same_tools_is_gone_on_with(bench: Bench, tmp_path: Path, toolchain: Toolchain) -> None:
    """The other side of the test above: what it changes is what it is refused for."""
    from harness.planning import plan_samples
    from harness.store import RunPlan
    from harness.work import code_digest
    from scoring.rubric import load_rubric

    case = write_case(tmp_path / "cases" / "one", {"response": "A = 1\n"})
    settings = {"gates": ["format"], "repeat": 1, "sandboxed": True}
    plan = RunPlan("before", toolchain.versions, toolchain.fingerprint, load_rubric().version, code_digest(), {}, settings, plan_samples([case])[0])
    plain = Bench(bench.root)
    with plain.open() as store:
        store.start(plan).close()
    (result,) = plain.run("--resume", "before")["cases"]
    assert result["gates"]["response"] == {"format": "pass"}


def test_a_case_that_is_gone_when_its_run_is_resumed_is_recorded(bench: Bench, tmp_path: Path) -> None:
    from shutil import rmtree

    cases = [write_case(tmp_path / "cases" / f"case{number}", {"response": f"SLEEP = 2\nN = {number}\n"}) for number in range(2)]
    process = lines_of(tmp_path / "said", ("run", *cases, *CHEAP, "--jobs", "1"), bench)
    wait_for(lambda: b"case0: the response" in (tmp_path / "said" / "err").read_bytes(), "the first case")
    interrupt(process)
    assert process.wait(PATIENCE) == 130
    rmtree(cases[1])
    with bench.open() as store:
        name = store.find_run().name
    first, second = bench.run("--resume", name, code=2)["cases"]
    assert first["error"] is None
    assert "no such folder" in second["error"]


def test_a_response_that_is_gone_when_its_run_is_resumed_is_not_taken_for_another(bench: Bench, tmp_path: Path) -> None:
    from shutil import rmtree

    own = "SLEEP = 2\n"
    case = write_case(tmp_path / "cases" / "one", {"response": own, "responses/gpt-x/1": own + "N = 1\n", "responses/gpt-x/2": own + "N = 2\n"}, own)
    process = lines_of(tmp_path / "said", ("run", case, *CHEAP, "--jobs", "1"), bench)
    wait_for(lambda: b"one: the response" in (tmp_path / "said" / "err").read_bytes(), "the first sample")
    interrupt(process)
    assert process.wait(PATIENCE) == 130
    rmtree(case / "responses" / "gpt-x" / "2")
    with bench.open() as store:
        name = store.find_run().name
    results = {(one["model"], one["sample"]): one["error"] for one in bench.run("--resume", name, code=2)["cases"]}
    assert results[("own-model", "1")] is None and results[("gpt-x", "1")] is None
    assert "responses/gpt-x/2" in results[("gpt-x", "2")]
