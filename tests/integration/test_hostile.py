"""Programs that misbehave: each gets a clear failure, and harms nothing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from harness.case import load_case
from harness.errors import ToolMissing
from harness.evaluate import evaluate
from harness.gates.base import GateResult, Status, Subject
from harness.gates.synth import SynthGate
from harness.gates.tests import TestsGate
from harness.runner import GateRunner
from harness.sandbox import Command, Limits, Mount, open_sandbox

pytestmark = pytest.mark.slow

GOOD = """from cdktf import App, TerraformStack
app = App()
TerraformStack(app, "good")
app.synth()
"""
FAKE = """import json, os, sys
os.makedirs("cdktf.out/stacks/fake", exist_ok=True)
json.dump({"resource": {}}, open("cdktf.out/stacks/fake/cdk.tf.json", "w"))
json.dump({"stacks": {}}, open("cdktf.out/manifest.json", "w"))
"""
HOSTILE = {
    "exits before synth": ("import sys\nsys.exit(0)\n" + GOOD, "no-synthesis", "never reached"),
    "writes its own output": (FAKE, "no-synthesis", "never reached"),
    "leaves without a word": ("import os\nos._exit(0)\n", "exit-code", "without a report"),
    "exits with an error": ("raise SystemExit('no state bucket')\n", "exit-code", "exit code 1"),
    "prints a gigabyte": ("while True: print('x' * 1000)\n", "output-limit", "printed more than"),
    "takes all memory": ("x = [bytearray(2**20) for _ in range(10**6)]\n", "MemoryError", "MemoryError"),
    "does not parse": ("def f(:\n", "SyntaxError", "invalid syntax"),
    "is not UTF-8": (b"x = '\xff'\n", "SyntaxError", "Non-UTF-8 code starting with '\\xff'"),
    "reads a file that is not there": ("open('/root/.aws/credentials')\n", "FileNotFoundError", "No such file"),
    "writes where it must not": ("open('/usr/hello', 'w')\n", "OSError", "Read-only file system"),
    "calls out": ("import socket\nsocket.create_connection(('192.0.2.1', 80), timeout=5)\n", "OSError", "unreachable"),
}


def judge(make_case, session, source: str | bytes) -> GateResult:
    case = load_case(make_case({"tap.py": source}, {"tap.py": GOOD}))
    return SynthGate().run(Subject(case, case.response, {}), session)


@pytest.mark.parametrize(("source", "code", "words"), HOSTILE.values(), ids=HOSTILE.keys())
def test_a_program_that_misbehaves_is_a_clear_failure(make_case, session, source, code: str, words: str) -> None:
    result = judge(make_case, session, source)
    assert result.status is Status.FAIL
    (diagnostic,) = result.diagnostics
    assert diagnostic.code == code
    assert words in diagnostic.message
    assert diagnostic.locations[0].file == "tap.py"


def test_a_good_program_passes(make_case, session) -> None:
    result = judge(make_case, session, GOOD)
    assert result.status is Status.PASS
    assert list(result.output["stacks"]) == ["good"]


@pytest.mark.parametrize(
    ("source", "code"),
    [("while True: pass\n", "time-limit"), ("import os\nwhile True:\n    try:\n        os.fork()\n    except OSError:\n        pass\n", "")],
    ids=["never ends", "forks without end"],
)
def test_a_program_that_never_ends_is_stopped(make_case, session, monkeypatch, source: str, code: str) -> None:
    monkeypatch.setattr("harness.gates.synth.SYNTH_LIMITS", Limits(wall=3))
    result = judge(make_case, session, source)
    assert result.status is Status.FAIL
    assert result.diagnostics[0].code in ({code} if code else {"time-limit", "process-limit", "memory-limit"})


def test_a_missing_entry_is_said(make_case, session) -> None:
    case = load_case(make_case({"other.py": GOOD}, {"tap.py": GOOD}))
    (diagnostic,) = SynthGate().run(Subject(case, case.response, {}), session).diagnostics
    assert diagnostic.message == "the entry program tap.py is not in the tree"


def test_nothing_of_the_host_s_environment_gets_in(make_case, session, monkeypatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hidden")
    source = "import os\nraise RuntimeError(sorted(os.environ))\n"
    (diagnostic,) = judge(make_case, session, source).diagnostics
    assert "AWS" not in diagnostic.message
    assert "PATH" in diagnostic.message


def test_one_program_cannot_see_what_another_left(make_case, session, tmp_path) -> None:
    judge(make_case, session, "open('/tmp/left', 'w').write('x')\nopen('left', 'w').write('x')\n")
    case = load_case(make_case({"tap.py": "import os\nraise RuntimeError(os.listdir('/tmp') + os.listdir('.'))\n"}, {"tap.py": GOOD}, name="second"))
    (diagnostic,) = SynthGate().run(Subject(case, case.response, {}), session).diagnostics
    assert "'tap.py'" in diagnostic.message
    assert "'left'" not in diagnostic.message


TESTS = {
    "asserts wrongly": ("def test_it():\n    assert 1 == 2\n", "assert 1 == 2", 2),
    "cannot be imported": ("import nothing_like_that\n", "No module named", 1),
    "leaves before it reports": ("import os\nos._exit(0)\n", "without a report", 1),
}


@pytest.mark.parametrize(("source", "words", "line"), TESTS.values(), ids=TESTS.keys())
def test_tests_that_fail_say_what_and_where(make_case, session, source: str, words: str, line: int) -> None:
    case = load_case(make_case({"tap.py": GOOD, "tests/test_it.py": source}, {"tap.py": GOOD}))
    result = GateRunner(case, session, [SynthGate(), TestsGate()]).judge(case.response)["tests"]
    assert result.status is Status.FAIL
    assert words in result.diagnostics[0].message + result.diagnostics[0].detail
    if "report" not in words:
        assert (result.diagnostics[0].locations[0].file, result.diagnostics[0].locations[0].line) == ("tests/test_it.py", line)


def test_a_tree_whose_tests_hold_no_test_is_not_passed(make_case, session) -> None:
    case = load_case(make_case({"tap.py": GOOD, "tests/test_it.py": "x = 1\n"}, {"tap.py": GOOD}))
    result = GateRunner(case, session, [SynthGate(), TestsGate()]).judge(case.response)["tests"]
    assert result.status is Status.NOT_RUN
    assert "found no test" in result.reason


def test_without_a_sandbox_nothing_runs() -> None:
    with pytest.raises(ToolMissing, match="bubblewrap") as caught:
        open_sandbox(None)
    assert "apt-get install" in caught.value.remedy
    assert caught.value.exit_code == 3


def test_scratch_folders_go_away_whatever_was_left_in_them(sandbox) -> None:
    with sandbox.scratch() as folder:
        script = "mkdir /w/locked && touch /w/locked/file && chmod 0 /w/locked"
        done = sandbox.run(Command(("sh", "-c", script), env={"PATH": os.defpath}, mounts=(Mount(folder, "/w", writable=True),)))
        assert done.exit_code == 0, done.stderr
    assert not Path(folder).parent.exists()


@pytest.mark.parametrize(
    ("script", "limits", "stopped"),
    [
        ("sleep 60 & sleep 60", Limits(wall=1), "time"),
        ("exec >&- 2>&-; sleep 60", Limits(wall=1), "time"),
        ("yes", Limits(), "output"),
    ],
)
def test_limits_end_a_command(sandbox, script: str, limits: Limits, stopped: str) -> None:
    done = sandbox.run(Command(("sh", "-c", script), env={"PATH": os.defpath}, limits=limits))
    assert done.stopped == stopped


def test_what_a_command_used_is_known(sandbox) -> None:
    done = sandbox.run(Command(("sh", "-c", "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done"), env={"PATH": os.defpath}))
    assert done.exit_code == 0
    assert done.cpu > 0.02
    assert done.peak_memory > 0


def test_a_response_that_never_ends_is_one_failure_of_its_case(make_case, session, monkeypatch) -> None:
    monkeypatch.setattr("harness.gates.synth.SYNTH_LIMITS", Limits(wall=4))
    case = load_case(make_case({"tap.py": "while True: pass\n" + GOOD}, {"tap.py": GOOD}))
    result = evaluate(case, session)
    assert [(failure.rule, str(failure.severity)) for failure in result.failures] == [("over-limit", "critical")]
    assert result.control == "ok"
    assert result.converged
