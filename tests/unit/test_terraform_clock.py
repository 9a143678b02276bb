"""A process's monotonic clock runs faster, its calendar does not, and where that cannot be done nothing is changed."""

import json
import platform
import subprocess
import sys
from functools import partial

import pytest

from harness.terraform.inside import clock

TELL = """
import json, time
started, began = time.monotonic(), time.time()
time.sleep(0.2)
print(json.dumps([time.monotonic() - started, time.time() - began]))
"""
START = partial(subprocess.Popen, [sys.executable, "-c", TELL], stdout=subprocess.PIPE)


@pytest.mark.skipif(platform.machine() != "x86_64" or platform.system() != "Linux", reason="the stub is machine code for Linux on x86-64")
def test_only_the_monotonic_clock_runs_faster():
    process, rate = clock.start_with_clock(START, 20)
    monotonic, calendar = json.loads(process.communicate(timeout=60)[0])
    if rate == 1:
        pytest.skip("this kernel does not let a parent trace its child")
    assert rate == 20
    assert monotonic > 15 * calendar
    assert calendar >= 0.2


def test_a_rate_of_one_changes_nothing():
    process, rate = clock.start_with_clock(START, 1)
    monotonic, calendar = json.loads(process.communicate(timeout=60)[0])
    assert rate == 1
    assert monotonic == pytest.approx(calendar, abs=0.1)


def test_elsewhere_the_clock_stays_as_it_is(monkeypatch):
    monkeypatch.setattr(clock.platform, "machine", lambda: "aarch64")
    process, rate = clock.start_with_clock(START, 20)
    assert rate == 1
    assert process.wait(timeout=60) == 0


def test_a_vdso_that_is_not_as_expected_is_left_alone(monkeypatch):
    monkeypatch.setattr(clock, "_SYMBOL", b"__vdso_no_such_function")
    process, rate = clock.start_with_clock(START, 20)
    monotonic, calendar = json.loads(process.communicate(timeout=60)[0])
    assert rate == 1
    assert monotonic == pytest.approx(calendar, abs=0.1)


def test_a_program_that_is_nudged_takes_no_notice():
    process = START()
    nudge = clock.Nudge(process)
    with clock.nudged(lambda: [nudge]):
        monotonic, _ = json.loads(process.communicate(timeout=60)[0])
    assert process.returncode == 0
    assert monotonic >= 0.2
    nudge.once()  # a process that has ended is no error
