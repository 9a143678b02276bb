"""Runs that end before they are finished: killed at any moment, interrupted by Ctrl-C, given up."""

from __future__ import annotations

import fcntl
import os
import pty
import random
import re
import struct
import subprocess
import termios
import time
from pathlib import Path

import psutil
import pytest

from harness.sandbox import Sandbox
from harness.synth.launcher import prime
from harness.toolchain import Toolchain
from harness.userdata import cache_folder
from tests.batch import PATIENCE, Bench, everything, interrupt, lines_of, wait_for, write_case, write_plugin

KILLS = 20
SEED = 20_261_125
GATES = "format,lint,types,synth"
GOOD = """from cdktf import App, TerraformStack
from cdktf_cdktf_provider_aws.cloudwatch_log_group import CloudwatchLogGroup


app = App()
stack = TerraformStack(app, "logs")
CloudwatchLogGroup(stack, "logs", name="/app/logs", retention_in_days=14)
app.synth()
"""
RESPONSES = {
    "response": GOOD.replace("CloudwatchLogGroup(", "CloudwatchLogs("),
    "responses/one/1": GOOD,
    "responses/one/2": GOOD.replace("import App,", "import  App,\n    Fn,") + "import os\n",
    "responses/two/1": GOOD.replace("import App,", "import Application,"),
    "responses/two/2": GOOD.replace('name="/app/logs"', 'title="/app/logs"'),
}


def done_by(error: bytes) -> int:
    """How many samples a process said were in the store."""
    return len(re.findall(rb"\(\d+ of \d+ done", error))


def have_result(bench: Bench, run: str) -> int:
    with bench.open() as store:
        return int((store.samples(run)["state"] != "planned").sum())


@pytest.mark.slow
def test_a_run_that_is_killed_twenty_times_comes_to_what_an_undisturbed_run_comes_to(tmp_path: Path, toolchain: Toolchain, sandbox: Sandbox) -> None:
    """Without a cache, so that only what the store kept can be gone on with."""
    prime(toolchain, sandbox)
    cases = [write_case(tmp_path / "cases" / name, RESPONSES, GOOD) for name in ("first", "second")]
    arguments = ("run", *cases, "--gates", GATES, "--no-cache", "--jobs", "2")
    calm, rough = Bench(tmp_path / "calm"), Bench(tmp_path / "rough")
    for bench in (calm, rough):
        (bench.root / "cache" / "kernel").symlink_to(cache_folder() / "kernel")
    started = time.monotonic()
    run = calm.assay(*arguments, "--json").stdout
    whole = time.monotonic() - started
    with calm.open() as store:
        wanted = everything(store, store.find_run().name)
    assert run and len(wanted) == 2 * len(RESPONSES)
    assert {state for state, *_ in wanted.values()} == {"done"}
    assert all(len(artefacts) >= 4 for _, _, artefacts, _ in wanted.values())

    chosen, kills, finished = random.Random(SEED), 0, []
    current: str | None = None
    while kills < KILLS or current is not None:
        before = have_result(rough, current) if current else 0
        command = ("run", "--resume", current, "--no-cache") if current else arguments
        process = lines_of(tmp_path / "said", command, rough)
        # From before the first import to after most of the work; a run that got to its end in spite of it is one more to compare.
        killed = False
        if kills < KILLS:
            try:
                process.wait(chosen.uniform(0, 0.6 * whole))
            except subprocess.TimeoutExpired:
                process.kill()
                killed = True
        process.wait(PATIENCE * 5)
        kills += killed
        said = (tmp_path / "said" / "err").read_bytes()
        if not killed:
            assert process.returncode == 0, said
        if current is None:
            found = re.search(rb"^run (\S+): ", said)
            current = found.group(1).decode() if found else None
        if current is not None:
            assert have_result(rough, current) >= before + done_by(said)  # nothing that was said to be kept is lost
            with rough.open() as store:
                info = store.find_run(current)
                # What was killed after its last result and before it said so has nothing missing, and the next one says so.
                assert info.state == ("interrupted" if killed and info.ended is None else "finished"), (killed, info)
                if info.state == "finished":
                    finished.append(current)
                    current = None
    assert kills == KILLS and finished
    with rough.open() as store:
        for name in finished:
            assert everything(store, name) == wanted
        # A kill before the plan was written leaves no run behind, or a run that is planned in full.
        assert set(store.runs()["samples"]) == {len(wanted)}
    wait_for(lambda: all(before_anything_ran(one) for one in rough.processes()), "the end of all processes")
    for one in rough.processes():
        one.kill()


def before_anything_ran(process: psutil.Process) -> bool:
    """Whether it is a bubblewrap whose outer half was killed before it let the inner one go on: that one waits for ever, and has started nothing."""
    try:
        return process.name() == "bwrap" and not process.children()
    except psutil.NoSuchProcess:
        return True


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "bench", write_plugin(tmp_path / "plugin"))


@pytest.fixture
def sleepers(tmp_path: Path) -> list[Path]:
    """Six cases whose gate takes some seconds, and fails where what it runs does not come to its end."""
    return [write_case(tmp_path / "cases" / f"case{number}", {"response": f"SLEEP = 2.{number}\n"}, f"SLEEP = 2.{number}\n") for number in range(6)]


class Terminal:
    """A real terminal of 120 columns, with a program on it; `read` gives what is on the screen so far, as it was sent."""

    def __init__(self, bench: Bench, *arguments: object) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        self.shown = b""
        # The program leads a session whose terminal this is: Ctrl-C then reaches all of its foreground group, by the kernel's hand.
        self.process = bench.start(*arguments, stdin=slave, stdout=slave, stderr=slave, preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.close(slave)
        os.set_blocking(self._master, False)

    def read(self) -> bytes:
        """All that was shown so far."""
        try:
            while block := os.read(self._master, 65_536):
                self.shown += block
        except OSError:  # nothing new, or the program is gone
            pass
        return self.shown

    def press_control_c(self) -> None:
        os.write(self._master, b"\x03")

    def wait(self) -> int:
        wait_for(lambda: (self.read() is not None) and self.process.poll() is not None, "the end of the program")
        self.read()
        os.close(self._master)
        return int(self.process.returncode)


@pytest.mark.parametrize("on_terminal", [False, True])
def test_the_first_ctrl_c_lets_what_is_running_finish_and_the_rest_resume(bench: Bench, sleepers: list[Path], tmp_path: Path, on_terminal: bool) -> None:
    arguments = ("run", *sleepers, "--gates", "obedient", "--no-cache")
    if on_terminal:
        terminal = Terminal(bench, *arguments)
        wait_for(lambda: b"the response and its control" in terminal.read(), "the first case")
        terminal.press_control_c()
        code, said = terminal.wait(), terminal.shown
    else:
        process = lines_of(tmp_path / "said", arguments, bench)
        wait_for(lambda: b"the response and its control" in (tmp_path / "said" / "err").read_bytes(), "the first case")
        interrupt(process)
        code, said = process.wait(PATIENCE), (tmp_path / "said" / "err").read_bytes()
    assert code == 130, said
    assert b"what is running will finish" in said
    assert b"go on with: assay run --resume" in said.replace(b"\r\n", b"")
    assert b"Traceback" not in said
    with bench.open() as store:
        info, samples = store.find_run(), store.samples()
        done = samples[samples["state"] == "done"]
        assert info.state == "interrupted"
        assert 1 <= len(done) <= 2  # what was running, and no more
        assert set(store.gate_results(variants=["response", "ideal"]).query("gate == 'obedient'")["status"]) == {"pass"}  # no sleep died
    assert bench.processes() == []
    resumed = bench.run("--resume", info.name, "--no-cache")
    assert [case["case"] for case in resumed["cases"]] == [path.name for path in sleepers]
    assert {case["gates"]["ideal"]["obedient"] for case in resumed["cases"]} == {"pass"}
    with bench.open() as store:
        assert len(store.runs()) == 1
        assert store.find_run().state == "finished"


@pytest.mark.parametrize("on_terminal", [False, True])
def test_the_second_ctrl_c_ends_everything_at_once(bench: Bench, tmp_path: Path, on_terminal: bool) -> None:
    endless = "SLEEP = 300.25\n"
    cases = [write_case(tmp_path / "cases" / f"case{number}", {"response": endless}, endless + f"N = {number}\n") for number in range(3)]
    arguments = ("run", *cases, "--gates", "obedient")
    terminal = Terminal(bench, *arguments) if on_terminal else None
    process = terminal.process if terminal else lines_of(tmp_path / "said", arguments, bench)

    def said() -> bytes:
        return terminal.read() if terminal else (tmp_path / "said" / "err").read_bytes()

    def press() -> None:
        terminal.press_control_c() if terminal else interrupt(process)

    wait_for(lambda: b"the response and its control" in said(), "the first case")
    wait_for(lambda: len(sleeping(process.pid)) >= 2, "what it runs")
    inside = sleeping(process.pid)
    press()
    wait_for(lambda: b"what is running will finish" in said(), "the answer to the first")
    assert process.poll() is None
    press()
    assert (terminal.wait() if terminal else process.wait(PATIENCE)) == 130
    assert b"given up" in said() if not terminal else b"given up" in terminal.shown
    wait_for(lambda: not any(alive(pid) for pid in inside) and not bench.processes(), "the end of all that it started")
    with bench.open() as store:
        assert store.find_run().state == "interrupted"
        assert set(store.samples()["state"]) == {"planned"}


def sleeping(pid: int) -> list[int]:
    """The processes `sleep` below the process `pid`."""
    return [one.pid for one in psutil.Process(pid).children(recursive=True) if one.name() == "sleep"]


def alive(pid: int) -> bool:
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_terminal_shows_rate_remaining_time_and_failures_so_far(bench: Bench, tmp_path: Path) -> None:
    for number in range(4):
        write_case(tmp_path / "cases" / f"case{number}", {"response": f"FAIL = {number}\nSLEEP = 0.7\n"}, "SLEEP = 0.7\n")
    write_case(tmp_path / "cases" / "case9", {"response": "RAISE = True\n"})
    terminal = Terminal(bench, "run", tmp_path / "cases", "--gates", "obedient", "--jobs", "1")
    assert terminal.wait() == 2
    shown = re.sub(rb"\x1b\[[0-9;?]*[A-Za-z]", b"", terminal.shown).decode()
    assert re.search(r"\b[1-4]/5\b", shown)  # done so far
    assert re.search(r"left \d:\d\d:\d\d", shown)
    assert re.search(r"\d+\.\d a minute", shown)
    assert re.search(r"found so far: 0 critical, 0 high, [1-4] medium, 0 low", shown)
    assert re.search(r"case\d: (the response and its control|repair walk|step 1)", shown)
    assert "case9: Assay broke on this case: RuntimeError: the gate's own mistake" in shown


def test_elsewhere_there_are_plain_lines(bench: Bench, tmp_path: Path) -> None:
    write_case(tmp_path / "cases" / "one", {"response": "FAIL = True\n"})
    error = bench.assay("run", tmp_path / "cases", "--gates", "obedient").stderr
    assert "\x1b" not in error and "\r" not in error
    assert re.search(r"^\[1/1\] one: 1 failures \(1 of 1 done, \d+\.\d a minute, 0:00:00 left, 0 critical, 0 high, 1 medium, 0 low\)$", error, re.MULTILINE)
