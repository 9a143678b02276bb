"""What the case's own tests say."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from harness.diagnostics import Diagnostic
from harness.failures import Category
from scoring.rules.base import Example, Merge, Names, Rule

if TYPE_CHECKING:
    from harness.attribution import Finding

_ARGUMENT = re.compile(r"argument:? '(\w+)'|arguments?: '(\w+)'")
_TESTS = ("tests/unit/test_tap_stack.py",)
_PYTEST = "https://docs.pytest.org/en/stable/"


def _in_tests(names: dict[str, str], diagnostic: Diagnostic, finding: Finding) -> Names | None:
    """Holds where the fix mends a test, so that the test was wrong and not the code."""
    return names if any(is_test(file) for file in finding.files) else None


def _constructor_call(names: dict[str, str], diagnostic: Diagnostic, finding: Finding) -> Names | None:
    found = _ARGUMENT.search(diagnostic.message)
    return _in_tests(names | {"name": (found[1] or found[2]) if found else "its arguments"}, diagnostic, finding)


def is_test(path: str) -> bool:
    """Whether a file of a case belongs to its tests."""
    parts = PurePosixPath(path).parts
    return any(part in ("test", "tests") for part in parts[:-1]) or parts[-1].startswith(("test_", "conftest"))


RULES = (
    Rule(
        id="test-constructor-call",
        gates=("tests",),
        pattern=r"TypeError: (?P<owner>\w+)\.__init__\(\) (?:missing|got an unexpected|takes)",
        refine=_constructor_call,
        category=Category.TESTING,
        symbols=("owner", "name"),
        title="Tests call {owner} with another signature: {name}",
        root_cause="The tests were written against another draft of {owner}: they do not pass what its constructor requires.",
        impact="The tests fail before they assert anything, so nothing of the stack is covered.",
        lesson="Tests: write them against the final constructor, and run them before handing over.",
        documentation=_PYTEST + "how-to/assert.html",
        examples=(
            Example(
                "tests",
                "TypeError",
                "tests/unit/test_tap_stack.py::TestTapStack::test_tap_stack_instantiates_successfully: TypeError: "
                "TapStack.__init__() missing 1 "
                "required positional argument: 'environment_suffix'",
                files=_TESTS,
            ),
        ),
    ),
    Rule(
        id="test-import",
        gates=("tests",),
        pattern=r"(?:ImportError|ModuleNotFoundError): (?:cannot import name '(?P<name>\w+)'|No module named '(?P<module>[\w.]+)')",
        refine=_in_tests,
        category=Category.TESTING,
        symbols=("name", "module"),
        title="Tests import what does not exist",
        root_cause="The tests were written against another layout of the project.",
        impact="pytest cannot collect the tests, so none of them runs.",
        lesson="Tests: import only what the code defines.",
        documentation=_PYTEST + "explanation/pythonpath.html",
        examples=(
            Example(
                "tests",
                "ImportError",
                "tests/unit/test_tap_stack.py: ImportError: cannot import name 'Tap' from 'lib.tap_stack' (/case/lib/tap_stack.py)",
                files=_TESTS,
            ),
            Example("tests", "ModuleNotFoundError", "tests/unit/test_tap_stack.py: ModuleNotFoundError: No module named 'lib.tap'", files=_TESTS),
        ),
    ),
    Rule(
        id="test-expectation",
        gates=("tests",),
        refine=_in_tests,
        category=Category.TESTING,
        merge=Merge.PER_RULE,
        symbols=(),
        title="Tests expect what the code does not do",
        root_cause="The tests assert on names, values or resources that the response's own code does not have.",
        impact="The test suite fails, so it cannot tell a good change from a bad one.",
        lesson="Tests: assert on the synthesized stack, and run the tests against it.",
        documentation="https://developer.hashicorp.com/terraform/cdktf/test/unit-tests",
        examples=(Example("tests", "AssertionError", "tests/unit/test_tap_stack.py::test_bucket: AssertionError: assert 0 == 1", files=_TESTS),),
    ),
    Rule(
        id="code-misses-tests",
        gates=("tests",),
        category=Category.ARCHITECTURE,
        symbols=("file",),
        title="The code lacks something that only the tests see",
        root_cause="The stack is accepted by Terraform, but does not have what the tests of the working version demand.",
        impact="The system deploys, and does not do what was asked for.",
        lesson="Requirements: assert every requirement in a test, and make the code pass it.",
        documentation="https://developer.hashicorp.com/terraform/cdktf/test/unit-tests",
        examples=(
            Example(
                "tests",
                "AssertionError",
                "tests/unit/test_tap_stack.py::test_alarm: AssertionError: assert 0 == 3",
                files=("lib/monitoring.py",),
            ),
        ),
    ),
)
